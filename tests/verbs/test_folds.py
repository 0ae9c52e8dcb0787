import csv
from dataclasses import replace

import numpy as np
import pytest

import tellapart
from tellapart.data.folds import assign_folds, check_folds
from tellapart.errors import DataError, UsageError
from tellapart.progress import silent
from tests.conftest import make_collection, write_folder

pytestmark = pytest.mark.usefixtures("sketched")


@pytest.mark.parametrize("seed", range(20))
def test_every_class_is_in_several_folds_whatever_the_groups_begin_with(seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(10), 10)
    labels = np.zeros(100, np.int64)
    for group in (3, 7):  # two subjects have a rare class, never first
        labels[group * 10 + 1 + rng.integers(0, 9, 2)] = 1
    fold = assign_folds(labels, groups, 2, seed)
    assert set(fold[labels == 1]) == {0, 1}
    for group in range(10):
        assert len(set(fold[groups == group])) == 1
    assert abs(int((fold == 0).sum()) - 50) <= 10


def test_single_pictures_are_stratified():
    labels = np.repeat([0, 1, 2], [50, 30, 7])
    fold = assign_folds(labels, np.arange(87), 5, 0)
    for c, least in ((0, 10), (1, 6), (2, 1)):
        counts = np.bincount(fold[labels == c], minlength=5)
        assert counts.min() == least
        assert counts.max() <= least + 1
    assert np.bincount(fold).max() - np.bincount(fold).min() <= 2


def test_a_class_in_one_fold_is_told():
    collection = replace(make_collection(6, splits=False), groups=np.array(list("aabbcc")))
    labels = collection.labels
    with pytest.raises(DataError, match="the class 'down' has too few groups with different pictures for 2 folds"):
        check_folds(collection, labels, np.array([0, 1, 0, 1, 1, 0]))
    check_folds(collection, labels, np.array([0, 0, 0, 1, 1, 1]))


def test_folds(tmp_path):
    folder, events = write_folder(tmp_path / "data", 90), []
    run = tellapart.train(
        folder, recipe="dense", epochs=8, folds=3, max_error_rate="20%", runs=tmp_path / "runs",
        on_event=events.append,
    )  # fmt: skip
    assert list(run.evaluations) == ["cross_validation"]
    found = run.evaluations["cross_validation"]
    assert found.count == 90
    assert len(found.folds) == 3
    assert found.accuracy == pytest.approx(np.mean(found.folds), abs=1e-6)
    assert found.accuracy > 0.8
    assert "pooled over 3 models" in str(run)
    assert run.to_dict()["results"]["cross_validation"]["folds"] == list(found.folds)
    with (run.path / "split.csv").open() as file:
        assert {row["split"] for row in csv.DictReader(file)} == {"train"}
    page = (run.path / "report.html").read_text()
    assert "Cross-validation: 3 models" in page
    assert ("All 90 pictures were classified correctly" in page) == (found.accuracy == 1)
    assert "heat map for" not in page  # the saved model has trained on these pictures
    assert any("cross-validation: 3 models" in str(event) for event in events)
    assert run.model.record.temperature == found.temperature


def test_folds_leave_no_pictures_for_other_parts(tmp_path):
    with pytest.raises(UsageError, match=r"folds = 3, validation = 0.3 and test = 0.2"):
        tellapart.train(make_collection(60), folds=3, validation=0.3, runs=tmp_path, on_event=silent)


def test_folds_with_a_given_test_part_leave_it_sealed(tmp_path):
    write_folder(tmp_path / "data" / "train", 60)
    write_folder(tmp_path / "data" / "val", 21)
    for file in write_folder(tmp_path / "data" / "test", 30).rglob("*.png"):
        if int(file.stem) < 9:
            file.unlink()
    run = tellapart.train(tmp_path / "data", recipe="dense", epochs=1, folds=2, runs=tmp_path / "runs", on_event=silent)
    assert list(run.evaluations) == ["test", "cross_validation"]
    assert run.evaluations["test"].count == 21
    assert run.evaluations["cross_validation"].count == 81
    assert tellapart.evaluate(run.path, on_event=silent).count == 21


def test_folds_need_pictures_of_each_class(tmp_path):
    folder = write_folder(tmp_path / "data", 9)
    for file in (folder / "across").glob("*.png"):
        file.write_bytes((folder / "across" / "000.png").read_bytes())
    with pytest.raises(DataError, match="the class 'across' has too few different pictures for 4 folds"):
        tellapart.train(folder, folds=4, recipe="dense", runs=tmp_path / "runs", on_event=silent)
    with pytest.raises(UsageError, match="folds = 3 and minutes = 1"):
        tellapart.train(folder, folds=3, minutes=1, runs=tmp_path / "runs", on_event=silent)
    assert not (tmp_path / "runs").exists()


def test_more_folds_than_groups_are_refused(tmp_path):
    collection = replace(make_collection(60, splits=False), groups=np.array([f"g{i // 12}" for i in range(60)]))
    with pytest.raises(DataError, match="form 5 groups, too few for 10 folds"):
        tellapart.train(collection, recipe="dense", folds=10, runs=tmp_path, on_event=silent)
