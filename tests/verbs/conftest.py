"""A folder of photos with faults, and models for the search for wrong labels that are quick or need no training."""

from dataclasses import replace

import numpy as np
import pytest

from tests import small
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
    """The models that look for wrong labels are small networks: for tests of messages, not of what they find."""
    monkeypatch.setattr("tellapart.pretrained.weights.at_hand", lambda *_: None)
    from tellapart.recipes.library import quick

    monkeypatch.setattr(quick, "RECIPE", quick.RECIPE.model_copy(update={"network": small.network}))


@pytest.fixture
def sure_models(monkeypatch):
    """Predictions of models that contradict three labels, without training: for tests of what is reported of them."""

    def predictions(checked, *_):
        count = len(checked.collection)
        sure = 1 / (1 + np.exp(-np.linspace(1, 9, count)))
        sure[-4:-1] = 0.0001
        labels = np.eye(2)[checked.collection.labels] == 1
        known = np.where(labels, sure[:, None], 1 - sure[:, None]).astype(np.float32)
        return replace(checked, predictions=known), []

    monkeypatch.setattr("tellapart.verbs._label_search.with_predictions", predictions)
