"""What a backbone makes of the pictures of a collection: computed once, and kept in the cache.

The features of a collection are kept in pieces of up to PIECE pictures, a file each, so that an interrupted pass loses
little. A piece is found by the names, sizes and times of the picture files, the preprocessing and the backbone.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.datasets import cache_folder
from tellapart.data.feeding import Prepared, entry_of
from tellapart.files import replacing
from tellapart.images.grid import grid_means
from tellapart.images.preprocessing import Preparation
from tellapart.pretrained.compiled import Compiled
from tellapart.progress import Listener, Progress, silent

PIECE = 1024
"""Pictures in a file of the cache."""

AT_A_TIME = 128
"""Pictures between two reports of progress."""

MOST_BYTES = 4 * 2**30
"""The most bytes of all features in the cache; those of the least recently used collections are removed first."""


def featured(
    collection: Collection,
    data: Prepared,
    preprocessing: Preparation,
    backbone: Compiled,
    on_event: Listener = silent,
) -> Prepared:
    """Return prepared pictures of a collection with their features and their `grid_means`."""
    entry = entry_of(collection, preprocessing)
    folder = cache_folder() / "features" / f"{entry.path.stem}-{backbone.digest[:16]}" if entry else None
    known: list[np.ndarray] = []
    for start in range(0, len(collection), PIECE):
        rows = np.flatnonzero((data.indices >= start) & (data.indices < start + PIECE))
        if not len(rows):
            continue
        within = data.indices[rows] - start
        piece = _read(folder, start) if folder else None
        if piece is None or not all(np.isfinite(values[within]).all() for values in piece):
            piece = _completed(piece, within, _computed(data, rows, backbone, on_event))
            if folder:
                _write(folder, start, piece)
        known = known or [np.empty((len(data), values.shape[1]), np.float32) for values in piece]
        for values, some in zip(known, piece, strict=True):
            values[rows] = some[within]
        on_event(Progress(_task(backbone), int(rows[-1]) + 1, len(data)))
    features, grid = known
    return replace(data, features=features, grid=grid)


Piece = tuple[np.ndarray, np.ndarray]
"""The features and the `grid_means` of some pictures, float32 [n, values] each; NaN where they are not known."""


def _task(backbone: Compiled) -> str:
    return f"features of {backbone.name}"


def _completed(piece: Piece | None, within: np.ndarray, computed: Piece) -> Piece:
    """A piece with what was computed for the pictures at `within`."""
    features, grid = piece or (np.full((PIECE, values.shape[1]), np.nan, np.float32) for values in computed)
    features[within], grid[within] = computed
    return features, grid


def _computed(data: Prepared, rows: np.ndarray, backbone: Compiled, on_event: Listener) -> Piece:
    """The features and `grid_means` of some rows."""
    batches = []
    for first in range(0, len(rows), AT_A_TIME):
        some = rows[first : first + AT_A_TIME]
        pixels = data.pixels[some]
        batches.append((backbone.features(pixels), grid_means(pixels)))
        on_event(Progress(_task(backbone), int(some[-1]) + 1, len(data)))
    features, grid = (np.concatenate(column) for column in zip(*batches, strict=True))
    return features, grid


def _read(folder: Path, start: int) -> Piece | None:
    """A piece of PIECE pictures; None if there is none, or it is damaged."""
    path = folder / f"{start}.npz"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:  # which compares checksums
            piece = np.array(archive["features"]), np.array(archive["grid"])
        os.utime(folder)  # recently used
    except Exception:  # zipfile and NumPy raise many types: it is computed again
        return None
    sound = all(values.dtype == np.float32 and values.ndim == 2 and len(values) == PIECE for values in piece)
    return piece if sound else None


def _write(folder: Path, start: int, piece: Piece) -> None:
    """Keep a piece. If it cannot be written, it is computed again next time."""
    features, grid = piece
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        _make_room(folder, features.nbytes + grid.nbytes)
        with replacing(folder / f"{start}.npz") as new, new.open("wb") as file:
            np.savez(file, features=features, grid=grid)


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
