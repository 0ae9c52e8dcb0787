"""The check page shows what was found, with pictures, what was not checked, and what a clean manifest would change."""

import re
from dataclasses import replace

import numpy as np
import pytest

import tellapart
from tellapart.data.finding import Checked, CheckResult, CleanList, Finding, Remark
from tellapart.data.inspect import inspect
from tellapart.report.findings import IN_WORDS, NAME, CheckPage, findings_table, write_findings
from tests.browser import assert_good
from tests.browser import chromium as chromium
from tests.conftest import write_folder
from tests.photos import encoded, folder, photo


def written(tmp_path, facts):
    path = tmp_path / "check.html"
    write_findings(facts, path)
    return path.read_text(encoding="utf-8")


@pytest.fixture
def checked(tmp_path):
    return Checked(inspect(tellapart.open(write_folder(tmp_path / "photos <b>", 6))))


def test_the_page_lists_checks_findings_and_what_was_not_checked(tmp_path, checked):
    findings = [checked.finding(k % 6, f"finding {k}") for k in range(26)]
    odd = CheckResult("odd", "Odd stripes", "Stripes that are <odd>.", findings, Remark("Six of them."))
    empty = [CheckResult("other", "Other things", "Other.", []), CheckResult("exif", "EXIF faults", "EXIF.", [])]
    page = written(tmp_path, CheckPage(checked, [empty[0], odd, empty[1]], ["labels: not checked"]))
    titles = re.findall("<h2>(.*?)</h2>", page)
    assert "6 pictures, 3 classes" in page
    assert titles == ["Summary", "Odd stripes", "Not checked, or only in part", "Clean manifest"]
    assert "26 findings" in page
    assert "Nothing found: other things, EXIF faults." in page
    assert page.count("Stripes that are &lt;odd&gt;. Found: 26.") == 1
    assert page.count("Six of them.") == 1
    assert page.count("<img") == 24
    assert "<summary>2 more</summary>" in page
    assert re.search(r'<a href="#odd-stripes">Odd stripes <b>26</b></a>', page)
    assert 'id="odd-stripes"' in page
    assert "photos <b>" not in page
    assert "None of the findings changes a clean manifest" in page


def test_thousands_of_findings_are_counted_and_some_shown(tmp_path, checked):
    findings = [checked.finding(k % 6, "odd") for k in range(3000)]
    page = written(tmp_path, CheckPage(checked, [CheckResult("odd", "Odd", "Odd.", findings, shown=3)]))
    assert page.count("<img") == 3
    assert "Found: 3,000." in page
    assert f"{IN_WORDS} of 2,997 more; --json lists all" in page
    assert page.count("<li>") < IN_WORDS + 20


def test_a_detail_that_is_the_same_everywhere_is_said_once(tmp_path, checked):
    findings = [checked.finding(k, "greyscale") for k in range(4)]
    result = CheckResult("colour", "Colour", "Mixed.", findings, Remark("These are greyscale.", says_details=True))
    assert "<figcaption>" not in written(tmp_path, CheckPage(checked, [result]))
    page = written(tmp_path, CheckPage(checked, [replace(result, remark=None)]))
    assert len(re.findall(r"<figcaption>greyscale", page)) == 4


def test_a_single_finding_keeps_its_words_beside_a_remark(tmp_path, checked):
    finding = checked.finding(0, "labelled across (2.0 %), probably down (97.0 %)")
    result = CheckResult("labels", "Labels", "Labels.", [finding], Remark("The models are right on 80 %."))
    page = written(tmp_path, CheckPage(checked, [result]))
    assert "<figcaption>labelled across (2.0\u00a0%), probably down (97.0\u00a0%)" in page


def test_pictures_are_large_upright_and_of_fixed_size(tmp_path):
    home = folder(tmp_path / "photos", 4)
    (home / "cats" / "tiny.png").write_bytes(encoded(photo(9, 20)[:, :20], "PNG"))
    checked = Checked(inspect(tellapart.open(home)))
    result = CheckResult("all", "All", "All.", [checked.finding(i, "x") for i in range(5)])
    page = written(tmp_path, CheckPage(checked, [result]))
    sizes = set(re.findall(r'width="(\d+)" height="(\d+)"', page))
    assert sizes == {("192", "144"), ("180", "180")}  # 128 x 96, and 20 x 20 enlarged nine times
    assert page.count('class="coarse"') == 1
    assert "loading=" not in page


def test_long_names_are_cut_and_complete_under_the_mouse(tmp_path, checked):
    long = f"across/{'very-long-' * 8}name.png"
    collection = replace(checked.collection, keys=[long, *checked.collection.keys[1:]])
    checked = Checked(replace(checked.inspection, collection=collection))
    result = CheckResult("odd", "Odd", "Odd.", [checked.finding(0, "odd"), checked.group_finding((0, 1), "two")])
    page = written(tmp_path, CheckPage(checked, [result]))
    short = re.search(r'<bdi dir="ltr" title="(.*?)">(.*?)</bdi>', page)
    assert short[1] == long
    assert len(short[2]) == NAME
    assert short[2].startswith("across/v")
    assert short[2].endswith("-name.png")


def test_a_finding_without_pictures_is_listed_in_words(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.uint8)
    checked = Checked(inspect(tellapart.Collection.from_arrays(pixels, np.array(["a", "b", "a", "b"]))))
    result = CheckResult("small", "Small classes", "Small.", [Finding("a: 2 readable pictures")])
    page = written(tmp_path, CheckPage(checked, [result]))
    assert "<li>a: 2 readable pictures</li>" in page
    assert "<img" not in page
    assert "Not checked" not in page


def test_files_that_cannot_be_read_are_named(tmp_path):
    home = folder(tmp_path / "photos", 4)
    (home / "cats" / "cut.jpg").write_bytes(b"\xff\xd8")
    checked = Checked(inspect(tellapart.open(home)))
    i = list(checked.collection.keys).index("cats/cut.jpg")
    result = CheckResult("bad", "Bad", "Bad.", [checked.finding(i, "ends too early", drop=(i,))])
    page = written(tmp_path, CheckPage(checked, [result], clean=CleanList.of([result], problem="no files")))
    assert re.search(r'<li><bdi dir="ltr" title="cats/cut.jpg">cats/cut.jpg</bdi>: ends too early</li>', page)
    assert "It cannot be written: no files." in page


def test_the_page_ends_with_the_clean_manifest(tmp_path, checked):
    results = [
        CheckResult("same", "Duplicates", "Same.", [checked.group_finding((0, 1, 2), "3 duplicates", drop=(1, 2))]),
        CheckResult("labels", "Labels", "Labels.", [checked.finding(3, "labelled a", relabel={3: "down"})]),
    ]
    clean = CleanList.of(
        results, command="/x", page_command="tellapart check 'my photos' --write-manifest photos-clean.csv"
    )
    page = written(tmp_path, CheckPage(checked, results, clean=clean))
    words = "It leaves out 2 of 6 pictures and gives 1 picture another class. Your files stay as they are."
    assert words in page
    assert "A clean manifest leaves out 2 pictures for this." in page
    assert "A clean manifest gives 1 picture another class for this." in page
    rows = re.findall(
        r"<tr><th scope=\"row\">(\w+)</th>\s*<td class=\"number\">(\d+)</td><td class=\"number\">(\d+)</td>", page
    )
    assert rows == [("Duplicates", "2", "0"), ("Labels", "0", "1")]
    assert "tellapart check &#39;my photos&#39; --write-manifest photos-clean.csv</pre>" in page
    assert page.index("photos-clean.csv") > page.index("<h2>Labels</h2>")
    done = written(tmp_path, CheckPage(checked, results, clean=clean, manifest=tmp_path / "clean.csv"))
    assert "It was written: <code>clean.csv</code>" in done
    assert "--write-manifest" not in done


def test_nothing_found(tmp_path, checked):
    nothing = [
        CheckResult("a", "Blurred pictures", "Blurred.", []),
        CheckResult("b", "Labels", "L.", [], Remark("Why.")),
    ]
    page = written(tmp_path, CheckPage(checked, nothing))
    assert re.findall("<h2>(.*?)</h2>", page) == ["Summary"]
    assert '<p class="big">Nothing found</p>' in page
    assert "Nothing found: blurred pictures, labels." in page
    assert "Why." in page


def test_a_table_for_a_notebook(checked):
    results = [
        CheckResult("odd", "Odd", "Odd.", [checked.finding(k, "odd") for k in range(5)]),
        CheckResult("none", "Blurred pictures", "Blurred.", []),
    ]
    table = findings_table(CheckPage(checked, results, ["labels: not checked"]))
    assert "photos &lt;b&gt;: 6 pictures, 3 classes" in table
    assert "across/000.png: odd; across/003.png: odd; down/001.png: odd" in table
    assert "Nothing found: blurred pictures." in table
    assert "labels: not checked" in table
    assert "<img" not in table


@pytest.mark.parametrize("names", (("猫", "犬"), ("قطة", "كلب"), ("<b>cat</b>", "n" * 80)))
def test_the_page_in_a_browser(tmp_path, chromium, names):
    """Names in any script and of any length, single pictures, groups, names only, and the clean manifest."""
    home = tmp_path / "photos"
    for k in range(8):
        place = home / names[k % 2].replace("/", "_")
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{names[k % 2].replace('/', '_')[:60]}-{k}.jpg").write_bytes(encoded(photo(k)))
    (home / names[0].replace("/", "_") / "cut.jpg").write_bytes(b"\xff\xd8")
    checked = Checked(inspect(tellapart.open(home)))
    keys = list(checked.collection.keys)
    good = [i for i, key in enumerate(keys) if not key.endswith("cut.jpg")]
    results = [
        CheckResult(
            "unreadable", "Files", "Files.", [checked.finding(keys.index(next(k for k in keys if "cut" in k)), "x")]
        ),
        CheckResult("one", "Single pictures", "One.", [checked.finding(i, f"labelled {names[0]}") for i in good]),
        CheckResult(
            "two", "Groups", "Two.", [checked.group_finding(good[:6], "6 duplicates", tag=checked.collection.label)]
        ),
        CheckResult("many", "In words", "Many.", [checked.finding(i, "odd") for i in good], shown=2),
        CheckResult("none", "Blurred pictures", "Blurred.", []),
    ]
    clean = CleanList.of(results, page_command="tellapart check " + "/a/very/long/path" * 8 + " --write-manifest x.csv")
    write_findings(CheckPage(checked, results, ["labels: not checked"], clean), tmp_path / "check.html")
    assert_good(chromium, tmp_path / "check.html")
