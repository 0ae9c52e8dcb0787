"""Feeding more than memory should hold: the peak memory of reading 100,000 generated photos, and of two epochs.

    python benchmarks/streaming.py [--photos 100000]

Writes JPEGs of 160 x 160 into a temporary folder (0.6 GB) and prepares them at 128 x 128, 4.9 GB; finds duplicates
among them, splits, and takes two epochs of shuffled batches as training does, with Keras loaded and without a network,
whose own needs come on top. Linux only, where a process's peak is known; those that decode are counted beside it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from results import arguments, draw, record, table, where

CLASSES = 10


def write(chunk: tuple[str, int, int]) -> None:
    """Photos number `first` to `last`: coarse noise, smoothed, in a colour of its class."""
    folder, first, last = chunk
    for i in range(first, last):
        rng = np.random.default_rng(i)
        home = Path(folder, f"class{i % CLASSES}")
        home.mkdir(exist_ok=True)
        small = rng.integers(0, 200, (8, 8, 3), np.uint8) + np.uint8(5 * (i % CLASSES))
        Image.fromarray(small).resize((160, 160), Image.Resampling.BICUBIC).save(home / f"{i:06d}.jpg", quality=80)


def stream(folder: str) -> dict[str, Any]:
    """Read, split and feed in this process; its seconds and peaks."""
    import tellapart
    from tellapart.data.feeding import prepare_collection
    from tellapart.data.split_table import make_splits
    from tellapart.images.preprocessing import Preparation

    began = time.monotonic()
    collection = tellapart.open(folder)
    whole = prepare_collection(collection, Preparation(height=128, width=128, colour="rgb"))
    read = time.monotonic() - began
    split_table = make_splits(collection, same=whole.duplicates.groups)
    train = whole.data.split(split_table.indices("train"))
    del whole
    from tellapart.training.batches import Batches

    batches, began = Batches(train, CLASSES, 128, seed=0), time.monotonic()
    for _ in range(2):
        assert sum(len(batches[i][0]) for i in range(len(batches))) == len(train)
        batches.on_epoch_end()
    epoch = (time.monotonic() - began) / 2
    kib = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": read,
        "epoch_seconds": epoch,
        "peak_mib": kib[0] / 1024,
        "decoding_peak_mib": kib[1] / 1024,
    }


def section(found: list[dict[str, Any]]) -> str:
    """The table of this benchmark."""
    rows = [
        [f"{line['photos']:,}", f"{line['bytes'] / 2**30:.1f}", f"{line['peak_mib'] / 1024:.2f}",
         f"{line['decoding_peak_mib'] / 1024:.2f}", f"{line['seconds']:.0f}", f"{line['epoch_seconds']:.0f}"]
        for line in found
    ]  # fmt: skip
    head = [
        "photos",
        "prepared, GiB",
        "peak memory, GiB",
        "of a decoding process, GiB",
        "reading, s",
        "a later epoch, s",
    ]
    return "\n".join(
        [
            "## More photos than memory",
            "",
            f"`python benchmarks/streaming.py`. {where(found)}",
            "",
            table(head, rows),
            "",
        ]
    )


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--photos", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder, step = Path(temporary, "photos"), 1000
        folder.mkdir()
        with multiprocessing.get_context("fork").Pool() as pool:
            chunks = [(str(folder), i, min(i + step, options.photos)) for i in range(0, options.photos, step)]
            pool.map(write, chunks, chunksize=1)
        code = f"import streaming, json; print(json.dumps(streaming.stream({str(folder)!r})))"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True, check=True,
            env=os.environ | {"TELLAPART_CACHE": str(Path(temporary, "cache"))},
        )  # fmt: skip
        metrics = json.loads(done.stdout.strip().splitlines()[-1])
    metrics |= {"photos": options.photos, "bytes": options.photos * 128 * 128 * 3}
    record("streaming", {"seed": 0} | metrics)
    print(json.dumps(metrics))
    draw()


if __name__ == "__main__":
    main()
