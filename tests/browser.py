"""Open HTML files in headless Chromium, on a screen or in print, and list what is wrong with the page.

A test takes the fixture `chromium` and calls `assert_good(chromium, path)`, which opens the file in all VIEWS:

    from tests.browser import assert_good, chromium as chromium

Without Chromium the tests skip, but they fail in CI.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")
PAPER = 718
"""Width of A4 paper in CSS pixels, without margins of 1 cm on either side."""

GRAVE = ("serious", "critical")
"""The impacts, in the terms of axe-core, that a page must not have."""


@dataclass(frozen=True)
class View:
    """How a page is opened: the width in CSS pixels, the colour scheme, and whether for print."""

    width: int = 1280
    dark: bool = False
    print: bool = False

    def __str__(self) -> str:
        return f"{self.width} px{', dark' if self.dark else ''}{', print' if self.print else ''}"


WIDE, NARROW, DARK, PRINT = View(), View(390), View(dark=True), View(PAPER, print=True)
VIEWS = (WIDE, NARROW, DARK, View(390, dark=True), PRINT)


@dataclass
class Opened:
    """A page with what happened while it was opened: requests for anything but the file, and messages."""

    page: Any
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A running Chromium. Its event loop would be in the way of other modules' tests, so it ends with the module."""
    with launched() as browser:
        yield browser


@contextmanager
def launched() -> Iterator[Any]:
    """Start Chromium; skip the test if it is not there, but fail in CI."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _without("playwright is not installed")
    if program is None:
        _without(f"Chromium is not installed ({', '.join(NAMES)})")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def _without(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"CI must open pages in a browser: {reason}")
    pytest.skip(reason)


@contextmanager
def opened(browser: Any, path: Path, view: View = WIDE) -> Iterator[Opened]:
    """Open an HTML file, without any network, and wait until it is drawn."""
    scheme = "dark" if view.dark else "light"
    context = browser.new_context(
        viewport={"width": view.width, "height": 900}, color_scheme=scheme, offline=True, reduced_motion="reduce"
    )
    try:
        page = context.new_page()
        shown, address = Opened(page), path.resolve().as_uri()
        page.on("request", lambda request: _note_request(shown, request.url, address))
        page.on("console", lambda message: shown.messages.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: shown.messages.append(f"error: {error}"))
        if view.print:
            page.emulate_media(media="print", color_scheme=scheme)
        page.goto(address, wait_until="load")
        yield shown
    finally:
        context.close()


def _note_request(shown: Opened, url: str, address: str) -> None:
    if url.split("#")[0] != address and not url.startswith(("data:", "blob:")):
        shown.requests.append(url)


def assert_good(
    browser: Any, path: Path, views: Sequence[View] = VIEWS, for_axe: Sequence[View] = VIEWS, without: str = ""
) -> None:
    """Fail with all that is wrong with a page in any of the views.

    axe-core, which takes most of the time, looks at it in the views `for_axe`, without the elements of a selector.
    """
    wrong = [
        f"{view}: {problem}" for view in views for problem in problems(browser, path, view, view in for_axe, without)
    ]
    assert not wrong, f"{path.name}:\n" + "\n".join(wrong)


def problems(browser: Any, path: Path, view: View = WIDE, axe: bool = True, without: str = "") -> list[str]:
    """All that is wrong with a page in one view: overflow, pictures, requests, messages, accessibility."""
    with opened(browser, path, view) as shown:
        found = [*overflows(shown.page, view), *broken_pictures(shown.page)]
        if axe and not view.print:  # paper has neither a keyboard nor a screen reader
            found += inaccessible(shown.page, view.width > NARROW.width or view.dark, without)
        return found + [f"requests {url}" for url in shown.requests] + [f"prints {text}" for text in shown.messages]


_OVERFLOWS = """
(paper) => {
  const edge = document.documentElement.clientWidth, found = [];
  const name = (e) => {
    const words = (e.textContent || '').trim().replace(/\\s+/g, ' ').slice(0, 50);
    return `<${e.tagName.toLowerCase()} class="${e.getAttribute('class') || ''}"> "${words}"`;
  };
  const hidden = (e) => e.clientWidth <= 1 || e.checkVisibility && !e.checkVisibility({contentVisibilityAuto: true});
  const scrolls = (e) => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX);
  const declared = (e) => e.tabIndex === 0 && (e.ariaLabel || e.hasAttribute('aria-labelledby')) && scrolls(e);
  const inside = (e) => { for (let p = e; p; p = p.parentElement) if (declared(p)) return true; return false; };
  if (document.documentElement.scrollWidth > edge + 1)
    found.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  for (const e of document.body.querySelectorAll('*')) {
    if (e.closest('svg') !== (e.tagName === 'svg' ? e : null) || hidden(e)) continue;
    const box = e.getBoundingClientRect();
    const scrollable = !paper && inside(e);
    if (!scrollable && (box.right > edge + 1 || box.left < -1))
      found.push(`${name(e)} reaches from ${Math.round(box.left)} to ${Math.round(box.right)} px`);
    const clips = getComputedStyle(e).overflowX !== 'visible' && e.tagName !== 'IMG' && e.tagName !== 'svg';
    if (clips && e.scrollWidth > e.clientWidth + 1 && !(declared(e) && !paper))
      found.push(`${name(e)} cuts ${e.scrollWidth} px of content to ${e.clientWidth}`);
  }
  return found;
}
"""


def overflows(page: Any, view: View = WIDE) -> list[str]:
    """What is wider than the page, or cut off.

    On a screen an area may scroll if it is declared: `tabindex="0"`, for the keyboard, and a label. Paper does not.
    """
    return list(page.evaluate(_OVERFLOWS, view.print))


def broken_pictures(page: Any) -> list[str]:
    """The pictures that are not decoded."""
    return list(
        page.evaluate(
            """async () => {
              const images = [...document.images];
              await Promise.allSettled(images.map((image) => image.decode()));
              return images.filter((image) => !image.complete || !image.naturalWidth)
                .map((image) => `picture "${image.alt}" is not decoded`);
            }"""
        )
    )


def inaccessible(page: Any, colours: bool = True, without: str = "") -> list[str]:
    """What axe-core finds that keeps people from using the page.

    Without `colours` it does not measure contrasts, which takes most of its time. It does not look at the elements of
    the selector `without`.
    """
    from axe_playwright_python.sync_playwright import Axe

    options = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": colours}}}
    context = {"exclude": [[without]]} if without else None
    found = Axe().run(page, context=context, options=options).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['html'][:120]} {node.get('failureSummary', '')[:300]}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"][:3]
    ]


def screenshot(browser: Any, path: Path, output: Path, view: View = WIDE) -> None:
    """Write a PNG file of the whole page, to look at it."""
    with opened(browser, path, view) as shown:
        shown.page.screenshot(path=str(output), full_page=True)
