import csv
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.errors import DataError, UsageError
from tellapart.progress import Note, silent
from tests.conftest import make_collection, stripes, write_folder

pytestmark = pytest.mark.usefixtures("sketched")


def test_the_same_test_part_is_found_again(stripes_run):
    collection = make_collection(240, splits=False)
    found = tellapart.evaluate(stripes_run.model_path, collection, on_event=silent).to_dict()
    expected = stripes_run.evaluations["test"].to_dict()
    assert found.pop("test_evaluations") > expected.pop("test_evaluations") == 1
    assert found == expected
    validation = tellapart.evaluate(stripes_run.path, collection, split="validation", on_event=silent)
    assert validation.to_dict()["count"] == 20
    assert tellapart.evaluate(stripes_run.path, collection, split="all", on_event=silent).to_dict()["count"] == 240
    assert json.dumps(found)


def test_other_data_without_parts_is_taken_whole(stripes_run):
    notes = []
    found = tellapart.evaluate(stripes_run.model, make_collection(30, splits=False, seed=7), on_event=notes.append)
    assert found.count == 30
    assert any("not what the model was trained on" in event.text for event in notes if isinstance(event, Note))


def test_given_parts_of_other_data(stripes_run):
    stripes_collection = make_collection(seed=7)
    assert tellapart.evaluate(stripes_run.path, stripes_collection, on_event=silent).count == 12
    with pytest.raises(UsageError, match=r"has no split 'validation' \(its splits: train, test\)"):
        tellapart.evaluate(stripes_run.path, stripes_collection, split="validation", on_event=silent)


def test_the_text(stripes_run):
    text = str(tellapart.evaluate(stripes_run.path, make_collection(240, splits=False), on_event=silent))
    for words in (" % right on", "95 % interval", "baselines: 33 % always", "true \\ predicted", "across"):
        assert words in text


def test_without_a_record_the_data_must_be_named(stripes_run):
    classifier = tellapart.load(stripes_run.path)
    classifier.record = classifier.record.model_copy(update={"training": {}})
    with pytest.raises(UsageError, match="no data given"):
        tellapart.evaluate(classifier, on_event=silent)


@pytest.fixture(scope="module")
def photos_run(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("photos") / "photos", 60)
    runs = tmp_path_factory.mktemp("runs")
    return folder, tellapart.train(folder, recipe="dense", epochs=1, runs=runs, on_event=silent)


def test_the_run_knows_its_data_from_anywhere(photos_run, tmp_path, monkeypatch):
    _, run = photos_run
    monkeypatch.chdir(tmp_path)
    again = tellapart.evaluate(run.path, on_event=silent)
    assert again.to_dict() == run.evaluations["test"].to_dict() | {"test_evaluations": 2}
    assert "this test split has now been evaluated 2 times" in str(again)
    assert tellapart.evaluate(run.path, split="validation", on_event=silent).test_evaluations is None
    assert tellapart.evaluate(run.path, on_event=silent).test_evaluations == 3
    assert (
        tellapart.evaluate(run.path, split="all", on_event=silent).test_evaluations == 4
    )  # which has the test split in it


def test_the_same_pictures_elsewhere_have_the_same_test_part(photos_run, tmp_path):
    folder, run = photos_run
    shutil.make_archive(str(tmp_path / "photos"), "zip", folder.parent, "photos")
    assert tellapart.evaluate(run.path, tmp_path / "photos.zip", on_event=silent).count == 12


def test_what_training_saw_is_never_called_a_test(photos_run, tmp_path):
    folder, run = photos_run
    more = tmp_path / "photos"
    shutil.copytree(folder, more)
    shutil.copy(more / "down" / "001.png", more / "down" / "new.png")
    notes = []
    found = tellapart.evaluate(run.path, more, on_event=notes.append)
    assert found.count == 12  # and not the copy under another name, which is of a picture that training saw
    assert any(
        "49 more are left out because training saw them" in event.text for event in notes if isinstance(event, Note)
    )
    seen = tmp_path / "seen"
    rows = csv.DictReader((run.path / "split.csv").read_text().splitlines())
    for row in rows:
        if row["split"] != "test":
            (seen / row["label"]).mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / row["key"], seen / row["key"])
    with pytest.raises(DataError, match="all of its 48 pictures were used to train the model"):
        tellapart.evaluate(run.path, seen, on_event=silent)


def test_data_that_has_changed_since_is_refused_when_it_was_not_named(tmp_path):
    folder = write_folder(tmp_path / "photos", 60)
    run = tellapart.train(folder, recipe="dense", epochs=1, runs=tmp_path / "runs", on_event=silent)
    (folder / "down" / "001.png").unlink()
    with pytest.raises(DataError, match="has changed since the model was trained"):
        tellapart.evaluate(run.path, on_event=silent)


def test_given_class_names_are_remembered(tmp_path):
    pixels, labels = stripes(60)
    np.savez(tmp_path / "data.npz", x=pixels, y=labels)
    (tmp_path / "classes.txt").write_text("squares\nacross\ndown\n")
    run = tellapart.train(
        tmp_path / "data.npz", recipe="dense", epochs=1, classes=tmp_path / "classes.txt", runs=tmp_path / "runs",
        on_event=silent,
    )  # fmt: skip
    again = tellapart.evaluate(run.path, on_event=silent).to_dict()
    assert again == run.evaluations["test"].to_dict() | {"test_evaluations": 2}
    assert tellapart.evaluate(run.path, tmp_path / "data.npz", on_event=silent).count == 12
    assert "--classes" in (run.path / "report.html").read_text()


def test_a_named_set_is_remembered_by_its_name(tmp_path):
    run = tellapart.train("digits", recipe="dense", epochs=1, runs=tmp_path, on_event=silent)
    assert run.model.record.training["data"]["source"] == "digits"
    assert tellapart.evaluate(run.path, on_event=silent).count == 360


def test_unsure_where_that_keeps_a_promise(stripes_run):
    collection = make_collection(240, splits=False)
    found = tellapart.evaluate(stripes_run.model, collection, max_error_rate="10%", on_event=silent)
    assert found.answered()["error"] <= 0.1
    assert found.to_dict()["answered"]["coverage"] > 0.5
    with pytest.raises(UsageError, match=r"the validation split is too small, or too many answers are wrong"):
        tellapart.evaluate(stripes_run.model, collection, max_error_rate=0.001, on_event=silent)
    for wrong in ("2", "0", "-1%", "much"):
        with pytest.raises(UsageError, match=r"a share between 0 and 1, such as 1% or 0\.01"):
            tellapart.evaluate(stripes_run.model, collection, max_error_rate=wrong, on_event=silent)
    answers = tellapart.predict(stripes_run.path, list(stripes(9)[0]), max_error_rate="10%", on_event=silent)
    assert all("unsure" in answer for answer in answers.to_dict())


def test_the_threshold_of_a_training_stays_in_the_file(tmp_path):
    run = tellapart.train(
        make_collection(240, splits=False),
        recipe="dense",
        epochs=3,
        max_error_rate="20%",
        runs=tmp_path,
        on_event=silent,
    )
    again = tellapart.load(run.model_path)
    assert again.threshold == run.evaluations["test"].threshold
    assert again.threshold is not None
    assert "unsure below" in str(run)
    assert "--max-error-rate 0.2" in (run.path / "report.html").read_text()
    with pytest.raises(UsageError, match="without a validation split"):
        tellapart.train(make_collection(), validation=0, max_error_rate="1%", runs=tmp_path, on_event=silent)


def test_a_promise_that_cannot_be_kept_costs_no_training(tmp_path):
    notes = []
    run = tellapart.train(
        make_collection(60, splits=False), recipe="dense", epochs=1, max_error_rate="1%", runs=tmp_path,
        on_event=notes.append,
    )  # fmt: skip
    assert run.model_path.exists()
    assert tellapart.load(run.model_path).threshold is None
    assert any(
        "max-error-rate 1.0 %: the validation split is too small" in n.text for n in notes if isinstance(n, Note)
    )


def test_pictures_of_another_kind(stripes_run):
    noise = np.random.default_rng(0).integers(0, 256, (60, 12, 12, 1)).astype(np.uint8)
    found = tellapart.evaluate(
        stripes_run.path, make_collection(240, splits=False), ood=(noise, np.arange(60) % 2), on_event=silent
    )
    assert found.ood.roc_auc > 0.9
    assert found.to_dict()["ood"]["count"] == 60
    assert "out-of-distribution detection: ROC AUC" in str(found)


@pytest.mark.parametrize("count", (45, 60))
def test_new_pictures_of_the_same_names_and_sizes_are_new(tmp_path, count):
    """Uncompressed files that are numbered in each class, as cameras and data sets have them."""

    def write(home, count, seed):
        pixels, labels = stripes(count, seed=seed)
        for i in range(count):
            place = home / "abc"[labels[i]] / f"{i // 3}.pgm"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels[i, :, :, 0]).save(place)
        return home

    run = tellapart.train(
        write(tmp_path / "old", 60, 0), recipe="dense", epochs=1, runs=tmp_path / "runs", on_event=silent
    )
    assert tellapart.evaluate(run.path, write(tmp_path / "new", count, 1), on_event=silent).count == count
    write(tmp_path / "old", 60, 1)  # over the old ones, where they lie
    with pytest.raises(DataError, match="has changed since the model was trained"):
        tellapart.evaluate(run.path, on_event=silent)


def test_a_class_that_is_very_rare_in_training_does_not_end_it(tmp_path, monkeypatch):
    from tellapart.evaluation import baselines

    pixels, labels = stripes(200)
    rare = np.flatnonzero((labels != 2) | (np.arange(200) < 15))
    run = tellapart.train(
        (pixels[rare], labels[rare]), recipe="dense", epochs=1, runs=tmp_path, on_event=silent
    )  # fmt: skip
    monkeypatch.setattr(baselines, "PICTURES", 2)
    found = tellapart.evaluate(run.path, (pixels[rare], labels[rare]), on_event=silent)
    assert found.baselines[1].description.startswith("logistic regression")


def test_a_training_without_a_test_part_says_so_before_anything_is_read(tmp_path, monkeypatch):
    data = make_collection(60, splits=False)
    run = tellapart.train(data, recipe="dense", epochs=1, test=0, runs=tmp_path, on_event=silent)
    monkeypatch.setattr("tellapart.data.feeding.prepare_pictures", lambda *_: pytest.fail("pictures were read"))
    with pytest.raises(UsageError, match="was trained without test pictures of stripes") as raised:
        tellapart.evaluate(run.path, data, on_event=silent)
    assert "train, validation" in raised.value.expected


def test_a_table_of_ones_own_beside_a_model_is_not_taken_for_its_split(stripes_run, tmp_path):
    shutil.copy(stripes_run.model_path, tmp_path / "model.keras")
    (tmp_path / "split.csv").write_text("file,fold\na.png,1\n")
    folder = write_folder(tmp_path / "data", 30)
    assert tellapart.evaluate(tmp_path / "model.keras", folder, on_event=silent).count == 30


def test_a_strangers_file_does_not_decide_what_is_read(stripes_run, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("one\ntwo\nthree\n")
    folder = write_folder(tmp_path / "data", 30)
    classifier = tellapart.load(stripes_run.path)
    training = classifier.record.training | {
        "data": {"source": str(folder), "class_names": str(secret), "fingerprint": "0" * 64}
    }
    classifier.record = classifier.record.model_copy(update={"training": training})
    classifier.save(tmp_path / "stranger.keras")
    with pytest.raises(
        UsageError,
        match=r"stranger.keras has no run folder next to it, and a path stored in a model file is not trusted",
    ):
        tellapart.evaluate(tmp_path / "stranger.keras", on_event=silent)
    assert tellapart.evaluate(tmp_path / "stranger.keras", folder, on_event=silent).class_names[0] == "across"


def test_what_training_saw_is_said_where_all_is_looked_at(stripes_run):
    found = tellapart.evaluate(stripes_run.path, make_collection(240, splits=False), split="all", on_event=silent)
    assert found.leaked.sum() == 240 - 48
    assert "192 of these pictures, or duplicates of them, were used in training; without them" in str(found)
    rest = found.without_leaks()["accuracy"]
    assert rest == pytest.approx(stripes_run.evaluations["test"].accuracy)
    notes = []
    tellapart.evaluate(stripes_run.path, make_collection(30, seed=7), split="all", on_event=notes.append)
    assert any("including those that training saw" in event.text for event in notes if isinstance(event, Note))


def test_other_views_than_its_confidence_was_measured_with_are_said(stripes_run):
    notes = []
    tellapart.evaluate(
        stripes_run.path, make_collection(30, splits=False, seed=7), views="mirror", on_event=notes.append
    )
    text = "note: confidence was calibrated with views=none and may be off with views=mirror"
    assert [event.text for event in notes if isinstance(event, Note)].count(text) == 1
    pixels, _ = stripes(2)
    notes = []
    tellapart.predict(stripes_run.path, list(pixels), views="mirror", on_event=notes.append)
    assert [event.text for event in notes if isinstance(event, Note)] == [text]


def test_of_data_that_has_grown_all_includes_what_training_saw(photos_run, tmp_path):
    folder, run = photos_run
    more = tmp_path / "photos"
    shutil.copytree(folder, more)
    write_folder(tmp_path / "new", 30, seed=9)
    for file in (tmp_path / "new").rglob("*.png"):
        file.rename(more / file.parent.name / f"new{file.name}")
    found = tellapart.evaluate(run.path, more, split="all", on_event=silent)
    assert (found.count, int(found.leaked.sum())) == (90, 48)
    notes = []
    (tmp_path / "alone").mkdir()
    shutil.copy(run.path / "model.keras", tmp_path / "alone" / "model.keras")
    tellapart.evaluate(tmp_path / "alone" / "model.keras", more, on_event=notes.append)
    assert any(
        "some may have been used in training: the run's split.csv is not in the model's folder" in note.text
        for note in notes
        if isinstance(note, Note)
    )


def test_looks_are_counted_in_the_models_own_run_only(photos_run, tmp_path):
    folder, run = photos_run
    other = tellapart.train(make_collection(60), recipe="dense", epochs=1, runs=tmp_path, on_event=silent)
    shutil.copy(run.path / "model.keras", other.path / "copy.keras")
    before = (other.path / "run.json").read_bytes()
    assert tellapart.evaluate(other.path / "copy.keras", folder, on_event=silent).test_evaluations is None
    assert (other.path / "run.json").read_bytes() == before


def test_data_that_may_not_be_looked_at_is_not_there(photos_run, monkeypatch):
    folder, run = photos_run
    exists = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: str(path) != str(folder) and exists(path))
    with pytest.raises(UsageError, match=r"the model was trained on .* which does not exist here"):
        tellapart.evaluate(run.path, on_event=silent)
