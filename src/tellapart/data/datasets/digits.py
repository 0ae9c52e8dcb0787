"""digits: 1,797 handwritten digits, grey 8 x 8, ten classes; comes with scikit-learn and needs no network.

Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI (its test split), CC BY 4.0.
"""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from tellapart.data.collection import ArrayPictures, Collection
from tellapart.data.datasets._digit_names import DIGITS

CLASS_NAMES = DIGITS


def built_in() -> Collection:
    """Return the collection; the 17 grey levels of the data set are scaled to 0..255."""
    levels, labels = _read()
    pixels = np.rint(levels.reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    keys = [f"{i:04d}" for i in range(len(pixels))]
    return Collection("digits", "digits", CLASS_NAMES, labels, keys, ArrayPictures(pixels))


def _read() -> tuple[np.ndarray, np.ndarray]:
    """Return grey levels 0 to 16 [1797, 64] and labels, from the file in scikit-learn: importing it takes a second."""
    package = find_spec("sklearn")  # imports nothing
    places = package.submodule_search_locations if package else None
    path = Path(places[0], "datasets", "data", "digits.csv.gz") if places else None
    if path is not None and path.is_file():
        with gzip.open(path, "rt", encoding="ascii") as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.int64)
        return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits  # another version of scikit-learn has the file elsewhere

    data = load_digits()
    return data.data.astype(np.int64), data.target.astype(np.int64)
