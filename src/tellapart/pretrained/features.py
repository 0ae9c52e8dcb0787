"""What a backbone makes of the pictures of a collection: computed once, and kept in the cache.

The features of a collection are kept in pieces of up to PIECE pictures, a file each, so that an interrupted pass loses
little. A piece is found by the names, sizes and times of the picture files, the preprocessing and the backbone.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.datasets import cache_folder
from tellapart.data.feeding import Prepared, entry_of
from tellapart.files import replacing
from tellapart.images.preprocessing import Preparation
from tellapart.pretrained.compiled import Compiled
from tellapart.progress import Listener, Progress, silent

PIECE = 1024
"""Pictures in a file of the cache."""

AT_A_TIME = 128
"""Pictures between two reports of progress."""

MOST_BYTES = 4 * 2**30
"""The most bytes of all features in the cache; those of the least recently used collections are removed first."""


def features_of(
    collection: Collection,
    data: Prepared,
    preprocessing: Preparation,
    backbone: Compiled,
    on_event: Listener = silent,
) -> np.ndarray:
    """Return the features of prepared pictures of a collection, float32 [len(data), features]."""
    entry = entry_of(collection, preprocessing)
    folder = cache_folder() / "features" / f"{entry.path.stem}-{backbone.digest[:16]}" if entry else None
    features: np.ndarray | None = None
    for start in range(0, len(collection), PIECE):
        rows = np.flatnonzero((data.indices >= start) & (data.indices < start + PIECE))
        if not len(rows):
            continue
        within = data.indices[rows] - start
        piece = _read(folder, start) if folder else None
        if piece is None or not np.isfinite(piece[within]).all():
            computed = _computed(data, rows, backbone, on_event)
            piece = np.full((PIECE, computed.shape[1]), np.nan, np.float32) if piece is None else piece
            piece[within] = computed
            if folder:
                _write(folder, start, piece)
        features = np.empty((len(data), piece.shape[1]), np.float32) if features is None else features
        features[rows] = piece[within]
        on_event(Progress(_task(backbone), int(rows[-1]) + 1, len(data)))
    assert features is not None, "prepared pictures are never none"
    return features


def _task(backbone: Compiled) -> str:
    return f"features of {backbone.name}"


def _computed(data: Prepared, rows: np.ndarray, backbone: Compiled, on_event: Listener) -> np.ndarray:
    """The features of some rows, float32 [len(rows), features]."""
    batches = []
    for first in range(0, len(rows), AT_A_TIME):
        some = rows[first : first + AT_A_TIME]
        batches.append(backbone.features(data.pixels[some]))
        on_event(Progress(_task(backbone), int(some[-1]) + 1, len(data)))
    return np.concatenate(batches)


def _read(folder: Path, start: int) -> np.ndarray | None:
    """A piece float32 [PIECE, features], NaN where it has no features; None if there is none, or it is damaged."""
    path = folder / f"{start}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:  # which compares a checksum
            piece = np.array(archive["features"])
        os.utime(folder)  # recently used
    except Exception:  # zipfile and NumPy raise many types: it is computed again
        return None
    return piece if piece.dtype == np.float32 and piece.ndim == 2 and len(piece) == PIECE else None


def _write(folder: Path, start: int, piece: np.ndarray) -> None:
    """Keep a piece. If there is no room for it, it is computed again next time."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        _make_room(folder, piece.nbytes)
        with replacing(folder / f"{start}.npz") as new, new.open("wb") as file:
            np.savez(file, features=piece)


def _make_room(folder: Path, wanted: int) -> None:
    """Remove the features of the least recently used collections, but not of this one, beyond MOST_BYTES."""
    sizes = {
        path: sum(file.stat().st_size for file in path.iterdir()) for path in folder.parent.iterdir() if path.is_dir()
    }
    for path in sorted(sizes, key=lambda path: path.stat().st_mtime):
        if sum(sizes.values()) + wanted <= MOST_BYTES:
            return
        if path != folder:
            shutil.rmtree(path, ignore_errors=True)
            sizes[path] = 0
