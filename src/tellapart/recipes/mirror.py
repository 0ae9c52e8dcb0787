"""Whether pictures may be mirrored in training: a rule over class names, and a measurement on the pictures."""

from __future__ import annotations

import numpy as np

from tellapart.data.pixel_store import Pixels
from tellapart.images.preprocessing import Preparation

PICTURES = 3000
"""So many training pictures are looked at, evenly spread; a third of them only to ask about."""

SIDE = 12
"""They are seen at this size, in grey."""

PENALTY = 30.0
"""Of the ridge regression, for features of variance near 1."""

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDES = ("left", "right")


def may_mirror(pixels: Pixels, labels: np.ndarray, class_names: tuple[str, ...]) -> tuple[bool, str]:
    """Whether a mirrored picture is as good a picture of its class, and the reason in words.

    `pixels` uint8 [n, height, width, channels], `labels` int [n]: training pictures only. Digits, letters and sides are
    known by their names. For everything else a linear classifier is fitted to some of the pictures and asked about
    others, as they are and mirrored: where it recognises clearly fewer of the mirrored ones (by more than twice the
    standard error), what the classes look like depends on left and right, as in text.
    """
    words = [name.strip().lower() for name in class_names]
    if all(word in DIGITS or (len(word) == 1 and word.isalpha()) for word in words):
        return False, "the classes are digits or letters"  # numbers may be just the numbers of the classes
    sided = next((word for word in words if set(SIDES) & set(word.replace("-", " ").replace("_", " ").split())), None)
    if sided:
        return False, f"the class {sided!r} tells sides apart"
    chosen = np.random.default_rng(0).permutation(len(labels))[:PICTURES]
    seen = _features(pixels, chosen)
    wanted = labels[chosen]
    asked = len(chosen) // 3
    if asked < 20:
        return False, "too few pictures to find out whether that is harmless"
    weights = _fit(seen[asked:], np.eye(len(words))[wanted[asked:]])
    upright = _right(seen[:asked], wanted[:asked], weights)
    turned = _right(seen[:asked, :, ::-1], wanted[:asked], weights)
    fall = upright.mean() - turned.mean()
    error = np.std(upright - turned) / np.sqrt(asked)
    shares = f"{upright.mean():.0%} of pictures and {turned.mean():.0%} of mirrored ones"
    reason = f"a linear classifier recognises {shares}"
    return bool(fall <= 2 * error), reason


def _features(pixels: Pixels, chosen: np.ndarray) -> np.ndarray:
    """Float [n, SIDE, SIDE], each of mean 0 and variance 1."""
    small = Preparation(height=SIDE, width=SIDE, colour="grey", fit="stretch")
    seen = np.stack([small(pixels[i])[:, :, 0] for i in chosen]).astype(float)
    seen -= seen.mean(axis=(1, 2), keepdims=True)
    result: np.ndarray = seen / (seen.std(axis=(1, 2), keepdims=True) + 1)
    return result


def _fit(features: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Ridge regression: weights [features + 1, classes]; the last row is the intercept."""
    x = _with_ones(features)
    return np.linalg.solve(x.T @ x + PENALTY * np.eye(x.shape[1]), x.T @ wanted)


def _right(seen: np.ndarray, wanted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """For each picture 1 where the regression names its class, else 0."""
    result: np.ndarray = ((_with_ones(seen) @ weights).argmax(axis=1) == wanted).astype(float)
    return result


def _with_ones(seen: np.ndarray) -> np.ndarray:
    """A row a picture [n, features + 1], with a one at its end for the intercept."""
    return np.hstack([seen.reshape(len(seen), -1), np.ones((len(seen), 1))])
