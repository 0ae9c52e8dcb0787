import csv
import json
import os
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest

import tellapart
from tellapart.errors import DataError, RecipeError, Stopped, UsageError
from tellapart.progress import Note, silent
from tellapart.recipes.augmentation import Augmentation
from tellapart.recipes.recipe import Recipe
from tellapart.verbs._planning import decide
from tellapart.verbs._train_options import Options
from tellapart.verbs.train import views_after_training
from tests.conftest import make_collection, write_folder

pytestmark = pytest.mark.usefixtures("sketched")


def planned(data, on_event=silent, **asked):
    """What run.json would have about the recipe of a training that is not started."""
    return decide(Options(data=data, **asked), on_event)[0].to_record()


def test_the_run_folder_holds_what_the_plan_says(stripes_run):
    files = {path.relative_to(stripes_run.path).as_posix() for path in stripes_run.path.rglob("*") if path.is_file()}
    assert files >= {
        "run.json", "split.csv", "history.csv", "model.keras", "classes.txt", "curves.png", "report.html", "report.md",
        "confusion_matrix.png", "confusion_matrix_normalized.png", "augmented.png",
    }  # fmt: skip
    assert not [name for name in files if ".part" in name or "checkpoint" in name or name == "lock"]
    record = json.loads((stripes_run.path / "run.json").read_text())
    assert record["status"] == "done"
    assert record["seed"] == 0
    assert {"options", "versions", "machine", "data", "recipe", "preprocessing", "split", "results"} <= set(record)
    assert record["data"]["fingerprint"] == make_collection(240, splits=False).fingerprint
    assert record["results"]["test"]["count"] == 48
    assert (stripes_run.path / "classes.txt").read_text() == "across\ndown\nsquares\n"
    rows = list(csv.DictReader((stripes_run.path / "split.csv").read_text().splitlines()))
    counts = {split: sum(row["split"] == split for row in rows) for split in ("train", "validation", "test")}
    assert counts == record["split"]["counts"]


def test_a_recipe_for_another_number_of_classes_is_refused_before_pictures_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("tellapart.data.feeding.prepare_collection", lambda *_: pytest.fail("pictures were read"))
    with pytest.raises(RecipeError, match="cats-dogs is for 2 classes, and the data has 3"):
        tellapart.train(make_collection(60, splits=False), recipe="cats-dogs", runs=tmp_path, on_event=silent)
    assert not any(tmp_path.iterdir())


def test_the_result_for_machines(stripes_run):
    found = stripes_run.to_dict()
    assert set(found) == {"run", "model", "results", "inferred", "notes"}
    assert {"accuracy", "accuracy_interval", "loss", "count"} <= set(found["results"]["test"])
    assert found["results"]["validation"]["count"] == 20
    assert found["results"]["train_seconds"] > 0


def test_it_learns(stripes_run):
    assert stripes_run.evaluations["test"].accuracy > 0.9
    assert " % right on 48 pictures it has never seen (" in str(stripes_run)
    assert stripes_run.curves().figure().axes


def test_the_same_command_gives_the_same_figures(tmp_path):
    def metrics(folder):
        run = tellapart.train(make_collection(90, splits=False), epochs=2, seed=3, runs=folder, on_event=silent)
        results = run.to_dict()["results"]
        del results["train_seconds"]
        return results, [{k: v for k, v in row.items() if k != "seconds"} for row in run.history]

    assert metrics(tmp_path / "a") == metrics(tmp_path / "b")


def test_a_run_is_never_overwritten(tmp_path):
    small = make_collection(60, splits=False)
    runs = [
        tellapart.train(small, recipe="dense", epochs=1, runs=tmp_path, on_event=silent).path.name for _ in range(2)
    ]
    assert runs == ["stripes-dense-001", "stripes-dense-002"]


def test_it_says_what_it_decided():
    notes = []
    planned(make_collection(60), notes.append, recipe="dense", epochs=1)
    text = "\n".join(event.text for event in notes if isinstance(event, Note))
    for words in (
        "data: stripes, 60 pictures",
        "split: train",
        "test 20 (given)",
        "pictures: 28 x 28 grey (the recipe's size)",
        "recipe: dense, 1 epoch, ",
        "backend: tensorflow",
    ):
        assert words in text


def test_fields_of_the_recipe_can_be_set(tmp_path):
    changes = ["optimizer=sgd", "learning_rate=0.5", "augmentation.flip=horizontal", "l2=0.001", "dropout=0.4"]
    recipe = planned(make_collection(60), recipe="dense", set=changes, epochs=1)["recipe"]
    assert (recipe["optimizer"], recipe["learning_rate"], recipe["l2"], recipe["dropout"]) == ("sgd", 0.5, 0.001, 0.4)
    assert recipe["augmentation"]["flip"] == "horizontal"
    with pytest.raises(RecipeError, match="unknown field 'optimiser'"):
        tellapart.train(make_collection(60), set={"optimiser": "sgd"}, runs=tmp_path, on_event=silent)
    with pytest.raises(UsageError, match="FIELD=VALUE"):
        tellapart.train(make_collection(60), set=["sgd"], runs=tmp_path, on_event=silent)


@pytest.mark.parametrize("loss", ("cross-entropy", "mean-squared-error"))
def test_losses_are_reported_by_their_own_name(loss, tmp_path):
    run = tellapart.train(
        make_collection(60), recipe="dense", set={"loss": loss}, epochs=1, runs=tmp_path, on_event=silent
    )
    test = run.evaluations["test"]
    assert test.loss_name == {"cross-entropy": "cross-entropy", "mean-squared-error": "mean squared error"}[loss]
    assert (test.loss < 0.3) == (loss == "mean-squared-error")


def test_bad_pictures_are_set_aside_and_the_folder_is_left_alone(tmp_path):
    folder = write_folder(tmp_path / "data", 90)
    for number in ("001", "004", "007"):
        (folder / "down" / f"{number}.png").write_bytes(b"nonsense")
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*.png"))}
    run = tellapart.train(folder, recipe="dense", epochs=1, runs=tmp_path / "runs", on_event=silent)
    named = {item["file"] for item in run.to_dict()["results"]["skipped"]}
    assert named == {"down/001.png", "down/004.png", "down/007.png"}
    assert {path: path.read_bytes() for path in sorted(folder.rglob("*.png"))} == before


def test_without_a_test_part_it_says_so(tmp_path):
    notes = []
    run = tellapart.train(
        make_collection(60, splits=False),
        recipe="dense",
        epochs=1,
        test=0,
        validation=0,
        runs=tmp_path,
        on_event=notes.append,
    )
    assert run.evaluations == {}
    assert any("no test split: all metrics below" in event.text for event in notes if isinstance(event, Note))


def test_a_python_recipe_of_ones_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "import keras\n\ndef network(shape, classes):\n"
        "    return keras.Sequential([keras.Input(shape), keras.layers.Rescaling(1 / 255), keras.layers.Flatten(),\n"
        "        keras.layers.Dense(classes, activation='softmax')])\n"
    )
    run = tellapart.train(make_collection(60), recipe=path, epochs=1, runs=tmp_path / "runs", on_event=silent)
    assert run.path.name == "stripes-mine-001"


def test_a_failure_in_the_middle_keeps_what_there_is(tmp_path, monkeypatch):
    from tellapart.classifier import network

    def fail(*arguments):
        raise RuntimeError("no")

    monkeypatch.setattr(network, "to_members", fail)
    with pytest.raises(RuntimeError):
        tellapart.train(make_collection(60), recipe="dense", epochs=1, runs=tmp_path, on_event=silent)
    (folder,) = tmp_path.iterdir()
    assert json.loads((folder / "run.json").read_text())["status"] == "failed"
    assert (folder / "checkpoints" / "checkpoint-0001" / "manifest.json").exists()
    assert not (folder / "model.keras").exists()


def test_the_one_output_head_is_like_any_other(tmp_path):
    collection = make_collection(120, splits=False)
    two = collection.labels < 2
    pixels, labels = collection.pictures.array[two], np.array(["down", "across"])[collection.labels[two]]
    run = tellapart.train((pixels, labels), recipe="cats-dogs", epochs=2, runs=tmp_path, on_event=silent)
    answer = run.model.predict(pixels[0])
    assert set(answer.probabilities) == {"across", "down"}
    assert sum(answer.probabilities.values()) == pytest.approx(1)
    assert run.evaluations["test"].confusion.shape == (2, 2)
    # Keras's own view of the same figure: the second class is the positive one.
    found = run.history[run.best_epoch - 1]["val_accuracy"]
    assert run.evaluations["validation"].accuracy == pytest.approx(found)


def test_a_test_part_that_cannot_be_read_is_told_before_the_training(tmp_path):
    write_folder(tmp_path / "data" / "train", 60)
    for file in write_folder(tmp_path / "data" / "test", 6).rglob("*.png"):
        file.write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"none of 6 test pictures can be read \(test/across/000.png: is not a picture"):
        tellapart.train(tmp_path / "data", recipe="dense", epochs=1, runs=tmp_path / "runs", on_event=silent)
    assert not (tmp_path / "runs").exists()


def test_a_manifest_with_a_missing_file_and_a_name_that_is_no_text(tmp_path):
    folder = write_folder(tmp_path / "data", 60)
    rows = [f"{p.relative_to(folder).as_posix()},{p.parent.name}" for p in sorted(folder.rglob("*.png"))]
    (folder / "list.csv").write_text("\n".join(["file_name,label", *rows, "gone.png,down"]) + "\n")
    run = tellapart.train(folder / "list.csv", recipe="dense", epochs=1, runs=tmp_path / "runs", on_event=silent)
    named = [item["file"] for item in run.to_dict()["results"]["skipped"]]
    assert named == ["gone.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not have such file names")
def test_a_file_name_that_is_no_valid_text(tmp_path):
    folder = write_folder(tmp_path / "data", 60)
    (folder / "down" / "001.png").rename(os.fsdecode(os.fsencode(folder / "down") + b"/caf\xe9.png"))
    Path(os.fsdecode(os.fsencode(folder / "down") + b"/bad\xe9.png")).write_text("no picture")
    folder = folder.rename(os.fsdecode(os.fsencode(tmp_path) + b"/dat\xe9"))
    run = tellapart.train(folder, recipe="dense", epochs=1, runs=tmp_path / "runs", on_event=silent)
    assert "caf\\udce9.png" in (run.path / "split.csv").read_text()
    assert tellapart.load(run.path).record.trained_on == str(folder)
    assert "skipped" not in tellapart.load(run.path).record.metrics
    assert "bad\\udce9.png" in (run.path / "run.json").read_text()
    assert tellapart.evaluate(run.path, on_event=silent).accuracy == run.evaluations["test"].accuracy


def test_views_of_the_recipe_are_kept_in_the_file_and_both_figures_reported(tmp_path):
    notes = []
    run = tellapart.train(
        make_collection(90, splits=False), epochs=1, set=["views=mirror-shift"], runs=tmp_path, on_event=notes.append
    )
    assert tellapart.load(run.model_path).views == "shift"  # mirrored stripes are out of step
    assert {"test", "test_one_view", "validation"} == set(run.evaluations)
    found = run.to_dict()["results"]
    assert found["test_one_view"]["count"] == found["test"]["count"]
    assert found["test_one_view"]["loss"] != found["test"]["loss"]
    assert "test, one view: accuracy" in run.details()
    again = tellapart.evaluate(run.model_path, make_collection(90, splits=False), views="none", on_event=silent)
    assert again.loss == pytest.approx(found["test_one_view"]["loss"])
    assert any(isinstance(note, Note) and note.text.startswith("mirroring: off (") for note in notes)
    answer = tellapart.predict(run.model_path, [make_collection().read(0)], views="none", on_event=silent)[0]
    assert answer.probability == pytest.approx(tellapart.load(run.model_path).with_views("none").predict(
        make_collection().read(0)).probability)  # fmt: skip


def test_a_time_budget_ends_the_training_whatever_the_epochs(tmp_path):
    run = tellapart.train(make_collection(90, splits=False), minutes=1 / 6, runs=tmp_path, on_event=silent)
    assert len(run.history) != 16
    assert json.loads((run.path / "run.json").read_text())["options"]["minutes"] == pytest.approx(1 / 6)


def test_time_and_epochs_exclude_each_other(tmp_path):
    with pytest.raises(UsageError) as caught:
        tellapart.train("digits", minutes=1, epochs=3, runs=tmp_path, on_event=silent)
    assert str(caught.value).startswith("epochs = 3 and minutes = 1")
    with pytest.raises(UsageError, match=r"minutes = 0\.1"):
        tellapart.train("digits", minutes=0.1, runs=tmp_path, on_event=silent)
    assert not list(tmp_path.iterdir())


def test_too_few_held_out_pictures_to_call_any_unfamiliar_are_told(tmp_path):
    events = []
    run = tellapart.train(
        write_folder(tmp_path / "data", 60), recipe="dense", epochs=1, runs=tmp_path / "runs", on_event=events.append
    )
    notes = [event.text for event in events if isinstance(event, Note)]
    assert any(
        "out-of-distribution detection is off: it needs 100 held-out pictures and has 5" in text for text in notes
    ), notes
    assert not run.model.ood_detector.decides


@pytest.mark.parametrize("asked", ("l2=0.1", None, {"augmentation": {"zoom": 0.1}, "dropout": None}))
def test_changes_may_be_one_text_or_tables(tmp_path, asked):
    data = make_collection(60, splits=False)
    run = tellapart.train(data, recipe="dense", set=asked, epochs=1, runs=tmp_path, on_event=silent)
    card = (run.path / "report.md").read_text()
    expected = (
        {"l2=0.1": "--set l2=0.1", None: None}.get(asked, "")
        if not isinstance(asked, dict)
        else ("--set augmentation.zoom=0.1 --set dropout=none")
    )
    assert "--set" not in card if expected is None else expected in card


@pytest.mark.parametrize(
    ("options", "words"),
    (
        ({"set": ["optimizer.momentum=0.9"]}, "unknown field 'optimizer.momentum'"),
        ({"set": ["augmentaton.zoom=0.9"]}, "unknown field 'augmentaton.zoom'"),
        ({"set": ["augmentation=none", "augmentation.zoom=.2"]}, "unknown field 'augmentation.zoom'"),
        ({"set": ["epochs=9"], "epochs": 3}, "set epochs = 9 and epochs = 3"),
        ({"set": ["epochs=9"], "minutes": 3}, "set epochs = 9 and minutes = 3"),
        ({"minutes": float("inf")}, "minutes = inf"),
        ({"set": ["l2=inf"]}, "l2 = inf"),
    ),
)
def test_options_that_mean_nothing_or_contradict_each_other(tmp_path, options, words):
    with pytest.raises((RecipeError, UsageError), match=words):
        tellapart.train(make_collection(60, splits=False), runs=tmp_path, on_event=silent, **options)
    assert not any(tmp_path.iterdir())


def test_a_recipe_that_is_none_is_the_automatic_one():
    assert planned(make_collection(60, splits=False), recipe=None, epochs=1)["recipe"]["name"] == "quick"


def test_a_class_folder_with_a_name_of_an_old_archive(tmp_path):
    folder = write_folder(tmp_path / "data", 60)
    try:
        (folder / "down").rename(folder / os.fsdecode(b"caf\xe9"))
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    run = tellapart.train(folder, recipe="dense", epochs=1, runs=tmp_path / "runs", on_event=silent)
    assert run.model.class_names == ("across", "café", "squares")


def test_what_cannot_be_promised_and_what_can_is_said(tmp_path):
    notes = []
    tellapart.train(
        make_collection(60, splits=False), recipe="dense", epochs=1, max_error_rate="0.1%", runs=tmp_path,
        on_event=notes.append,
    )  # fmt: skip
    (said,) = [note.text for note in notes if isinstance(note, Note) and "max-error-rate" in note.text]
    assert "; possible: " in said
    assert "or more, where" in said


@pytest.mark.parametrize(
    "asked",
    (
        {"augmentation.shear": 0.2, "augmentation": {"zoom": 0.1}},
        {"augmentation": {"zoom": 0.1}, "augmentation.shear": 0.2},
        {"augmentation": Augmentation(zoom=0.1), "augmentation.shear": 0.2},
    ),
)
def test_changes_of_one_record_add_up(asked):
    found = planned(make_collection(60, splits=False), recipe="dense", set=asked)["recipe"]["augmentation"]
    assert (found["zoom"], found["shear"]) == (0.1, 0.2)


def test_looks_after_a_training():
    counts = {"train": 5000, "validation": 300, "test": 1000}
    assert views_after_training(counts, "none") == 1300 + 2000 + 300
    assert views_after_training(counts, "mirror-shift") == 6 * 1300 + 1000 + 2000 + 300
    assert views_after_training(counts | {"validation": 0}, "none") == 1000 + 2000 + 1000
    assert views_after_training({"train": 80, "validation": 0, "test": 0}, "mirror") == 80 + 80


def test_a_network_may_normalise_by_its_own_pixels(tmp_path):
    """Its mean and variance are found before the training, and are the same in the file, its twin and the heat maps."""
    import keras

    def network(shape, classes):
        layers = [keras.layers.Rescaling(1 / 255), keras.layers.Normalization(name="own"), keras.layers.Conv2D(4, 3)]
        ending = [keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(classes, activation="softmax")]
        return keras.Sequential([keras.Input(shape), *layers, keras.layers.ReLU(), *ending])

    def initialise(made, pixels):
        made.get_layer("own").adapt(pixels[:100] / np.float32(255))

    recipe = Recipe(name="own", network=network, initialise=initialise, epochs=2, dropout=0.1)
    data = make_collection(90, splits=False)
    run = tellapart.train(data, recipe=recipe, runs=tmp_path, on_event=silent)
    again = tellapart.load(run.model_path)
    own = again.network.get_layer("own")
    assert float(np.asarray(own.mean).ravel()[0]) == pytest.approx(data.pictures.array.mean() / 255, rel=0.1)
    pixels = data.pictures.array[:9]
    expected = keras.saving.load_model(run.model_path).predict(pixels, verbose=0)
    assert np.allclose(again.with_views("none").probabilities(pixels).argmax(axis=1), expected.argmax(axis=1))
    assert "data:image/png" in (run.path / "report.html").read_text()


def test_a_stop_while_it_evaluates_says_how_to_go_on(tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    folder, runs = write_folder(tmp_path / "data", 60), tmp_path / "my runs"
    with monkeypatch.context() as patch, pytest.raises(Stopped) as caught:
        patch.setattr("tellapart.verbs.train.measure", stop)
        tellapart.train(folder, recipe="dense", epochs=1, runs=runs, on_event=silent)
    (path,) = runs.iterdir()
    assert str(caught.value).startswith(f"{path}: stopped before everything was measured and written")
    assert shlex.split(caught.value.action.split(": ")[1]) == ["tellapart", "train", "--resume", str(path)]
    notes = []
    tellapart.predict(path, [folder], on_event=notes.append)
    assert any("interrupted before confidence was calibrated" in n.text for n in notes if isinstance(n, Note))
    run = tellapart.train(resume=path, on_event=silent)
    assert run.evaluations["test"].count == 12
    notes.clear()
    tellapart.predict(path, [folder], on_event=notes.append)
    assert not any("broken off" in note.text for note in notes if isinstance(note, Note))


def test_the_rate_of_another_optimizer_is_said():
    notes = []
    record = planned(make_collection(60, splits=False), notes.append, set=["optimizer=adam"], epochs=1)
    assert record["recipe"]["learning_rate"] == 0.001
    words = "learning rate: 0.001, the usual one for adam; --learning-rate changes it"
    assert words in [note.text for note in notes if isinstance(note, Note)]
