"""Reading 10,000 JPEG files at 64 x 64, first epoch and later: stock `image_dataset_from_directory` and tellapart.

    python benchmarks/reading.py [--seeds 0 1 2]

Needs `cats-dogs.zip` in `$TELLAPART_DATA` (10,000 photos of 200 x 200, unpacked to a temporary folder). For
comparison, two processes that only decode and resize with Pillow: what a first epoch could take.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import tellapart
from _results import HERE, arguments, record, redraw, timed
from _tables import as_section, mean_and_range, measured_on, table
from tellapart.data.feeding import Prepared, prepare_collection
from tellapart.images.preprocessing import Preparation


def stock(folder: Path, seed: int, cached: bool) -> list[float]:
    """Seconds of opening and reading once, and of each of two more epochs, in stock Keras."""
    from tellapart.networks.backend import keras

    began = time.monotonic()
    data = keras.utils.image_dataset_from_directory(
        folder, image_size=(64, 64), batch_size=32, seed=seed, verbose=False
    )
    if cached:
        data = data.cache()
    data = data.prefetch(2)
    return _epochs(lambda: sum(len(labels) for _, labels in data), began)


def ours(folder: Path, seed: int) -> list[float]:
    """The same for tellapart: opening, preprocessing, and batches as in training. Keras is imported in between."""
    began = time.monotonic()
    collection = tellapart.open(folder)
    preprocessing = Preparation(height=64, width=64, colour="rgb")
    prepared: list[Prepared] = []

    def epoch() -> int:
        if not prepared:
            prepared.append(prepare_collection(collection, preprocessing).data)
            return len(prepared[0])
        from tellapart.training.batches import Batches

        batches = Batches(prepared[0], 1, 32, seed)
        return sum(len(batches[i][0]) for i in range(len(batches)))

    return _epochs(epoch, began)


def alone(folder: Path, seed: int) -> list[float]:
    """`ours` in a new process, as at the command line: this process has already imported TensorFlow."""
    code = f"import json, pathlib, reading; print(json.dumps(reading.ours(pathlib.Path({str(folder)!r}), {seed})))"
    _, output = timed([sys.executable, "-c", code], PYTHONPATH=os.pathsep.join([str(HERE), *sys.path]))
    return json.loads(output)


def bare(folder: Path) -> list[float]:
    """Seconds of one pass by two processes with Pillow."""
    files = sorted(folder.rglob("*.jpg"))
    began = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(_decoded, files[:2])  # the processes have started
        began = time.monotonic()
        assert sum(pool.map(_decoded, files, chunksize=64)) == 10_000
        return [time.monotonic() - began] * 3


def _decoded(file: Path) -> bool:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)).shape == (64, 64, 3)


def _epochs(work: Any, began: float) -> list[float]:
    seconds = []
    for _ in range(3):
        assert work() == 10_000
        seconds.append(time.monotonic() - began)
        began = time.monotonic()
    return seconds


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md."""
    rows = []
    base = [line["seconds"]["image_dataset_from_directory"] for line in measurements]
    for name in measurements[-1]["seconds"]:
        mine = [line["seconds"][name] for line in measurements]
        first = np.mean([b[0] / m[0] for b, m in zip(base, mine, strict=True)])
        later = np.mean([b[-1] / m[-1] for b, m in zip(base, mine, strict=True)])
        opening, epoch = mean_and_range((m[0] for m in mine), ".2f"), mean_and_range((m[-1] for m in mine), ".3f")
        rows.append([name, opening, epoch, f"{first:.1f}, {later:.1f}"])
    head = ["", "opening and first epoch, s", "a later epoch, s", "times as fast"]
    about = f"`python benchmarks/reading.py`. {measured_on(measurements)}"
    return as_section("Reading 10,000 JPEG files", about, table(head, rows))


def main() -> None:
    options = arguments(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        with zipfile.ZipFile(Path(os.environ["TELLAPART_DATA"], "cats-dogs.zip")) as archive:
            archive.extractall(home / "all")
        for kind in ("cats", "dogs"):  # one folder per class, without splits
            (home / "photos" / kind).mkdir(parents=True)
            for file in (home / "all").rglob(f"{kind}/*.jpg"):
                file.rename(home / "photos" / kind / f"{file.parent.parent.name}-{file.name}")
        stock(home / "photos", 0, cached=False)  # warms the disk's cache for all
        for seed in options.seeds:
            os.environ["TELLAPART_CACHE"] = str(home / f"cache-{seed}")
            seconds = {
                "image_dataset_from_directory": stock(home / "photos", seed, cached=False),
                "image_dataset_from_directory, cache()": stock(home / "photos", seed, cached=True),
                "tellapart": alone(home / "photos", seed),
                "tellapart, another training": alone(home / "photos", seed),
                "bare Pillow, two processes": bare(home / "photos"),
            }
            record("reading", {"seed": seed, "seconds": seconds})
            print(json.dumps(seconds), flush=True)
    redraw()


if __name__ == "__main__":
    main()
