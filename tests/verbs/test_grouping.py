"""Groups that --group names or that are found, from the option to the report of a run."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

import tellapart
from tellapart.data.collection import Collection
from tellapart.data.feeding import prepare_collection
from tellapart.data.found_groups import FoundGroups
from tellapart.data.likeness import Likeness
from tellapart.data.split_table import make_splits
from tellapart.errors import UsageError
from tellapart.images.preprocessing import Preparation
from tellapart.verbs._grouping import warn_of_relatives, with_found_groups, with_given_groups
from tests.films import CLASSES, NAMES, SIDE, TRACKS, as_folder, bursts, independent


def prepared(collection):
    return prepare_collection(collection, Preparation(height=SIDE, width=SIDE, colour="rgb")).data


def found_in(collection, group=None):
    """The collection with groups, what was found besides, and the notes."""
    notes = []
    collection, weak = with_found_groups(collection, prepared(collection), group, notes.append)
    return collection, weak, [note.text for note in notes]


def films():
    return Collection.from_arrays(*bursts()[:2], CLASSES)


def test_what_was_found_is_reported():
    collection, weak, (note,) = found_in(films())
    assert len(np.unique(collection.groups)) == TRACKS
    assert (collection.grouped_by, weak) == ("order", None)
    assert collection.inferred[-1] == note
    assert note == (
        "groups: 180 of 180 pictures belong to 18 groups, found by their order (for 100 % of pictures the most similar "
        "one is of their group; by chance it would be for 14 %); each group stays in one split; --group none separates "
        "them"
    )


def test_groups_of_the_data_are_kept():
    own = replace(films(), groups=np.arange(180) // 2)
    collection, weak, notes = found_in(own)
    assert (collection, weak, notes) == (own, None, [])


@pytest.mark.parametrize("group", ("none", "time", "([^/]+)"))
def test_nothing_is_looked_for_if_an_option_says_how_to_group(group):
    assert found_in(films(), group)[0].groups is None


def test_none_also_drops_the_groups_of_the_data():
    assert with_given_groups(replace(films(), groups=np.arange(180) // 2), "none").groups is None


def test_a_column_comes_before_a_word_with_a_meaning():
    collection = replace(films(), columns={"time": [str(i % 9) for i in range(180)]})
    assert len(np.unique(with_given_groups(collection, "time").groups)) == 9


def test_photos_without_times():
    with pytest.raises(UsageError, match="--group time: most files of arrays contain no time, neither in their EXIF"):
        with_given_groups(films(), "time")


def test_groups_by_the_times_in_names(tmp_path):
    pixels, labels, track = bursts(tracks=6)
    name = lambda i: f"IMG_20240501_{10 + track[i]:02d}0{i % 10 // 5}{i % 5:02d}.png"  # noqa: E731
    collection = with_given_groups(as_folder(tmp_path / "data", pixels, labels, name), "time")
    assert len(np.unique(collection.groups)) == 6
    assert collection.grouped_by == "time"


def test_weak_evidence_is_a_warning_with_the_option_to_type():
    collection = Collection.from_arrays(*independent(), CLASSES)
    split_table, notes = make_splits(collection), []
    found = FoundGroups(np.arange(180) // 6, "([^/_]+)_", Likeness(60, 10.0, 180))
    warned = warn_of_relatives(collection, found, split_table, notes.append)
    (note,) = notes
    assert [f"note: {words}" for words in warned.notes] == [note.text]
    assert note.warning
    assert note.text.startswith("note: 36 of 36 test pictures (100 %) may belong together with training pictures, by ")
    assert "their file names (for 33 % of pictures the most similar one is of their group; by chance" in note.text
    assert note.text.endswith(
        "metrics may be too good; --group '([^/_]+)_' keeps them together, --group none says that they are independent"
    )


def test_weak_evidence_that_touches_no_test_picture_is_not_reported():
    collection = Collection.from_arrays(*independent(), CLASSES)
    notes = []
    found = FoundGroups(np.arange(180), "([^/_]+)_", Likeness(60, 10.0, 180))
    warn_of_relatives(collection, found, make_splits(collection), notes.append)
    assert notes == []


@pytest.fixture(scope="module")
def run_of_bursts(tmp_path_factory):
    home = tmp_path_factory.mktemp("bursts")
    pixels, labels, _ = bursts()
    as_folder(home / "signs", pixels, labels, NAMES["GTSRB"])
    return tellapart.train(home / "signs", recipe="quick", epochs=1, runs=home / "runs")


def test_a_run_keeps_its_groups_apart(run_of_bursts):
    rows = list(csv.DictReader((run_of_bursts.path / "split.csv").read_text().splitlines()))
    splits = {}
    for row in rows:
        splits.setdefault(row["key"].rsplit("_", 1)[0], set()).add(row["split"])
    assert len(splits) == TRACKS
    assert all(len(names) == 1 for names in splits.values())
    assert len({row["group"] for row in rows}) == TRACKS
    record = json.loads((run_of_bursts.path / "run.json").read_text())
    assert record["split"]["groups"] == {"count": TRACKS, "by": "(?:^|/)([^/_]+)_[^/]*$"}
    assert "18 groups" in (run_of_bursts.path / "report.html").read_text()


def test_evaluating_a_run_again_knows_its_groups(run_of_bursts):
    again = tellapart.evaluate(run_of_bursts)
    assert again.to_dict()["groups"] == 3
    assert list(again.to_dict()["accuracy_interval"]) == pytest.approx(
        run_of_bursts.to_dict()["results"]["test"]["accuracy_interval"]
    )
