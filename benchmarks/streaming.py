"""Training on more than memory should hold: the peak memory of one epoch over 100,000 generated photos.

    python benchmarks/streaming.py [--photos 100000]

Writes JPEGs of 160 x 160 into a temporary folder (0.6 GB) and trains a small network on them at 128 x 128 for an epoch;
prepared they are 4.9 GB. Linux only, where a process's peak is known; the processes that decode are counted beside it.
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


def train(folder: str, runs: str) -> dict[str, Any]:
    """Train in this process; its seconds and peaks."""
    import tellapart
    from tellapart.progress import Note

    began = time.monotonic()
    run = tellapart.train(
        folder,
        recipe="lenet",
        epochs=1,
        runs=runs,
        set={"height": 128, "width": 128, "colour": "rgb"},
        test=0.02,
        validation=0.02,
        on_event=lambda event: print(event, file=sys.stderr, flush=True) if isinstance(event, Note) else None,
    )
    kib = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": time.monotonic() - began,
        "peak_mib": kib[0] / 1024,
        "decoding_peak_mib": kib[1] / 1024,
        "accuracy": run.evaluations["test"].accuracy,
    }


def section(found: list[dict[str, Any]]) -> str:
    """The table of this benchmark."""
    rows = [
        [f"{line['photos']:,}", f"{line['bytes'] / 2**30:.1f}", f"{line['peak_mib'] / 1024:.2f}",
         f"{line['decoding_peak_mib'] / 1024:.2f}", f"{line['seconds']:.0f}"]
        for line in found
    ]  # fmt: skip
    head = ["photos", "prepared, GiB", "peak memory, GiB", "of a decoding process, GiB", "s in all, one epoch"]
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
        code = f"import streaming, json; print(json.dumps(streaming.train({str(folder)!r}, {temporary!r} + '/runs')))"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True, check=True,
            env=os.environ | {"TELLAPART_CACHE": str(Path(temporary, "cache"))},
        )  # fmt: skip
        figures = json.loads(done.stdout.strip().splitlines()[-1])
    figures |= {"photos": options.photos, "bytes": options.photos * 128 * 128 * 3}
    record("streaming", {"seed": 0} | figures)
    print(json.dumps(figures))
    draw()


if __name__ == "__main__":
    main()
