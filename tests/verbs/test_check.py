import csv
import hashlib
import json
import os
import shlex
import sys
from dataclasses import replace

import numpy as np
import pytest

import tellapart
from tellapart.data.duplicates import Duplicates, Pair
from tellapart.data.finding import CheckResult
from tellapart.errors import Stopped, TrainingError, UsageError
from tellapart.evaluation.cross_validation import assign_folds, make_folds, make_possible_folds
from tellapart.progress import Note, Progress, silent
from tellapart.text import columns_of
from tests import small
from tests.conftest import make_collection, stripes, write_folder
from tests.photos import encoded, folder, photo


@pytest.fixture
def dirty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = folder(tmp_path / "photos", 40)
    (path / "cats" / "again.jpg").write_bytes(encoded(photo(0), quality=95))
    (path / "dogs" / "cut.jpg").write_bytes((path / "dogs" / "001.jpg").read_bytes()[:700])
    return path


@pytest.fixture
def small_models(monkeypatch):
    """The models that look for wrong labels are small: for tests of what is said about them, not of what they find."""
    from tellapart.recipes.library import quick

    monkeypatch.setattr(quick, "RECIPE", quick.RECIPE.model_copy(update={"network": small.network}))


def content(path):
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(path.rglob("*")) if file.is_file()
    }


def test_it_tells_and_changes_nothing(dirty, tmp_path):
    before = content(dirty)
    found = tellapart.check(dirty, skip_labels=True, on_event=silent)
    assert content(dirty) == before
    assert found.exit_code == 1
    values = json.loads(json.dumps(found.to_dict()))
    assert {name: len(one) for name, one in values["findings"].items() if one} == {"unreadable": 1, "duplicates": 1}
    assert values["findings"]["duplicates"][0]["drop"] == ["cats/again.jpg"]
    text = str(found)
    assert "labels" not in values["findings"]
    assert "likely wrong labels: not searched for (--skip-labels)" in text
    for words in ("Files that cannot be read: 1", "cut.jpg", "Duplicates: 1", "page: tellapart-out/photos-check.html"):
        assert words in text
    page = (tmp_path / "tellapart-out" / "photos-check.html").read_text()
    assert "2 duplicates or near-duplicates" in page
    assert page.count("data:image/") == 2
    assert "<script" not in page
    again = tellapart.check(dirty, skip_labels=True, on_event=silent)
    assert again.output.name == "photos-check-2.html"


def test_the_clean_manifest_opens_and_leaves_the_bad_ones_out(dirty, tmp_path):
    (tmp_path / "lists").mkdir()
    manifest = tmp_path / "lists" / "clean.csv"
    tellapart.check(dirty, skip_labels=True, write_manifest=manifest, on_event=silent)
    rows = list(csv.DictReader(manifest.read_text().splitlines()))
    assert len(rows) == 40
    assert rows[0]["file_name"].startswith("../photos/cats/")
    collection = tellapart.open(manifest)
    assert len(collection) == 40
    assert collection.class_names == ("cats", "dogs")
    assert collection.read(0).shape == (96, 128, 3)


def test_a_sound_collection_has_exit_code_0(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = tellapart.check(folder(tmp_path / "photos", 60), skip_labels=True, on_event=silent)
    assert found.exit_code == 0


def test_wrong_labels_are_found_by_models_that_did_not_see_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pixels, labels = stripes(240)
    generator = np.random.default_rng(0)
    pixels = np.clip(pixels.astype(int) + generator.integers(-40, 40, pixels.shape), 0, 255).astype(np.uint8)
    names = np.array(["across", "down", "squares"])[labels]
    wrong = generator.permutation(240)[:12]
    names[wrong] = np.roll(["across", "down", "squares"], -1)[labels[wrong]]
    found = tellapart.check((pixels, names), folds=2, on_event=silent)
    suspects = [one.pictures[0] for one in found.findings["labels"]]
    assert len(set(suspects[:14]) & set(wrong.tolist())) >= 10


def test_too_few_for_that(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one_each = make_collection(2, splits=False)
    found = tellapart.check(one_each, on_event=silent)
    words = (
        "likely wrong labels: not searched for: stripes: fewer than two classes have two readable different pictures"
    )
    assert words in " ".join(str(found).split())
    assert found.to_dict()["not_searched"][-1].startswith(words)
    assert words in found.output.read_text()


def test_a_small_class_makes_fewer_folds_and_a_tiny_one_stays_out(tmp_path, monkeypatch, small_models):
    monkeypatch.chdir(tmp_path)
    pixels, labels = stripes(122)
    chosen = np.r_[np.flatnonzero(labels == 0)[:30], np.flatnonzero(labels == 1)[:3], np.flatnonzero(labels == 2)[:1]]
    notes = []
    found = tellapart.check((pixels[chosen], np.array(["a", "b", "c"])[labels[chosen]]), on_event=notes.append)
    texts = [note.text for note in notes if isinstance(note, Note)]
    assert "likely wrong labels: 2 rounds of 3 models, each evaluated on its held-out fold" in texts
    for words in (
        "uses 3 folds, because b has only 3 different pictures",
        "not searched in c: too few different pictures",
    ):
        assert f"likely wrong labels: {words}" in found.not_searched
    assert "labels" in found.findings
    assert np.isnan(found.checked.predictions[-1]).all()


def test_wrong_use(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="the pictures of stripes are not separate files"):
        tellapart.check(make_collection(9, splits=False), write_manifest=tmp_path / "a.csv", on_event=silent)
    with pytest.raises(UsageError, match="its folder does not exist"):
        tellapart.check(make_collection(9, splits=False), output=tmp_path / "no" / "a.html", on_event=silent)
    assert list(tmp_path.iterdir()) == []


def test_folds_are_stratified_and_keep_groups_together():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 3, 300)
    groups = np.arange(300)
    groups[100:120] = 100
    labels[100:120] = labels[100]
    fold = assign_folds(labels, groups, 5, seed=1)
    assert len(set(fold[100:120].tolist())) == 1
    table = np.zeros((5, 3))
    np.add.at(table, (fold, labels), 1)
    assert np.ptp(table, axis=0).max() <= 20
    assert np.ptp(table.sum(axis=1)) <= 20
    assert np.array_equal(fold, assign_folds(labels, groups, 5, seed=1))
    assert not np.array_equal(fold, assign_folds(labels, groups, 5, seed=2))


def test_the_clean_manifest_keeps_the_other_columns(tmp_path):
    home = folder(tmp_path / "photos", 40)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in home.rglob("*.jpg"))
    rows = [f"{name},{name.split('/')[1]},p{i % 5}" for i, name in enumerate(files)]
    (tmp_path / "all.csv").write_text("\n".join(["file_name,label,patient", *rows]) + "\n")
    tellapart.check(
        tmp_path / "all.csv", skip_labels=True, write_manifest=tmp_path / "clean.csv", output=tmp_path / "p.html",
        on_event=silent,
    )  # fmt: skip
    kept = list(csv.DictReader((tmp_path / "clean.csv").read_text().splitlines()))
    assert {row["patient"] for row in kept} == {"p0", "p1", "p2", "p3", "p4"}


@pytest.mark.parametrize(("option", "words"), (("output", "--output"), ("write_manifest", "--write-manifest")))
def test_what_cannot_be_written_is_said_before_the_work(dirty, tmp_path, option, words, monkeypatch):
    monkeypatch.setattr("tellapart.data.inspect.inspect", lambda *_: pytest.fail("pictures were read"))
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match=f"{words} .*there: is a folder"):
        tellapart.check(dirty, **{option: tmp_path / "there"}, on_event=silent)
    with pytest.raises(UsageError, match=f"{words} .*x.csv: its folder does not exist"):
        tellapart.check(dirty, **{option: tmp_path / "none" / "x.csv"}, on_event=silent)


def test_a_folder_that_cannot_be_written_to_does_not_lose_the_findings(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tellapart.report.findings.write_findings", refuse)
    notes = []
    found = tellapart.check(write_folder(tmp_path / "data", 30), skip_labels=True, on_event=notes.append)
    assert found.output is None
    assert any("no page was written" in note.text for note in notes if isinstance(note, Note))
    with pytest.raises(UsageError, match="Read-only file system"):
        tellapart.check(tmp_path / "data", skip_labels=True, output=tmp_path / "a.html", on_event=silent)


def test_the_clean_manifest_is_never_a_file_of_the_data(tmp_path):
    home = folder(tmp_path / "photos", 12)
    listed = "\n".join(f"photos/{path.relative_to(home).as_posix()},x" for path in home.rglob("*.jpg"))
    (tmp_path / "all.csv").write_text(f"file_name,label\n{listed}\n")
    before = (tmp_path / "all.csv").read_text()
    with pytest.raises(
        UsageError, match=r"--write-manifest .*all.csv: already exists, and may hold the only copy of some labels"
    ):
        tellapart.check(tmp_path / "all.csv", write_manifest=tmp_path / "all.csv", on_event=silent)
    with pytest.raises(
        UsageError, match=r"--write-manifest .*all.csv: already exists, and may hold the only copy of some labels"
    ):
        tellapart.check(home, write_manifest=tmp_path / "all.csv", on_event=silent)
    assert (tmp_path / "all.csv").read_text() == before


def test_the_page_is_never_a_file_of_the_data(dirty, tmp_path, monkeypatch):
    listed = "\n".join(f"photos/{path.relative_to(dirty).as_posix()},x" for path in dirty.rglob("*.jpg"))
    (tmp_path / "all.csv").write_text(f"file_name,label\n{listed}\n")
    before = content(tmp_path)
    with pytest.raises(UsageError, match=r"--output .*all.csv: must end in .html"):
        tellapart.check(tmp_path / "all.csv", output=tmp_path / "all.csv", on_event=silent)
    with pytest.raises(UsageError, match=r"--output .*: is inside the data, which is never changed"):
        tellapart.check(dirty, output=dirty / "page.html", on_event=silent)
    assert content(tmp_path) == before
    before = content(dirty)
    monkeypatch.chdir(dirty / "cats")
    found = tellapart.check(dirty, skip_labels=True, on_event=silent)
    assert content(dirty) == before
    assert found.output == tmp_path / "photos-check.html"


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links need a right on Windows")
def test_a_clean_manifest_behind_a_link(tmp_path):
    home = folder(tmp_path / "photos", 12)
    (tmp_path / "deep" / "real").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "real")
    tellapart.check(
        home, skip_labels=True, write_manifest=tmp_path / "link" / "clean.csv", output=tmp_path / "p.html",
        on_event=silent,
    )  # fmt: skip
    collection = tellapart.open(tmp_path / "link" / "clean.csv")
    assert collection.read(0).size


def test_subjects_do_not_vouch_for_their_own_labels(tmp_path, monkeypatch, small_models):
    monkeypatch.chdir(tmp_path)
    collection = replace(make_collection(60, splits=False), groups=np.array(["one", "two"] * 30))
    found = tellapart.check(collection, on_event=silent)
    words = "likely wrong labels: uses 2 folds, because across has only 2 groups with different pictures"
    assert words in found.not_searched


def test_groups_that_the_parts_tear_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = folder(tmp_path / "photos", 40, ("train", "test"))
    for k, path in enumerate(sorted(home.rglob("*.jpg"))):
        path.rename(path.with_name(f"s{k % 7}_{path.name}"))
    found = tellapart.check(home, group=r"s(\d)_", skip_labels=True, on_event=silent)
    assert len(found.findings["groups-across-splits"]) == 7
    first = found.findings["groups-across-splits"][0]
    assert first.words.startswith("group 0: ")
    assert {str(found.checked.collection.splits[i]) for i in first.pictures[:2]} == {"train", "test"}
    assert "groups-across-splits" not in tellapart.check(home, skip_labels=True, on_event=silent).findings


def test_notes_about_the_data_are_told(dirty):
    (dirty / "loose.jpg").write_bytes(next((dirty / "cats").iterdir()).read_bytes())
    notes = []
    found = tellapart.check(dirty, skip_labels=True, on_event=notes.append)
    words = "left out: 1 picture outside class folders (loose.jpg)"
    assert f"note: {words}" in [note.text for note in notes if isinstance(note, Note)]
    assert found.to_dict()["notes"] == [words]
    assert words in found.output.read_text()


@pytest.mark.parametrize("task", ("read pictures", "round 1 of 2, fold 1 of 4"))
def test_a_check_that_is_stopped_tells_what_it_knows(dirty, tmp_path, task, small_models):
    def stop(event):
        if isinstance(event, Progress) and event.task == task:
            raise KeyboardInterrupt

    found = tellapart.check(dirty, write_manifest=tmp_path / "clean.csv", on_event=stop)
    assert found.exit_code == Stopped.exit_code
    assert found.to_dict()["stopped"] is True
    assert "manifest: not written, because the search was stopped" in str(found)
    assert "Duplicates: 1" in str(found)
    assert "likely wrong labels: not searched for, because the search was stopped" in found.output.read_text()
    assert found.manifest is None
    assert not (tmp_path / "clean.csv").exists()


def test_what_the_clean_manifest_leaves_out_is_counted(dirty, tmp_path):
    notes = []
    found = tellapart.check(
        dirty, skip_labels=True, write_manifest=tmp_path / "clean.csv", on_event=notes.append
    )  # fmt: skip
    assert f"clean manifest: {tmp_path / 'clean.csv'} (leaves out 2 of 42 pictures)" in str(found)
    assert {name: found.to_dict()[name] for name in ("left_out", "moved")} == {"left_out": 2, "moved": 0}
    assert not any("are left out" in note.text for note in notes if isinstance(note, Note))
    for i in range(30):
        (dirty / "cats" / f"cut{i}.jpg").write_bytes(b"\xff\xd8cut")
    tellapart.check(dirty, skip_labels=True, write_manifest=tmp_path / "second.csv", on_event=notes.append)
    assert any("manifest: 31 of 51 pictures of cats are left out" in n.text for n in notes if isinstance(n, Note))


def test_a_clean_manifest_that_would_mislead_is_refused_before_the_work(dirty, tmp_path, monkeypatch):
    monkeypatch.setattr("tellapart.data.inspect.inspect", lambda *_: pytest.fail("pictures were read"))
    with pytest.raises(UsageError, match="is inside the data, which would be read from it from then on"):
        tellapart.check(dirty, write_manifest=dirty / "clean.csv", on_event=silent)
    with pytest.raises(UsageError, match=r"clean.parquet: must end in .csv or .tsv"):
        tellapart.check(dirty, write_manifest=tmp_path / "clean.parquet", on_event=silent)


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="their file names are Unicode")
def test_a_clean_manifest_of_names_that_no_table_can_hold(dirty, tmp_path):
    (dirty / "cats" / "000.jpg").rename(dirty / "cats" / os.fsdecode(b"caf\xe9.jpg"))
    with pytest.raises(UsageError, match=r"a table cannot hold 1 file name \(photos/cats/caf.udce9.jpg\)"):
        tellapart.check(dirty, write_manifest=tmp_path / "clean.csv", on_event=silent)


def test_a_clean_manifest_of_tabs(dirty, tmp_path):
    tellapart.check(dirty, skip_labels=True, write_manifest=tmp_path / "clean.tsv", on_event=silent)
    assert len(tellapart.open(tmp_path / "clean.tsv")) == 40


def test_findings_are_not_lost_where_the_search_for_wrong_labels_fails(dirty, monkeypatch):
    def fail(*_):
        raise TrainingError("the loss is not a number", "a number", "lower the rate")

    monkeypatch.setattr("tellapart.verbs._label_search.out_of_fold_predictions", fail)
    found = tellapart.check(dirty, on_event=silent)
    assert "labels" not in found.findings
    words = "likely wrong labels: not searched for: the loss is not a number"
    assert words in str(found)
    assert words in found.output.read_text()


def test_near_duplicates_that_were_not_looked_for_are_said(dirty, monkeypatch):
    monkeypatch.setattr("tellapart.data.duplicates.MAX_COMPARED", 10)
    found = tellapart.check(dirty, skip_labels=True, on_event=silent)
    assert "near-duplicates: the collection is too large to search all of it" in " ".join(str(found).split())
    assert (
        found.to_dict()["not_searched"][0]
        == "near-duplicates: the collection is too large to search all of it; exact duplicates were"
    )


def test_a_class_of_which_nothing_can_be_read(dirty):
    for path in (dirty / "dogs").iterdir():
        path.write_bytes(path.read_bytes()[:700])
    found = tellapart.check(dirty, on_event=silent)
    assert len(found.findings["unreadable"]) == 21
    assert "fewer than two classes have two readable different pictures" in found.not_searched[-1]


def test_near_copies_stay_in_one_fold_also_of_a_small_class():
    collection = make_collection(45, splits=False, size=8)
    collection = replace(collection, labels=np.r_[np.zeros(40, np.int64), np.ones(5, np.int64)])
    pair = Duplicates((Pair(41, 42, "near"),), ((41, 42),))
    for folds in (3, 5):
        fold, said = make_folds(collection, pair, np.arange(45), folds, 0)
        assert fold[41] == fold[42]
        assert said == []
    kept, fold, said = make_possible_folds(collection, pair, np.arange(45), 5, 0)
    assert len(kept) == 45
    assert fold.max() + 1 == 4
    assert said == ["uses 4 folds, because down has only 4 different pictures"]


def test_a_still_scene_does_not_tear_the_copies_of_other_classes():
    collection = make_collection(60, splits=False, size=8)
    collection = replace(collection, labels=np.repeat([0, 1, 2], 20).astype(np.int64))
    pairs = [Pair(i, i + 1, "near") for i in range(19)] + [Pair(30, 31, "near")]
    found = Duplicates(tuple(pairs), (tuple(range(20)), (30, 31)))
    fold, said = make_folds(collection, found, np.arange(60), 5, 0)
    assert fold[30] == fold[31]
    assert len(set(fold[:20])) == 5
    assert said == [
        "20 pictures are so similar that only exact duplicates among them stay in one fold: metrics may be optimistic"
    ]


def test_near_pairs_that_chain_all_groups_to_one():
    collection = make_collection(64, splits=False, size=8)
    groups = np.repeat([f"s{i}" for i in range(8)], 8)
    collection = replace(collection, labels=np.arange(64) % 2, groups=groups)
    pairs = tuple(Pair(8 * i, 8 * i + 9, "near") for i in range(7))
    found = Duplicates(pairs, tuple((pair.first, pair.second) for pair in pairs))
    fold, said = make_folds(collection, found, np.arange(64), 4, 0)
    assert len(set(fold)) == 4
    assert all(len(set(fold[groups == name])) == 1 for name in set(groups))
    assert "so similar" in said[0]


def test_near_duplicates_of_small_pictures_are_not_looked_for_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = tellapart.check(make_collection(30, splits=False), skip_labels=True, on_event=silent)
    assert "near-duplicates: not searched among 30 pictures smaller than 48 pixels" in str(found)


@pytest.fixture
def sure_models(monkeypatch):
    """Predictions of models that contradict three labels, without training: for tests of what is reported of them."""

    def predictions(checked, *_):
        count = len(checked.collection)
        sure = 1 / (1 + np.exp(-np.linspace(1, 9, count)))
        sure[-4:-1] = 0.0001
        labels = np.eye(2)[checked.collection.labels] == 1
        return np.where(labels, sure[:, None], 1 - sure[:, None]).astype(np.float32), []

    monkeypatch.setattr("tellapart.verbs._label_search.out_of_fold_predictions", predictions)


def test_how_good_the_models_are_is_said_and_what_a_clean_manifest_would_do(dirty, tmp_path, sure_models):
    found = tellapart.check(dirty, on_event=silent)
    text = str(found)
    assert "Likely wrong labels: 3" in text
    assert "The models that judged are right on 93 % of the pictures. Of the 3 labels" in text
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
    assert f"tellapart check {dirty} --write-manifest photos-clean.csv</pre>" in page
    assert "The models that judged are right on 93 % of the pictures." in page


def test_the_command_writes_the_manifest_that_was_announced(dirty, tmp_path):
    """Also for a path that the shell would take apart, and with the options of the check."""
    home = tmp_path / "my photos; rm 'x'"
    dirty.rename(home)
    found = tellapart.check(home, group=r"(\d)\d", skip_labels=True, seed=3, on_event=silent)
    command = found.clean.command
    words = shlex.split(command)
    assert words[:3] == ["tellapart", "check", str(home)]
    assert words[3:] == ["--group", r"(\d)\d", "--skip-labels", "--seed", "3", "--write-manifest", words[-1]]
    written = tellapart.check(
        words[2], group=words[4], skip_labels=True, seed=int(words[7]), write_manifest=words[-1], on_event=silent
    )
    assert written.left_out == found.left_out == 2
    assert len(tellapart.open(tmp_path / words[-1])) == 40
    again = tellapart.check(home, skip_labels=True, on_event=silent)
    assert again.clean.command.endswith("-clean-2.csv")


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


def test_the_default_page_is_never_inside_the_data(dirty, monkeypatch):
    monkeypatch.chdir(dirty)
    monkeypatch.setattr("os.access", lambda *_: False)
    notes = []
    found = tellapart.check(dirty, skip_labels=True, on_event=notes.append)
    assert found.output is None
    assert any("no page was written" in note.text for note in notes if isinstance(note, Note))
    assert not (dirty / "tellapart-out").exists()
