"""Whether a picture is like anything that a classifier was taught: a score measured against its training pictures."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np

from tellapart.errors import ModelFileError
from tellapart.images.grid import grid_means

PICTURES, HELD_OUT = 2000, 1000
"""At most so many training pictures are described, and so many others scored to know what is ordinary."""

OOD_SHARE = 0.99
"""A picture is called unfamiliar where it scores higher than this share of ordinary, held-out pictures."""

ENOUGH = 100
"""Fewer held-out pictures cannot tell that share."""

WIDEST = 512
"""Features beyond this number are projected to it at random, which keeps distances (Johnson and Lindenstrauss 1984)."""

FOLDED = 2048
"""Features beyond this number, as of a flattened convolution, are first added up in so many sums, each with a sign of
its own (feature hashing, Weinberger and others 2009): the projection's matrix would be larger than most networks.
"""

RIDGE = 0.01
ALONE = 2**17
"""Matrix products of at most so many multiplications are not spread over threads."""
_ARRAYS = {f"{way}_{name}" for way in ("features", "pixels") for name in ("turn", "means", "scale")} | {"ordinary"}


class OodDetector:
    """How far a picture is from the nearest class, in two ways at once, as a share of ordinary pictures.

    The ways are what the last layer sees, and the picture shrunken to 8 x 8; in both, the distance is Mahalanobis's to
    the nearest class mean, with one covariance for all classes (Lee and others 2018). Their logarithms, each brought
    to mean 0 and deviation 1 on held-out pictures, are added: features alone miss what differs plainly in light and
    shape, pixels alone what differs in kind.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = arrays

    @classmethod
    def fit(
        cls,
        pixels: np.ndarray,
        features: np.ndarray,
        labels: np.ndarray,
        held_pixels: np.ndarray,
        held_features: np.ndarray,
    ) -> OodDetector:
        """From prepared training pictures uint8 [n, height, width, channels], what the last layer saw of them float
        [n, features] and their labels int [n]; and the same of held-out ones.
        """
        arrays: dict[str, np.ndarray] = {}
        for way, seen, held in (
            ("features", _flat(features, FOLDED), _flat(held_features, FOLDED)),
            ("pixels", grid_means(pixels), grid_means(held_pixels)),
        ):
            arrays |= {f"{way}_{name}": array for name, array in _describe(seen, labels).items()}
            logarithms = _log_distance(held, arrays, way)
            arrays[f"{way}_scale"] = np.array([logarithms.mean(), logarithms.std() + 1e-6], np.float32)
        made = cls(arrays)
        scores = made.scores(held_pixels, held_features)
        arrays["ordinary"] = np.sort(scores).astype(np.float32)
        return made

    def __len__(self) -> int:
        """The held-out pictures that others are compared with."""
        return len(self.arrays["ordinary"])

    @property
    def decides(self) -> bool:
        """Whether these are enough to call any picture unfamiliar."""
        return len(self) >= ENOUGH

    def scores(self, pixels: np.ndarray, features: np.ndarray) -> np.ndarray:
        """How unusual each picture is, float [n]: about 0 for ordinary ones, higher for stranger ones."""
        total: Any = 0.0
        kept = len(self.arrays["features_turn"])
        for way, seen in (("features", _flat(features, kept)), ("pixels", grid_means(pixels))):
            middle, spread = self.arrays[f"{way}_scale"]
            total = total + (_log_distance(seen, self.arrays, way) - middle) / spread
        result: np.ndarray = total
        return result

    def __call__(self, pixels: np.ndarray, features: np.ndarray) -> np.ndarray:
        """The share of ordinary pictures that are less unusual, float [n] in 0..1, as if there were one more of them:
        with fewer than 100 held out, no picture can be called stranger than 99 % of all.
        """
        ordinary = self.arrays["ordinary"]
        return np.searchsorted(ordinary, self.scores(pixels, features)) / (len(ordinary) + 1)

    def to_bytes(self) -> bytes:
        """As a member of a model file."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = self.arrays  # savez has keywords of other types too
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, source: str = "the model") -> OodDetector:
        """Back from `to_bytes`, out of a file called `source`.

        Raises ModelFileError for anything else; nothing is unpacked that could be large.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                infos = archive.infolist()
            plain = all(info.compress_type == zipfile.ZIP_STORED for info in infos)
            plain &= sorted(info.filename for info in infos) == sorted(f"{name}.npy" for name in _ARRAYS)
            if plain and sum(info.file_size for info in infos) <= len(data):  # or one would be read for several
                with np.load(io.BytesIO(data), allow_pickle=False) as content:
                    arrays = {name: content[name] for name in content.files}
                if _is_sound(arrays):
                    return cls(arrays)
        except Exception as error:  # zipfile's and NumPy's many, for a damaged archive
            raise _damaged(source) from error
        raise _damaged(source)


def _damaged(source: str) -> ModelFileError:
    return ModelFileError(
        f"{source}: is damaged (ood.npz is not what it should be)",
        "the file as it was written",
        "copy it again from where it came, or train anew",
    )


def _is_sound(arrays: dict[str, np.ndarray]) -> bool:
    """Whether arrays of a file are those of a Novelty: names, types, and shapes that fit each other."""
    if set(arrays) != _ARRAYS or any(array.dtype != np.float32 for array in arrays.values()):
        return False
    for way in ("features", "pixels"):
        turn, means, scale = (arrays[f"{way}_{name}"] for name in ("turn", "means", "scale"))
        if (
            turn.ndim != 2
            or means.ndim != 2
            or turn.shape[1] != means.shape[1]
            or not turn.size
            or scale.shape != (2,)
            or not means.size
        ):
            return False
    return arrays["ordinary"].ndim == 1 and len(arrays["ordinary"]) > 0


def _describe(seen: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """`turn` [values, directions], which makes the covariance within classes the identity, and `means` after it."""
    generator = np.random.default_rng(0)
    size = seen.shape[1]
    project = generator.normal(size=(size, WIDEST)) / np.sqrt(WIDEST) if size > WIDEST else None
    inner = seen.astype(np.float64) @ project if project is not None else seen.astype(np.float64)
    classes, own = np.unique(labels, return_inverse=True)
    means = np.stack([inner[own == c].mean(axis=0) for c in range(len(classes))])
    rest = inner - means[own]
    covariance = rest.T @ rest / len(rest)
    covariance += (RIDGE * np.trace(covariance) / len(covariance) + 1e-8) * np.eye(len(covariance))
    turn = np.linalg.cholesky(np.linalg.inv(covariance))
    whole = project @ turn if project is not None else turn
    return {"turn": whole.astype(np.float32), "means": (means @ turn).astype(np.float32)}


def _log_distance(seen: np.ndarray, arrays: dict[str, np.ndarray], way: str) -> np.ndarray:
    """Logarithm of the squared distance to the nearest class mean, float [n]."""
    turned, means = _product(seen, arrays[f"{way}_turn"]), arrays[f"{way}_means"]
    squares = np.square(turned).sum(axis=1)[:, None] - 2 * _product(turned, means.T) + np.square(means).sum(axis=1)
    result: np.ndarray = np.log(np.maximum(squares.min(axis=1), 1e-6))
    return result


def _product(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The matrix product, on this thread alone.

    NumPy's threads and those of ONNX Runtime, which still spin after its last answer, would take the cores from each
    other: a batch of small pictures then takes twice the time.
    """
    step = max(1, ALONE // matrix.size)
    if len(rows) <= step:
        result: np.ndarray = rows @ matrix
        return result
    return np.concatenate([rows[i : i + step] @ matrix for i in range(0, len(rows), step)])


def _flat(features: np.ndarray, most: int) -> np.ndarray:
    """A row of at most so many numbers for each picture, float [n, features]; see FOLDED."""
    rows = features.reshape(len(features), -1)
    size = rows.shape[1]
    if size <= most:
        return rows
    folds = -(-size // most)
    wide = np.zeros((len(rows), folds * most), np.float32)
    wide[:, :size] = rows * _signs(size)
    result: np.ndarray = wide.reshape(len(rows), folds, most).sum(axis=1)
    return result


def _signs(size: int) -> np.ndarray:
    """1 or -1 for each of so many places, float32, by a hash of the place; the same on every machine and for ever."""
    mixed = np.arange(size, dtype=np.uint64)
    for _ in range(2):
        mixed = (mixed ^ mixed >> np.uint64(16)) * np.uint64(0x45D9F3B) & np.uint64(0xFFFFFFFF)
    return np.where((mixed ^ mixed >> np.uint64(16)) & np.uint64(1), np.float32(1), np.float32(-1))
