"""Trainings that start from a pretrained backbone, with the weights of EfficientNet-Lite0 that are installed."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.classifier.calibration import tempered
from tellapart.data.collection import Collection
from tellapart.errors import CheckpointError, DataError, RecipeError, UsageError
from tellapart.progress import Note, Progress, silent
from tellapart.recipes.find import find_recipe
from tellapart.verbs._backbone import found_weights
from tellapart.verbs._planning import decide
from tellapart.verbs._train_options import Options
from tests.resuming import broken, metrics, train

SIDE = 64


def photo(kind, number):
    """A picture of a bright disc or of stripes on a noisy ground, in many colours."""
    rng = np.random.default_rng((kind, number))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    pixels = rng.integers(0, 90, (SIDE, SIDE, 3))
    centre, radius = rng.integers(20, 44, 2), rng.integers(10, 20)
    disc = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < radius**2
    shape = disc if kind == 0 else (rows + columns + centre[0]) % radius < radius // 2
    pixels[shape] += rng.integers(60, 160, 3)
    return pixels.astype(np.uint8)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for kind, name in enumerate(("disc", "stripes")):
        (folder / name).mkdir()
        for number in range(30):
            Image.fromarray(photo(kind, number)).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def run(photos, tmp_path_factory):
    return tellapart.train(photos, size=SIDE, runs=tmp_path_factory.mktemp("runs"), on_event=silent)


def notes_of(photos, **options):
    notes = []
    decide(Options(data=photos, size=SIDE, **options), lambda event: notes.append(str(event)))
    return "\n".join(notes)


def test_photos_start_from_a_backbone_without_being_asked(run):
    record = json.loads((run.path / "run.json").read_text())
    assert record["recipe"]["name"] == "features"
    assert record["backbone"]["name"] == "efficientnet-lite0"
    assert record["backbone"]["sha256"].startswith("57934424")
    assert record["backbone"]["licence"] == "Apache-2.0"
    assert record["backend"].startswith("onnxruntime ")
    assert run.evaluations["test"].accuracy > 0.8
    assert "fitted in" in str(run)
    assert (run.path / "history.csv").read_text().startswith("epoch,accuracy,loss,seconds")
    report = (run.path / "report.html").read_text()
    assert "Pretrained backbone" in report
    assert "Learning curves" not in report


def test_the_model_file_opens_in_stock_keras_with_the_same_answers(run, photos):
    pixels = np.stack([photo(kind, number) for kind in (0, 1) for number in range(5)])
    stock = keras.saving.load_model(run.model_path)
    expected = tempered(stock.predict(pixels, verbose=0), run.model.record.temperature)
    loaded = tellapart.load(run.model_path)
    assert np.abs(loaded.probabilities(pixels) - expected).max() < 1e-4
    assert np.abs(loaded.network.predict(pixels, verbose=0) - stock.predict(pixels, verbose=0)).max() < 1e-5
    assert loaded.record.layers[-1].shape == [2]


def test_known_features_give_the_answers_of_the_file(run, photos):
    """What was evaluated with features from the cache is what the file answers."""
    again = tellapart.evaluate(run.model_path, photos, split="test", on_event=silent)
    assert np.abs(again.probabilities - run.evaluations["test"].probabilities).max() < 1e-4


def test_a_second_training_needs_neither_keras_nor_the_backbone(run, photos, tmp_path):
    code = f"""
import sys, tellapart
from tellapart.pretrained import compiled
compiled.Compiled.features = None
run = tellapart.train({str(photos)!r}, size={SIDE}, seed=4, runs={str(tmp_path)!r}, on_event=lambda event: None)
assert "keras" not in sys.modules and "tensorflow" not in sys.modules
print(run.evaluations["test"].accuracy)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.splitlines()[-1]) > 0.7


def test_features_are_computed_for_new_pictures_only_after_a_damaged_file(run, photos, tmp_path):
    from tellapart.data.datasets import cache_folder

    pieces = list((cache_folder() / "features").glob("*/0.npz"))
    assert pieces
    for piece in pieces:
        piece.write_bytes(piece.read_bytes()[:-100])
    events = []
    again = tellapart.train(photos, size=SIDE, runs=tmp_path, on_event=events.append)
    assert any(isinstance(event, Progress) and event.task == "features of efficientnet-lite0" for event in events)
    assert np.array_equal(again.evaluations["test"].probabilities, run.evaluations["test"].probabilities)


def test_why_the_backbone_is_not_trained_further(photos):
    assert "training pictures are too few to train a backbone further" in notes_of(photos)


def test_options_of_training_steps_are_named_if_they_have_no_effect(photos):
    notes = notes_of(photos, epochs=3, learning_rate=0.1)
    assert "--epochs and --learning-rate have no effect: the recipe features fits a head" in notes
    assert "no effect" not in notes_of(photos)


def test_none_trains_from_scratch(photos):
    assert "recipe: photos" in notes_of(photos, backbone="none")


def test_small_pictures_do_not_start_from_a_backbone():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3)).astype(np.uint8)
    plan, pictures = decide(Options(data=(pixels, np.arange(40) % 2)), silent)
    assert plan.backbone is None
    assert pictures.backbone is None


def test_wrong_words_for_a_backbone(photos, tmp_path):
    with pytest.raises(RecipeError, match="backbone = 'efficientnet-lite9'") as error:
        notes_of(photos, recipe="features", backbone="efficientnet-lite9")
    assert "did you mean efficientnet-lite" in error.value.action
    with pytest.raises(RecipeError, match="the recipe photos trains from scratch"):
        notes_of(photos, recipe="photos", backbone="efficientnet-lite0")
    with pytest.raises(UsageError, match="--backbone none and the recipe features"):
        notes_of(photos, recipe="features", backbone="none")
    with pytest.raises(UsageError, match=r"--weights .*lite\.pth and the recipe quick"):
        notes_of(photos, recipe="quick", weights=tmp_path / "lite.pth")
    with pytest.raises(RecipeError, match="sets frozen, and the recipe quick trains from scratch"):
        notes_of(photos, recipe="quick", set=["frozen=true"])


def test_folds_predict_every_picture_without_keras_steps(photos, tmp_path):
    run = tellapart.train(photos, size=SIDE, folds=3, runs=tmp_path, on_event=silent)
    evaluation = run.evaluations["cross_validation"]
    assert evaluation.count == 60
    assert len(evaluation.folds) == 3
    assert evaluation.accuracy > 0.8


def test_five_pictures_a_class_are_enough_to_start(tmp_path):
    pixels = np.stack([photo(kind, number) for kind in (0, 1) for number in range(5)])
    labels = np.repeat(["disc", "stripes"], 5)
    run = tellapart.train((pixels, labels), recipe="features", size=SIDE, folds=5, runs=tmp_path, on_event=silent)
    low, high = run.evaluations["cross_validation"].accuracy_interval
    assert high - low > 0.2, "ten pictures cannot tell much"


def test_few_pictures_are_all_trained_on_and_cross_validated(run, photos):
    record = json.loads((run.path / "run.json").read_text())
    assert record["split"]["counts"] == {"train": 48, "validation": 0, "test": 12}
    assert list(run.evaluations) == ["test", "cross_validation"]
    assert run.evaluations["cross_validation"].count == 48
    assert len(run.evaluations["cross_validation"].folds) == 5
    assert "all 48 of them are trained on, and 5 folds cross-validate them" in notes_of(photos)


def test_pictures_are_held_out_where_that_was_decided(photos, monkeypatch):
    pixels = np.stack([photo(kind, number) for kind in (0, 1) for number in range(20)])
    splits = np.tile(np.array(["train"] * 8 + ["validation"] + ["test"]).repeat(2), 2)
    own = Collection.from_arrays(pixels, np.arange(40) // 20, splits=splits)

    def counts(**options):
        given = {"data": photos, "size": SIDE} | options
        return decide(Options(**given), silent)[1].split_table.counts()["validation"]

    assert counts() == 0
    assert counts(validation=0.25) == 12
    assert counts(data=own) == 4
    assert counts(recipe="finetune") == 5
    monkeypatch.setattr("tellapart.verbs._held_out.FEW", 40)
    assert counts() == 5


def test_classes_that_fit_in_no_two_folds_are_held_out(tmp_path):
    for kind, name in enumerate(("disc", "stripes")):
        for number in range(12):
            place = tmp_path / name / f"{kind}{number // 4}-{number}.png"
            place.parent.mkdir(exist_ok=True)
            Image.fromarray(photo(kind, number)).save(place)
    _, pictures = decide(Options(data=tmp_path, size=SIDE, group=r"^.*/(\d\d)-"), silent)
    assert pictures.fold is None
    assert pictures.split_table.counts()["validation"] == 8


def test_one_picture_a_class_is_too_few(tmp_path):
    pixels = np.stack([photo(kind, 0) for kind in (0, 1)])
    with pytest.raises(DataError, match=r"disc|stripes|2 pictures"):
        tellapart.train((pixels, np.array(["disc", "stripes"])), recipe="features", runs=tmp_path, on_event=silent)


def test_grey_pictures_are_seen_three_times(tmp_path):
    pixels = np.stack([photo(kind, number).mean(axis=2) for kind in (0, 1) for number in range(20)]).astype(np.uint8)
    labels = np.repeat(["disc", "stripes"], 20)
    run = tellapart.train((pixels, labels), recipe="features", size=SIDE, runs=tmp_path, on_event=silent)
    assert run.model.preprocessing.colour == "grey"
    assert run.evaluations["test"].accuracy > 0.6


def test_fine_tuning_starts_from_the_features_and_is_judged_by_validation(photos, tmp_path):
    notes = []
    run = tellapart.train(
        photos, recipe="finetune", size=SIDE, epochs=2, runs=tmp_path, set=["grow=0"], on_event=notes.append
    )
    texts = [event.text for event in notes if isinstance(event, Note)]
    assert any(text.startswith("fine-tuning is") and "validation accuracy" in text for text in texts)
    baselines = [base.name for base in run.evaluations["test"].baselines]
    assert "frozen features" in baselines
    assert run.evaluations["test"].accuracy > 0.8
    stock = keras.saving.load_model(run.model_path)
    assert stock.predict(np.stack([photo(0, 1)]), verbose=0).shape == (1, 2)


def test_fine_tuning_that_harms_is_not_kept(photos, tmp_path):
    notes = []
    run = tellapart.train(
        photos,
        recipe="finetune",
        size=SIDE,
        epochs=1,
        runs=tmp_path,
        set=["grow=0", "learning_rate=0.5", "warmup=0", "layer_decay=1"],
        on_event=notes.append,
    )
    assert any("fine-tuning is not kept" in event.text for event in notes if isinstance(event, Note))
    assert run.best_epoch == 0
    assert run.evaluations["test"].accuracy > 0.8
    assert "kept the head on the frozen backbone" in str(run)
    assert "did not predict more validation pictures right" in " ".join((run.path / "report.html").read_text().split())


def test_an_interrupted_fine_tuning_ends_as_if_it_had_not_been(photos, tmp_path, monkeypatch):
    asked = {"recipe": "finetune", "size": SIDE, "epochs": 2, "seed": 0, "set": ["grow=0", "batch_size=16"]}
    whole = train(photos, tmp_path / "whole", **asked)
    broken(monkeypatch, 2, photos, tmp_path / "parts", **asked)
    resumed = tellapart.train(resume="last", runs=tmp_path / "parts", on_event=silent)
    assert metrics(resumed) == metrics(whole)
    for ours, theirs in zip(resumed.model.network.get_weights(), whole.model.network.get_weights(), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_resumed_run_needs_the_same_weights():
    recipe = find_recipe("finetune").recipe
    with pytest.raises(CheckpointError, match="other weights of efficientnet-lite0"):
        found_weights(recipe, Options(data="digits"), silent, known="0" * 64)
