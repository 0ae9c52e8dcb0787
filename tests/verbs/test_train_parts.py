"""Training, and how the data is cut for it: leaks, duplicates, groups."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.data.feeding import Prepared
from tellapart.data.split_table import SplitTable
from tellapart.progress import Note, silent
from tellapart.text import percent
from tellapart.verbs._planning import decide
from tellapart.verbs._results import without_leaks
from tellapart.verbs._train_options import Options
from tests.conftest import make_collection, write_folder

pytestmark = pytest.mark.usefixtures("sketched")


def photos_with_leaks(tmp_path):
    """Stripes with parts; the test split would be the first of training, but for a point in all but two of them."""
    write_folder(tmp_path / "data" / "train", 60)
    for file in sorted(write_folder(tmp_path / "data" / "test", 12).rglob("*.png"))[2:]:
        pixels = np.asarray(Image.open(file)).copy()
        pixels[0, 0] ^= 255
        Image.fromarray(pixels).save(file)
    return tmp_path / "data"


def test_a_leak_is_told_before_training_and_its_figure_given_apart(tmp_path):
    data, events = photos_with_leaks(tmp_path), []
    run = tellapart.train(data, recipe="dense", epochs=2, runs=tmp_path / "runs", on_event=events.append)
    said = [event.text for event in events if isinstance(event, Note)]
    (leak,) = (i for i, words in enumerate(said) if words.startswith("leak"))
    assert "leakage: 2 of 12 test pictures (16.7 %) are duplicates or near-duplicates of training" in said[leak]
    assert leak < next(i for i, words in enumerate(said) if words.startswith("recipe:"))
    found = run.evaluations["test"]
    assert found.summary()["leaked"] == 2
    assert found.summary()["without_leaks"]["count"] == 10
    assert "leakage: 2 of these pictures, or duplicates of them, were used in training; without them" in str(run)
    words = "2 of these pictures are duplicates or near-duplicates of training pictures."
    assert words in (run.path / "report.html").read_text()
    model_card = (run.path / "report.md").read_text()
    assert words in model_card
    rest = found.without_leaks()
    assert f"Without them the accuracy is {percent(rest['accuracy'], rest['accuracy_interval'])}" in model_card
    for page in (model_card, (run.path / "report.html").read_text()):
        assert "not used for training" not in page
    again = tellapart.evaluate(run.path, on_event=silent)
    assert again.summary()["without_leaks"] == found.summary()["without_leaks"]


def test_duplicates_are_told_and_kept_on_one_side(tmp_path):
    folder, events = write_folder(tmp_path / "data", 60), []
    for file in sorted(folder.rglob("0*.png")):
        if int(file.stem) < 30:
            file.with_name(f"copy-{file.name}").write_bytes(file.read_bytes())
    run = tellapart.train(folder, recipe="dense", epochs=1, runs=tmp_path / "runs", on_event=events.append)
    assert any("duplicates: 60 pictures form 30 groups of duplicates" in str(event) for event in events)
    with (run.path / "split.csv").open() as file:
        split = {row["key"].replace("copy-", ""): set() for row in csv.DictReader(file)}
    with (run.path / "split.csv").open() as file:
        for row in csv.DictReader(file):
            split[row["key"].replace("copy-", "")].add(row["split"])
    assert all(len(splits) == 1 for splits in split.values())
    assert len(set.union(*split.values())) == 3
    assert "leaked" not in run.evaluations["test"].summary()
    # the split is found again without looking for duplicates again
    assert tellapart.evaluate(run.path, on_event=silent).accuracy == run.evaluations["test"].accuracy


def test_groups_by_a_pattern(tmp_path):
    folder = write_folder(tmp_path / "data", 90)
    run = tellapart.train(folder, recipe="dense", epochs=1, group=r"/0(\d)", runs=tmp_path / "runs", on_event=silent)
    with (run.path / "split.csv").open() as file:
        rows = list(csv.DictReader(file))
    for tens in "012345678":
        assert len({row["split"] for row in rows if f"/0{tens}" in row["key"]}) == 1
    again = tellapart.evaluate(run.path, on_event=silent)
    assert again.count == run.evaluations["test"].count
    assert again.accuracy_interval == run.evaluations["test"].accuracy_interval
    assert "groups; the accuracy interval accounts for that" in str(again)
    for page in ("report.html", "report.md"):
        assert "groups; the accuracy interval accounts for that" in " ".join((run.path / page).read_text().split())


def test_groups_that_the_data_tears_are_told(tmp_path):
    events = []
    collection = replace(make_collection(60), groups=np.array([f"g{i % 5}" for i in range(60)]))
    run = tellapart.train(collection, recipe="dense", epochs=1, validation=0, runs=tmp_path, on_event=events.append)
    notes = [event.text for event in events if isinstance(event, Note)]
    for page in ("report.html", "report.md"):
        text = " ".join((run.path / page).read_text().split())
        assert "20 of these pictures belong to groups that also occur in training" in text
    assert any("groups: 20 of 20 test pictures belong to groups that also occur" in text for text in notes), notes


def test_pictures_of_the_validation_that_training_has_too_are_not_ordinary():
    held = Prepared(np.zeros((4, 2, 2, 1), np.uint8), np.arange(4) % 2, np.array([5, 6, 7, 8]))
    split_table = SplitTable(np.array(["validation"] * 9), {}, np.array([6, 8]))
    assert without_leaks(held, split_table).indices.tolist() == [5, 7]
    assert without_leaks(held, replace(split_table, leaked=np.arange(9))) is held
    assert without_leaks(None, split_table) is None


def test_duplicates_with_different_labels_are_a_warning(tmp_path):
    folder, events = write_folder(tmp_path / "data", 60), []
    (folder / "down" / "copy.png").write_bytes((folder / "across" / "000.png").read_bytes())
    decide(Options(data=folder, recipe="dense", epochs=1), events.append)
    (note,) = [event.text for event in events if isinstance(event, Note) and "different labels" in event.text]
    assert note == (
        "note: 1 group of duplicates with different labels (across/000.png (across) and "
        "down/copy.png (down)): at least one label is wrong; tellapart check lists them"
    )
