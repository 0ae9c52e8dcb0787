"""digits: 1,797 handwritten digits, grey 8 x 8, ten classes; comes with scikit-learn and needs no network.

Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI (its test part), CC BY 4.0.
"""

from __future__ import annotations

import numpy as np

from tellapart.data.collection import ArrayPictures, Collection

CLASS_NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def built_in() -> Collection:
    """The collection; the set's 17 grey levels are spread over 0..255."""
    from sklearn.datasets import load_digits  # here: importing scikit-learn takes most of a second

    data = load_digits()
    pixels = np.rint(data.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    keys = [f"{i:04d}" for i in range(len(pixels))]
    return Collection("digits", "digits", CLASS_NAMES, data.target.astype(np.int64), keys, ArrayPictures(pixels))
