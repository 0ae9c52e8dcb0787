"""The checks of pages find what they are for."""

import pytest

from tests.browser import NARROW, PRINT, WIDE, assert_good, problems
from tests.browser import chromium as chromium

HEAD = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title></head><body><main><h1>x</h1>'
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="


def page(folder, body):
    path = folder / "page.html"
    path.write_text(f"{HEAD}{body}</main></body></html>", encoding="utf-8")
    return path


def test_a_good_page_has_no_problems(chromium, tmp_path):
    area = '<div tabindex="0" role="region" aria-label="table" style="overflow-x:auto">{}</div>'
    path = page(tmp_path, area.format('<div style="width:600px">wide</div>') + f'<img alt="x" src="{PIXEL}">')
    assert_good(chromium, path)


@pytest.mark.parametrize(
    ("body", "view", "words"),
    (
        ('<div style="width:2000px">wide</div>', WIDE, "the page is"),
        ('<div style="width:500px">wide</div>', NARROW, "reaches from"),
        ('<div style="overflow:hidden;width:100px"><p style="width:300px">cut</p></div>', WIDE, "cuts 300 px"),
        ('<div tabindex="0" aria-label="x" style="overflow-x:auto"><p style="width:900px">x</p></div>', PRINT, "cuts"),
        ('<img alt="x" src="data:image/png;base64,AAAA">', WIDE, "is not decoded"),
        ('<img alt="x" src="http://localhost:1/a.png">', WIDE, "requests http://localhost:1/a.png"),
        ("<script>console.log('hello')</script>", WIDE, "prints log: hello"),
        ("<script>missing()</script>", WIDE, "missing is not defined"),
        ('<p style="color:#ccc">pale</p>', WIDE, "color-contrast"),
    ),
)  # fmt: skip
def test_each_problem_is_found(chromium, tmp_path, body, view, words):
    found = problems(chromium, page(tmp_path, body), view)
    assert any(words in problem for problem in found), found
