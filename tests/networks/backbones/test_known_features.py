"""Real weights give the features that they gave when the port was checked: a changed preprocessing shows here."""

from pathlib import Path

import numpy as np
import pytest

from tellapart.networks import backbones
from tellapart.pretrained.weights import find_weights, place

EVERY = 128
"""Of the features, every 128th is kept here."""

KNOWN = {
    "efficientnet-lite0": [
        [0.0, 1.526579, 0.0, 3.464941, 5.990588, 0.0, 0.0, 0.663369, 0.0, 0.0],
        [1.315106, 3.999545, 1.261463, 0.0, 2.546713, 0.0, 0.0, 0.0, 0.0, 0.0],
    ],
    "efficientnet-lite1": [
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.748778],
        [0.0, 0.0, 0.0, 0.0, 0.0, 4.234651, 0.0, 0.0, 0.0, 0.0],
    ],
    "efficientnet-lite2": [
        [0.0, 0.119284, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 1.593482, 0.0, 0.0, 4.310193, 0.0, 0.0, 0.0, 0.0],
    ],
    "mobilenet-v2-035": [
        [0.0, 0.0, 0.0, 1.141585, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.671714, 0.0, 0.0, 3.571626, 0.0],
    ],
}


def synthetic():
    """A picture of colour gradients and one of coloured stripes, uint8 [2, 64, 64, 3]."""
    row, column = np.mgrid[0:64, 0:64]
    gradients = np.stack([row * 4, column * 4, 255 - row * 4], axis=2)
    stripes = np.stack([row // 8 % 2 * 255, column // 4 % 2 * 200, (row + column) // 8 % 2 * 90], axis=2)
    return np.stack([gradients, stripes]).astype("uint8")


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"])
def test_features_of_installed_weights(name):
    check(name, None)


def test_features_of_a_file(real_data):
    check("mobilenet-v2-035", real_data.parent / "weights" / "mobilenet-v2-035-features.npz")


def check(name: str, file: Path | None) -> None:
    network = backbones.load(name).network((64, 64, 3))
    place(network, find_weights(name, file))
    got = network.predict(synthetic().astype("float32"), verbose=0)
    assert np.abs(got[:, ::EVERY] - np.array(KNOWN[name])).max() <= 1e-4
