"""What several tests share: tiny collections, a trained run, and the way to the real data."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.data.collection import ArrayPictures, Collection
from tellapart.progress import silent

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # for tests that use ONNX Runtime without tellapart around it
for name in ("COLUMNS", "LINES"):  # of the terminal of who runs the tests, or of pytest-xdist: texts are wrapped to it
    os.environ.pop(name, None)
if os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1") != "1":  # the processes of the tests share the cores already
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def pytest_configure(config: pytest.Config) -> None:
    """Nothing that this machine remembers for its user is used or added to; what one test measures serves the next."""
    if not hasattr(config, "workerinput"):
        folder = tempfile.TemporaryDirectory(prefix="tellapart-tests-")
        os.environ["TELLAPART_CACHE"] = folder.name
        config.add_cleanup(folder.cleanup)


def stripes(count: int, size: int = 12, channels: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of three classes that a network learns in seconds: horizontal, vertical, chequered; labels in turn."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    patterns = np.stack([rows // 2 % 2, columns // 2 % 2, (rows // 2 + columns // 2) % 2])
    labels = np.arange(count) % 3
    pixels = patterns[labels] * 160 + rng.integers(0, 90, (count, size, size))
    return np.repeat(pixels[..., np.newaxis], channels, axis=3).astype(np.uint8), labels


def make_collection(
    count: int = 36, splits: bool = True, size: int = 12, channels: int = 1, seed: int = 0
) -> Collection:
    pixels, labels = stripes(count, size, channels, seed)
    names = ("across", "down", "squares")
    column = np.array(["train"] * (count * 2 // 3) + ["test"] * (count - count * 2 // 3)) if splits else None
    keys = [f"{i}" for i in range(count)]
    return Collection("stripes", "stripes", names, labels.astype(np.int64), keys, ArrayPictures(pixels), column)


def write_folder(folder: Path, count: int = 36, suffix: str = "png", seed: int = 0) -> Path:
    """The stripes as class folders without parts."""
    pixels, labels = stripes(count, seed=seed)
    for i in range(count):
        home = folder / ("across", "down", "squares")[labels[i]]
        home.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[i, :, :, 0]).save(home / f"{i:03d}.{suffix}")
    return folder


@pytest.fixture
def stripes_collection() -> Collection:
    return make_collection()


@pytest.fixture
def stripes_folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "stripes")


@pytest.fixture
def sketched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawings are made, but matplotlib does not render them: that takes a quarter of a short training.

    For tests of trainings that do not look at the pixels and lines of their page.
    """
    from matplotlib.figure import Figure

    def savefig(self: Figure, file: Any, format: str, **options: Any) -> None:
        if format == "svg":
            file.write("<svg></svg>")
        else:
            Image.new("L", (1, 1)).save(file, format)

    monkeypatch.setattr(Figure, "savefig", savefig)


@pytest.fixture(scope="session")
def stripes_run(tmp_path_factory: pytest.TempPathFactory):
    """A finished training on stripes, for everything that needs a model file."""
    collection = replace(make_collection(240, splits=False), name="stripes")
    return tellapart.train(collection, epochs=6, runs=tmp_path_factory.mktemp("runs"), on_event=silent)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets: $TELLAPART_DATA, or ../shared/data. Skips without it, but fails in CI."""
    home = os.environ.get("TELLAPART_DATA")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    for path in (Path(home) if home else beside, beside):
        if (path / "mnist").is_dir():
            return path
    if os.environ.get("CI"):
        pytest.fail("CI must have the real data sets in $TELLAPART_DATA or ../shared/data")
    pytest.skip("no real data sets in $TELLAPART_DATA or ../shared/data")
