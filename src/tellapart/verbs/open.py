"""Open the report of a run in the browser; where that is not possible, print its path."""

from __future__ import annotations

import os
import sys
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tellapart.errors import UsageError
from tellapart.progress import Listener, Note
from tellapart.verbs import Record, argument
from tellapart.verbs._options import Model
from tellapart.verbs._runs import LAST, find_run, is_run, read_run

TERMINAL_ONLY = True
"""In Python `tellapart.open` opens data."""

REPORT = "report.html"

TEXT_BROWSERS = frozenset(("www-browser", "links", "links2", "elinks", "lynx", "w3m", "browsh", "retawq"))
"""Browsers that would take over the terminal."""


class Options(Record):
    """The options of open."""

    run: Model = argument(
        LAST,
        description='A run\'s name or folder, its model file, or an HTML file; default: "last", the newest report.',
    )


@dataclass(frozen=True)
class Page:
    """A report: its absolute path, and why it is not opened in the browser, which may be empty."""

    path: Path
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The path and the address, for machines."""
        return {"report": str(self.path), "url": self.path.as_uri()}

    def __str__(self) -> str:
        return str(self.path)

    def present(self) -> None:
        """Open the page in the browser, unless there is a reason not to."""
        if not self.reason and not _browser().open(self.path.as_uri()):
            print("not opened: the browser did not start", file=sys.stderr)


def run(options: Options, on_event: Listener) -> Page:
    """Returns the page. Raises ModelFileError for an unknown run, UsageError for a run without a report."""
    page = Page(_report(Path(find_run(options.run, REPORT))).absolute(), reason_not_to_open())
    if page.reason:
        on_event(Note(f"not opened: {page.reason}", warning=True))
    return page


def _report(place: Path) -> Path:
    """The report of a run folder, or of the folder that a model file is in."""
    path = place if place.suffix.lower() in (".html", ".htm") else (place if place.is_dir() else place.parent) / REPORT
    if path.is_file():
        return path
    if is_run(path.parent):
        state = read_run(path.parent)
        raise UsageError(
            f"{path.parent}: has no report ({state.state}{state.progress})", "a finished run", state.advice
        )
    raise UsageError(f"{place}: has no {REPORT}", "a run folder", "'tellapart runs' lists the runs")


def reason_not_to_open() -> str:
    """Why a page cannot be opened in a browser that the user sees; empty if it can."""
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return "this is a remote session; copy the file to your own machine, it needs no other file"
    graphical = sys.platform in ("darwin", "win32", "cygwin")
    if not graphical and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no graphical display"
    try:
        name = getattr(_browser(), "basename", "")
    except webbrowser.Error:
        return "no browser was found"
    return f"the browser is {name}, which would take over the terminal" if name in TEXT_BROWSERS else ""


def _browser() -> webbrowser.BaseBrowser:
    """The browser of this system. A command in `$BROWSER` that Python does not know is started in the background."""
    browser = webbrowser.get()
    if type(browser) is webbrowser.GenericBrowser and browser.basename not in TEXT_BROWSERS:
        return webbrowser.BackgroundBrowser([browser.name, *browser.args])
    return browser
