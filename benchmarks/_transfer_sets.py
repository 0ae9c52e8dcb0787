"""Sets of pictures for transfer.py: drawn by seed from the data in $TELLAPART_DATA, written as class folders."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

import tellapart

ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")
VEHICLES = ("airplane", "automobile", "ship", "truck")

SOURCES: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "flowers": ("flowers.zip", None),
    "cats-dogs": ("cats-dogs.zip", None),
    "cifar10": ("cifar10", None),
    "cifar10 animals": ("cifar10", ANIMALS),
    "cifar10 vehicles": ("cifar10", VEHICLES),
    "cifar10 other animals": ("cifar10", tuple(name for name in ANIMALS if name not in ("cat", "dog"))),
    "cifar10 cats and dogs": ("cifar10", ("cat", "dog")),
    "fashion-mnist": ("fashion-mnist", None),
    "mnist": ("mnist", None),
    "digits": ("digits", None),
}
"""The data of each set, and its classes if not all are taken."""

CIFAR_TRAINING = 40_000
"""Of the 50,000 training pictures of CIFAR-10 the others are the test pictures; of the real ones few are at hand."""

TEST_SHARE = 0.2
"""The share of test pictures where the data has no test split, and no number is given."""


@dataclass(frozen=True)
class Photo:
    """A picture file: its class, whether it is in the data's own test split (None: it has no such split), its bytes."""

    kind: str
    in_test: bool | None
    suffix: str
    data: Callable[[], bytes]


@lru_cache
def photos(name: str) -> tuple[Photo, ...]:
    """All pictures of a set, in the order of the data."""
    source, kinds = SOURCES[name]
    found = _zipped(source) if source.endswith(".zip") else _arrays(source)
    return tuple(photo for photo in found if kinds is None or photo.kind in kinds)


def _zipped(source: str) -> list[Photo]:
    archive = zipfile.ZipFile(Path(os.environ["TELLAPART_DATA"], source))
    names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
    splits = any("test_set" in PurePosixPath(name).parts for name in names)
    return [
        Photo(
            PurePosixPath(name).parent.name,
            "test_set" in PurePosixPath(name).parts if splits else None,
            ".jpg",
            lambda name=name: archive.read(name),
        )
        for name in names
    ]


def _arrays(source: str) -> list[Photo]:
    collection = tellapart.open(source)
    if source == "cifar10":
        chosen = collection.indices("train")
        in_test = [bool(position >= CIFAR_TRAINING) for position in range(len(chosen))]
    else:
        chosen = collection.indices(None)
        given = set(collection.indices("test").tolist())
        in_test = [i in given if given else None for i in chosen.tolist()]

    def encoded(i: int) -> bytes:
        buffer, pixels = io.BytesIO(), collection.read(i)
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
        return buffer.getvalue()

    return [
        Photo(collection.class_names[collection.labels[i]], tested, ".png", lambda i=i: encoded(i))
        for i, tested in zip(chosen.tolist(), in_test, strict=True)
    ]


def draw(name: str, seed: int, training: int | None, tested: int | None) -> dict[str, list[Photo]]:
    """Training and test pictures of a set by seed, the same number for each class; None: all that there are.

    Test pictures come from the data's own test split, if it has one.
    """
    rng = np.random.default_rng((seed, 23))
    everything = photos(name)
    kinds = sorted({photo.kind for photo in everything})
    drawn: dict[str, list[Photo]] = {"train": [], "test": []}
    for kind in kinds:
        own = [photo for photo in everything if photo.kind == kind]
        own = [own[i] for i in rng.permutation(len(own))]
        if own[0].in_test is None:
            count = round(TEST_SHARE * len(own)) if tested is None else tested // len(kinds)
            test, train = own[:count], own[count:]
        else:
            count = len(own) if tested is None else tested // len(kinds)
            test = [photo for photo in own if photo.in_test][:count]
            train = [photo for photo in own if not photo.in_test]
        drawn["test"] += test
        drawn["train"] += train if training is None else train[: training // len(kinds)]
    return drawn


def write(drawn: dict[str, list[Photo]], folder: Path) -> Path:
    """Write pictures as `folder/<split>/<class>/<number>`; returns the folder."""
    for split, chosen in drawn.items():
        for number, photo in enumerate(chosen):
            path = folder / split / photo.kind.replace("/", "-") / f"{number:05d}{photo.suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(photo.data())
    return folder


def textures(count: int, side: int, seed: int) -> np.ndarray:
    """Generated textures uint8 [count, side, side, 3]: stripes, checks, waves, noise and gradients in two colours."""
    rng = np.random.default_rng((seed, 41))
    rows, columns = np.mgrid[0:side, 0:side] / side
    pictures = np.empty((count, side, side, 3), np.uint8)
    for i in range(count):
        angle, waves = rng.uniform(0, np.pi), rng.uniform(2, 24)
        along = np.cos(angle) * rows + np.sin(angle) * columns
        across = np.cos(angle) * columns - np.sin(angle) * rows
        noise = rng.normal(size=(cells := int(rng.integers(4, side // 4)), cells))
        enlarged = Image.fromarray(noise.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC)
        values = (
            np.sign(np.sin(2 * np.pi * waves * along)),
            np.sign(np.sin(2 * np.pi * waves * along) * np.sin(2 * np.pi * waves * across)),
            np.sin(2 * np.pi * waves * along) * np.sin(2 * np.pi * waves * across),
            np.asarray(enlarged, np.float64),
            along * 2 - 1,
        )[i % 5]
        share = np.clip(values / 2 + 0.5, 0, 1)[..., np.newaxis]
        first, second = rng.uniform(0, 255, (2, 3))
        pictures[i] = (first * share + second * (1 - share)).round()
    return pictures
