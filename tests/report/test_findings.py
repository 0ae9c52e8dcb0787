"""The check page shows what was found, with pictures, and what was not checked."""

import re
from types import ModuleType

import numpy as np

import tellapart
from tellapart.data.finding import Checked, Finding
from tellapart.data.inspect import inspect
from tellapart.report.findings import SHOWN, write_findings
from tests.conftest import write_folder


def test_the_page_lists_checks_findings_and_what_was_not_checked(tmp_path):
    checked = Checked(inspect(tellapart.open(write_folder(tmp_path / "photos <b>", 6))))
    check, other = ModuleType("check", "Stripes that are <odd>.\n\nMore."), ModuleType("other", "Nothing.")
    check.TITLE, other.TITLE = "Odd stripes", "Other"
    findings = [Finding(f"finding {k}", (k % 6,)) for k in range(SHOWN + 2)]
    path = tmp_path / "check.html"
    write_findings(checked, [(check, findings), (other, [])], ["labels: not checked"], path)
    page = path.read_text(encoding="utf-8")
    titles = re.findall("<h2>(.*?)</h2>", page)
    assert titles == ["Summary", "Not checked, or only in part", "Odd stripes"]
    assert "Stripes that are &lt;odd&gt;. Found: 26." in page
    assert "More." not in page
    assert page.count("<img") == SHOWN
    assert "<summary>2 more</summary>" in page
    assert "photos <b>" not in page


def test_a_finding_without_pictures_is_listed_in_words(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    checked = Checked(inspect(tellapart.Collection.from_arrays(pixels, np.array(["a", "b", "a", "b"]))))
    check = ModuleType("check", "Small classes.")
    check.TITLE = "Small classes"
    write_findings(checked, [(check, [Finding("a: 2 readable pictures")])], [], tmp_path / "check.html")
    page = (tmp_path / "check.html").read_text(encoding="utf-8")
    assert "<li>a: 2 readable pictures</li>" in page
    assert "<img" not in page
    assert "Not checked" not in page
