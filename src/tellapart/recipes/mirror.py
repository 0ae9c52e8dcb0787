"""Decide whether pictures may be mirrored in training, by class names and by a test on the pictures."""

from __future__ import annotations

import numpy as np

from tellapart.data.pixel_store import Pixels
from tellapart.images.preprocessing import Preparation
from tellapart.text import percent

PICTURES = 3000
"""The most training pictures that the test uses, drawn at random; a third of them are held out."""

SIDE = 12
"""Height and width of the pictures in the test, which are grey."""

PENALTY = 30.0
"""The penalty of the ridge regression, for features with a variance near 1."""

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SIDES = ("left", "right")


def may_mirror(pixels: Pixels, labels: np.ndarray, class_names: tuple[str, ...]) -> tuple[bool, str]:
    """Whether mirrored pictures still belong to their class, and the reason as text.

    `pixels` uint8 [n, height, width, channels], `labels` int [n]: training pictures only. Classes named after digits,
    letters or sides must not be mirrored. For others, a linear classifier is fitted to some of the pictures and tested
    on the rest, unchanged and mirrored. If it recognises fewer of the mirrored ones, by more than twice the standard
    error, left and right matter for the classes, as in text.
    """
    words = [name.strip().lower() for name in class_names]
    if all(word in DIGITS or (len(word) == 1 and word.isalpha()) for word in words):
        return False, "the classes are digits or letters"  # numerals may be mere class numbers
    sided = next((word for word in words if set(SIDES) & set(word.replace("-", " ").replace("_", " ").split())), None)
    if sided:
        return False, f"the class {sided!r} names a side"
    chosen = np.random.default_rng(0).permutation(len(labels))[:PICTURES]
    features = _features(pixels, chosen)
    wanted = labels[chosen]
    tested = len(chosen) // 3
    if tested < 20:
        return False, "too few pictures to test whether it does harm"
    weights = _fit(features[tested:], np.eye(len(words))[wanted[tested:]])
    unchanged = _correct(features[:tested], wanted[:tested], weights)
    mirrored = _correct(features[:tested, :, ::-1], wanted[:tested], weights)
    loss = unchanged.mean() - mirrored.mean()
    standard_error = np.std(unchanged - mirrored) / np.sqrt(tested)
    harmless = bool(loss <= 2 * standard_error)
    before, after = percent(float(unchanged.mean()), digits=0), percent(float(mirrored.mean()), digits=0)
    shares = f"{before} of pictures recognised, {after} when mirrored"
    return harmless, f"it did {'no ' if harmless else ''}harm in a quick test: {shares}"


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


def _correct(seen: np.ndarray, wanted: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Float [n]: 1 for each picture that the regression classifies correctly, else 0."""
    return np.asarray((_with_ones(seen) @ weights).argmax(axis=1) == wanted, float)


def _with_ones(seen: np.ndarray) -> np.ndarray:
    """One row per picture, [n, features + 1]; the last value is 1, for the intercept."""
    return np.hstack([seen.reshape(len(seen), -1), np.ones((len(seen), 1))])
