import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

import tellapart
from tellapart.data.duplicates import Duplicates, Pair
from tellapart.data.folds import assign_folds, make_folds, make_possible_folds
from tellapart.errors import Stopped, TrainingError, UsageError
from tellapart.progress import Note, Progress, silent
from tests.conftest import make_collection, stripes, write_folder
from tests.photos import folder


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
    found = tellapart.check((pixels, names), on_event=silent)
    suspects = [one.pictures[0] for one in found.findings["labels"]]
    assert len(set(suspects[:14]) & set(wrong.tolist())) >= 8  # 9 to 11, by the precision that a machine is faster in


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


@pytest.mark.parametrize(
    ("task", "models"),
    (("read pictures", "features"), ("fit the head", "features"), ("round 1 of 2, fold 1 of 4", "networks")),
)
def test_a_check_that_is_stopped_tells_what_it_knows(dirty, tmp_path, task, models, request):
    if models == "networks":
        request.getfixturevalue("small_models")

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


def test_findings_are_not_lost_where_the_search_for_wrong_labels_fails(dirty, monkeypatch):
    def fail(*_):
        raise TrainingError("the loss is not a number", "a number", "lower the rate")

    monkeypatch.setattr("tellapart.verbs._label_search.with_predictions", fail)
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


def test_the_default_page_is_never_inside_the_data(dirty, monkeypatch):
    monkeypatch.chdir(dirty)
    monkeypatch.setattr("os.access", lambda *_: False)
    notes = []
    found = tellapart.check(dirty, skip_labels=True, on_event=notes.append)
    assert found.output is None
    assert any("no page was written" in note.text for note in notes if isinstance(note, Note))
    assert not (dirty / "tellapart-out").exists()
