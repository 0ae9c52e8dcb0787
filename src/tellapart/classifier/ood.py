"""Detect out-of-distribution pictures: how unlike the training pictures a picture is, as a score from 0 to 1."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np

from tellapart.errors import ModelFileError

PICTURES, HELD_OUT = 2000, 1000
"""The most training pictures that the detector is fitted to, and the most held-out ones that it is calibrated on."""

OOD_THRESHOLD = 0.99
"""A picture is flagged as out-of-distribution if it scores higher than this share of the held-out pictures."""

ENOUGH = 100
"""With fewer held-out pictures no picture is flagged."""

MOST_FEATURES = 512
"""More features than this are projected at random to this number, which nearly keeps distances (Johnson and
Lindenstrauss 1984)."""

MOST_UNFOLDED = 2048
"""More features than this, such as those of a flattened convolution, are first hashed into this number of signed sums
(Weinberger and others 2009): the matrix of a random projection would be larger than most networks.
"""

TINY = np.float32(1e-9)
"""The least length of features."""

RIDGE = 0.01
"""Share of the mean variance that is added to the diagonal of the covariance."""

MOST_ON_ONE_THREAD = 2**17
"""NumPy computes matrix products of at most this many multiplications on one thread."""

LONG = 2**27
"""A product of more multiplications takes so long that ONNX Runtime's threads have stopped spinning meanwhile."""

_ARRAYS = {f"{way}_{name}" for way in ("features", "pixels") for name in ("turn", "means", "scale")} | {
    "held_out_scores"
}
VERSION, UNIT_AND_LARGER = "version", 2.0
"""The member that says how scores are computed, and what it says. Files without it have features of any length, and
the sum of both distances."""

_HELD_OUT_SCORES_1 = "ordinary"
"""What format 1 of the model file called `held_out_scores`."""


class OodDetector:
    """Compares a picture's distance to the nearest class with the distances of held-out pictures.

    There are two distances: one in the inputs of the network's last layer (features), one in the picture shrunk to
    8 x 8 (pixels). Each is the Mahalanobis distance to the nearest class mean, with one covariance for all classes (Lee
    and others 2018); features are scaled to length 1 before (Mueller and Hein 2025, "Mahalanobis++"). The score is the
    larger one of their logarithms, standardised on the held-out pictures. Features alone miss pictures of another
    brightness or shape; pixels alone miss pictures of another kind. Their sum misses some of either: with a model of
    cats and dogs the area under the ROC curve is 1.00 for textures, and 0.90 with the sum and features of any length.
    """

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays = arrays

    @classmethod
    def fit(
        cls,
        grid: np.ndarray,
        features: np.ndarray,
        labels: np.ndarray,
        held_grid: np.ndarray,
        held_features: np.ndarray,
    ) -> OodDetector:
        """Fit to training pictures: their `grid_means` float32 [n, channels * 64], features float [n, features] (the
        inputs of the last layer) and labels int [n]. Calibrate on the same of held-out pictures.
        """
        arrays = {VERSION: np.array([UNIT_AND_LARGER], np.float32)}
        for way, seen, held in (
            ("features", _unit(_flat(features, MOST_UNFOLDED)), _unit(_flat(held_features, MOST_UNFOLDED))),
            ("pixels", grid, held_grid),
        ):
            arrays |= {f"{way}_{name}": array for name, array in _describe(seen, labels).items()}
            logarithms = _log_distance(held, arrays, way)
            arrays[f"{way}_scale"] = np.array([logarithms.mean(), logarithms.std() + 1e-6], np.float32)
        detector = cls(arrays)
        scores = detector.scores(held_grid, held_features)
        arrays["held_out_scores"] = np.sort(scores).astype(np.float32)
        return detector

    def __len__(self) -> int:
        """The number of held-out pictures."""
        return len(self.arrays["held_out_scores"])

    @property
    def decides(self) -> bool:
        """Whether there are enough held-out pictures to flag any picture."""
        return len(self) >= ENOUGH

    def scores(self, grid: np.ndarray, features: np.ndarray) -> np.ndarray:
        """Raw scores, float [n]: about 0 for in-distribution pictures, higher for others. Arguments as in `fit`."""
        rows = _flat(features, len(self.arrays["features_turn"]))
        larger = VERSION in self.arrays
        scores = []
        for way, seen in (("features", _unit(rows) if larger else rows), ("pixels", grid)):
            mean, deviation = self.arrays[f"{way}_scale"]
            scores.append((_log_distance(seen, self.arrays, way) - mean) / deviation)
        return np.asarray(np.maximum(*scores) if larger else scores[0] + scores[1])

    def __call__(self, grid: np.ndarray, features: np.ndarray) -> np.ndarray:
        """OOD scores, float [n] in 0..1: the share of held-out pictures with a lower raw score.

        One is added to the number of held-out pictures, so with fewer than 100 no score exceeds 0.99.
        """
        held_out = self.arrays["held_out_scores"]
        return np.searchsorted(held_out, self.scores(grid, features)) / (len(held_out) + 1)

    def to_bytes(self) -> bytes:
        """As a member of a model file: an uncompressed `.npz` archive."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = self.arrays  # savez has keywords of other types too
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, source: str = "the model") -> OodDetector:
        """Read what `to_bytes` wrote, also in files of format 1; `source` names the file in errors.

        Raises ModelFileError for anything else. No member is unpacked that could be larger than the file.
        """
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                infos = archive.infolist()
            plain = all(info.compress_type == zipfile.ZIP_STORED for info in infos)
            names = sorted(_current_name(info.filename.removesuffix(".npy")) for info in infos)
            plain &= (
                set(names) - {VERSION} == _ARRAYS
                and len(set(names)) == len(names)
                and all(info.filename.endswith(".npy") for info in infos)
            )
            if plain and sum(info.file_size for info in infos) <= len(
                data
            ):  # else one member could be listed several times
                with np.load(io.BytesIO(data), allow_pickle=False) as content:
                    arrays = {_current_name(name): content[name] for name in content.files}
                if _is_sound(arrays):
                    return cls(arrays)
        except Exception as error:  # zipfile and NumPy raise many types for a damaged archive
            raise _damaged(source) from error
        raise _damaged(source)


def _current_name(name: str) -> str:
    return "held_out_scores" if name == _HELD_OUT_SCORES_1 else name


def _damaged(source: str) -> ModelFileError:
    return ModelFileError(
        f"{source}: is damaged (ood.npz is not valid)",
        "the file as it was written",
        "copy it again from where it came, or train again",
    )


def _is_sound(arrays: dict[str, np.ndarray]) -> bool:
    """Whether arrays from a file have the names, types and shapes of a detector's."""
    if set(arrays) - {VERSION} != _ARRAYS or any(array.dtype != np.float32 for array in arrays.values()):
        return False
    if VERSION in arrays and (arrays[VERSION].shape != (1,) or arrays[VERSION][0] != UNIT_AND_LARGER):
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
    return arrays["held_out_scores"].ndim == 1 and len(arrays["held_out_scores"]) > 0


def _describe(seen: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """`turn` [values, directions] whitens the covariance within classes; `means` are the class means after it."""
    generator = np.random.default_rng(0)
    size = seen.shape[1]
    project = generator.normal(size=(size, MOST_FEATURES)) / np.sqrt(MOST_FEATURES) if size > MOST_FEATURES else None
    inner = seen.astype(np.float64) @ project if project is not None else seen.astype(np.float64)
    classes, class_of = np.unique(labels, return_inverse=True)
    means = np.stack([inner[class_of == c].mean(axis=0) for c in range(len(classes))])
    rest = inner - means[class_of]
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


def _unit(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1; rows of zeros stay."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, TINY))


def _product(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The matrix product, computed on this thread only unless it takes long.

    ONNX Runtime's threads keep spinning for a moment after its last answer. NumPy's threads would compete with them for
    the cores, and a batch of small pictures would take twice the time.
    """
    step = max(1, MOST_ON_ONE_THREAD // matrix.size)
    if len(rows) <= step or len(rows) * matrix.size > LONG:
        result: np.ndarray = rows @ matrix
        return result
    return np.concatenate([rows[i : i + step] @ matrix for i in range(0, len(rows), step)])


def _flat(features: np.ndarray, most: int) -> np.ndarray:
    """Features float [n, features] with at most `most` of them, hashed where there are more; see MOST_UNFOLDED."""
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
    """1 or -1 by a hash of the index, float32 [size]; the same on every machine and in every version."""
    mixed = np.arange(size, dtype=np.uint64)
    for _ in range(2):
        mixed = (mixed ^ mixed >> np.uint64(16)) * np.uint64(0x45D9F3B) & np.uint64(0xFFFFFFFF)
    return np.where((mixed ^ mixed >> np.uint64(16)) & np.uint64(1), np.float32(1), np.float32(-1))
