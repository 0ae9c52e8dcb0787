"""A model file of every format and version that was ever given out opens, and answers as it did."""

from pathlib import Path

import numpy as np
import pytest

from tellapart.classifier.classifier import load_classifier

FILES = Path(__file__).parent.parent / "files"


@pytest.mark.parametrize("name", sorted(path.stem for path in FILES.glob("tellapart-*.keras")))
def test_it_opens_and_answers_as_it_did(name, tmp_path):
    classifier = load_classifier(FILES / f"{name}.keras")
    with np.load(FILES / f"{name}.npz") as known:
        pixels, wanted = known["x"], known["probabilities"]
    assert np.allclose(classifier.probabilities(pixels), wanted, atol=1e-6)
    once = classifier.with_views("none")
    once.record = once.record.model_copy(update={"temperature": 1.0})
    network = np.asarray(classifier.network(pixels.astype(np.float32), training=False))
    assert np.allclose(once.probabilities(pixels), network, atol=1e-5)
    again = load_classifier(classifier.save(tmp_path / "again.keras"))
    assert again.record.sealed
    assert again.record.threshold_tradeoffs == classifier.record.threshold_tradeoffs != ()
    assert len(again.ood_detector) == len(classifier.ood_detector) > 0
    assert np.array_equal(again.probabilities(pixels), classifier.probabilities(pixels))


def test_there_are_some():
    assert len(list(FILES.glob("tellapart-*.keras"))) >= 1
