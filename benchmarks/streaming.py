"""Training data larger than memory: peak memory of reading 100,000 generated photos, and of two epochs.

    python benchmarks/streaming.py [--photos 100000]

Writes JPEGs of 160 x 160 into a temporary folder (0.6 GB) and preprocesses them to 128 x 128 (4.9 GB). It then searches
for duplicates, makes the splits, and takes two epochs of shuffled batches as training does, with Keras imported but
without a network, which would need more memory. Linux only, because it reads the peak memory of a process; decoding
processes are counted separately.
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

from _results import arguments, record, redraw
from _tables import as_section, measured_on, table

CLASSES = 10


def write(chunk: tuple[str, int, int]) -> None:
    """Write photos `first` to `last`: coarse noise, smoothed, in the colour of the class."""
    folder, first, last = chunk
    for i in range(first, last):
        rng = np.random.default_rng(i)
        home = Path(folder, f"class{i % CLASSES}")
        home.mkdir(exist_ok=True)
        small = rng.integers(0, 200, (8, 8, 3), np.uint8) + np.uint8(5 * (i % CLASSES))
        Image.fromarray(small).resize((160, 160), Image.Resampling.BICUBIC).save(home / f"{i:06d}.jpg", quality=80)


def stream(folder: str) -> dict[str, Any]:
    """Read, split and feed the photos in this process. Returns seconds and peak memory."""
    import tellapart
    from tellapart.data.feeding import prepare_collection
    from tellapart.data.split_table import make_splits
    from tellapart.images.preprocessing import Preparation

    began = time.monotonic()
    collection = tellapart.open(folder)
    whole = prepare_collection(collection, Preparation(height=128, width=128, colour="rgb"))
    read = time.monotonic() - began
    split_table = make_splits(collection, same=whole.duplicates.groups)
    train = whole.data.select(split_table.indices("train"))
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


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md."""
    rows = [
        [f"{line['photos']:,}", f"{line['bytes'] / 2**30:.1f}", f"{line['peak_mib'] / 1024:.2f}",
         f"{line['decoding_peak_mib'] / 1024:.2f}", f"{line['seconds']:.0f}", f"{line['epoch_seconds']:.0f}"]
        for line in measurements
    ]  # fmt: skip
    head = [
        "photos",
        "preprocessed, GiB",
        "peak memory, GiB",
        "of a decoding process, GiB",
        "reading, s",
        "a later epoch, s",
    ]
    about = f"`python benchmarks/streaming.py`. {measured_on(measurements)}"
    return as_section("More photos than memory", about, table(head, rows))


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
    redraw()


if __name__ == "__main__":
    main()
