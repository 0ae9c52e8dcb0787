"""Likely wrong labels of photos, by the features of the pretrained backbone; small pictures are left to networks."""

import zipfile

import numpy as np
import pytest

import tellapart
from tellapart.data.finding import Checked
from tellapart.data.inspect import inspect
from tellapart.data.label_errors import trusted_labels
from tellapart.errors import UsageError, WeightsError
from tellapart.progress import Note, silent
from tellapart.verbs import _label_networks
from tellapart.verbs._label_search import Backbone, with_predictions
from tests.conftest import make_collection

PHOTOS, WRONG = 60, 6
"""Photos of each class, and how many of them get the other label."""


@pytest.fixture
def photos(real_data, tmp_path):
    """Cats and dogs with wrong labels: the checked collection, and the positions of the wrong labels."""
    home = tmp_path / "photos"
    with zipfile.ZipFile(real_data / "cats-dogs.zip") as archive:
        for kind, other in (("cats", "dogs"), ("dogs", "cats")):
            names = sorted(name for name in archive.namelist() if f"test_set/{kind}/" in name and name.endswith("jpg"))
            for number, name in enumerate(names[:PHOTOS]):
                wrong = number < WRONG
                folder = home / (other if wrong else kind)
                folder.mkdir(exist_ok=True, parents=True)
                (folder / f"{'wrong' if wrong else 'right'}-{kind}-{number}.jpg").write_bytes(archive.read(name))
    collection = tellapart.open(home, on_event=silent)
    wrong = {i for i, key in enumerate(collection.keys) if "wrong-" in key}
    assert len(wrong) == 2 * WRONG
    return Checked(inspect(collection, silent)), wrong


def test_wrong_labels_of_photos_are_found_by_features(photos, monkeypatch):
    """Without networks, and without the pictures that were suspected in the first round."""
    checked, wrong = photos
    monkeypatch.setattr(_label_networks, "predictions_of_networks", None)
    notes = []
    found, _ = with_predictions(checked, Backbone.asked(None), 4, 0, notes.append)
    predictions = found.predictions
    assert found.by_features
    words = "likely wrong labels: 2 rounds of 4 folds, on the features of efficientnet-lite0"
    assert words in [event.text for event in notes if isinstance(event, Note)]
    assert predictions.shape == (2 * PHOTOS, 2)
    assert predictions.dtype == np.float32
    assert np.allclose(predictions.sum(axis=1), 1, atol=1e-5)
    errors = found.label_errors[1]
    assert len(wrong & set(errors.positions.tolist())) >= 10
    assert len(errors.positions) <= 15
    again, _ = with_predictions(checked, Backbone.asked(None), 4, 0, silent)
    assert np.array_equal(again.predictions, predictions)


def test_small_pictures_and_a_missing_backbone_are_left_to_networks(photos, monkeypatch):
    class Called(Exception):
        pass

    def called(*_):
        raise Called

    monkeypatch.setattr(_label_networks, "predictions_of_networks", called)
    small = Checked(inspect(make_collection(30, splits=False), silent))
    with pytest.raises(Called):
        with_predictions(small, Backbone.asked(None), 4, 0, silent)
    with pytest.raises(Called):
        with_predictions(photos[0], Backbone.asked("none"), 4, 0, silent)
    monkeypatch.setattr("tellapart.pretrained.weights.at_hand", lambda *_: None)
    with pytest.raises(Called):
        with_predictions(photos[0], Backbone.asked(None), 4, 0, silent)


def test_a_backbone_that_was_named_is_used_for_small_pictures_too():
    small = Checked(inspect(make_collection(30, splits=False, channels=3), silent))
    notes = []
    found, _ = with_predictions(small, Backbone.asked("efficientnet-lite1"), 2, 0, notes.append)
    assert found.by_features
    words = "likely wrong labels: 2 rounds of 2 folds, on the features of efficientnet-lite1"
    assert words in [event.text for event in notes if isinstance(event, Note)]


def test_a_backbone_without_weights_or_of_another_name_is_an_error_before_the_data_is_read(monkeypatch, tmp_path):
    for name in ("TELLAPART_CACHE", "KERAS_HOME", "HF_HOME", "TORCH_HOME", "TELLAPART_DATA"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(WeightsError, match="ConvNeXt"):
        tellapart.check(tmp_path / "nowhere", backbone="convnext-tiny", on_event=silent)
    with pytest.raises(UsageError, match="efficientnet-lite9"):
        tellapart.check(tmp_path / "nowhere", backbone="efficientnet-lite9", on_event=silent)


def test_a_second_round_keeps_pictures_of_every_class():
    labels = np.repeat([0, 1, 2], [60, 35, 5])
    probabilities = np.full((100, 3), 0.05, np.float32)
    probabilities[np.arange(100), labels] = 0.9
    probabilities[[0, 1, 95, 96, 97, 98, 99]] = [0.01, 0.98, 0.01]
    assert np.flatnonzero(~trusted_labels(labels, probabilities)).tolist() == [0, 1]
