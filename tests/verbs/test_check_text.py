"""What check prints, and its short forms."""

import json
from dataclasses import replace

import pytest

import tellapart
from tellapart.data.finding import CheckResult
from tellapart.progress import silent
from tellapart.text import columns_of
from tests.conftest import stripes
from tests.photos import folder


def test_how_good_the_models_are_is_said_and_what_a_clean_manifest_would_do(dirty, tmp_path, sure_models):
    found = tellapart.check(dirty, on_event=silent)
    text = str(found)
    assert "Likely wrong labels: 3" in text
    assert "The models trained for this predict the given label of 93 % of the pictures. Of the 3 labels" in " ".join(
        text.split()
    )
    assert text.endswith(
        "A clean manifest leaves out 2 of 42 pictures and gives 3 pictures another class.\n  To write it:\n"
        f"  tellapart check {dirty} --write-manifest photos-clean.csv"
    )
    values = json.loads(json.dumps(found.to_dict()))
    assert values["remarks"]["labels"]["judge_accuracy"] == pytest.approx(39 / 42)
    assert values["remarks"]["labels"]["expected_precision"] > 0.5
    assert values["manifest_command"] == f"tellapart check {dirty} --write-manifest photos-clean.csv"
    assert (values["manifest"], values["left_out"], values["moved"]) == (None, 2, 3)
    assert all(0.5 < one["wrong_probability"] <= 1 for one in values["findings"]["labels"])
    page = found.output.read_text()
    assert '<pre class="check-command">tellapart check photos --write-manifest photos-clean.csv</pre>' in page
    assert str(tmp_path) not in page  # which may be passed on
    assert "The models trained for this predict the given label of 93\u00a0% of the pictures." in page


def test_without_separate_files_there_is_no_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels, labels = stripes(30, size=64)
    pixels[3], labels[3] = pixels[0], labels[0]
    found = tellapart.check((pixels, labels), skip_labels=True, on_event=silent)
    assert len(found.findings["duplicates"]) == 1
    assert found.to_dict()["manifest_command"] is None
    assert "clean manifest" not in str(found)
    words = "It cannot be written: the pictures are not separate files (unpack them first)."
    assert words in found.output.read_text()


@pytest.mark.parametrize("kinds", (1, 15))
def test_the_text_has_at_most_25_lines_of_80_columns(dirty, kinds):
    report = tellapart.check(dirty, skip_labels=True, on_event=silent)
    collection = report.checked.collection
    keys = ["\u732b" * 30 + "/" + "name-" * 30 + f"{i}.jpg" for i in range(len(collection))]
    checked = replace(
        report.checked, inspection=replace(report.checked.inspection, collection=replace(collection, keys=keys))
    )
    group = checked.group_finding(range(9), "9 duplicates", tag=lambda i: "c" * 90)
    findings = [checked.finding(1, "reason " * 20), group, *(checked.finding(i % 40, "odd") for i in range(900))]
    results = [CheckResult(f"{k}", f"Kind number {k}", "", findings if k < kinds else []) for k in range(15)]
    text = str(replace(report, checked=checked, results=results))
    lines = text.splitlines()
    assert len(lines) <= 25
    assert max(map(columns_of, lines[:-1])) <= 80
    assert "Kind number 0: 902" in lines
    assert lines[-3].startswith("page: ")
    assert ("Nothing found: kind number 1, " in text) == (kinds == 1)
    assert lines[3].startswith("  \u732b")
    assert sum("\u732b" in line for line in lines) == (3 if kinds == 1 else 2)  # examples where there is room


def test_a_clean_collection_says_what_was_checked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = str(tellapart.check(folder(tmp_path / "photos", 60), skip_labels=True, on_event=silent))
    assert text.startswith("photos: 60 pictures, 2 classes; nothing found\n\nChecked for: files that cannot be read, ")
    assert "clean manifest" not in text.lower()


def test_short_forms_for_python_and_notebooks(dirty):
    found = tellapart.check(dirty, skip_labels=True, on_event=silent)
    assert repr(found) == "<Report photos: 2 findings of 2 kinds in 42 pictures>"
    html = found._repr_html_()
    assert '<td style="text-align:left">Duplicates</td><td>1</td>' in html
    assert "photos: 42 pictures, 2 classes" in html
    assert len(html) < 3000
