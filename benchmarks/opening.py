"""Measure how long it takes to open large folders and archives of class folders: names only, the files are empty.

    python benchmarks/opening.py [--files 100000] [--layouts flat,splits,deep,zip,tar]

For each layout: the seconds of `tellapart.open`, of a second call, of naming what was passed over, and the peak memory.
"""

from __future__ import annotations

import argparse
import io
import resource
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import tellapart
from tellapart.data.passed_over import passed_over

CLASSES = 100


def names(files: int, layout: str) -> Iterator[str]:
    """The names of the files of a layout."""
    for i in range(files):
        label, number = f"class_{i % CLASSES:03d}", i // CLASSES
        if layout == "splits":
            yield f"set/{('train', 'train', 'val', 'test')[number % 4]}_images/{label}/{number:06d}.jpg"
        elif layout == "deep":
            yield f"{label}/session_{number % 50:02d}_{label}/{number:06d}.jpg"
        else:
            yield f"{label}/{number:06d}.jpg"


def folder(root: Path, files: int, layout: str) -> Path:
    """Write empty files."""
    for name in names(files, layout):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def archive(root: Path, files: int, layout: str) -> Path:
    """Write a zip or a tar of empty files."""
    path = root / f"data.{layout}"
    if layout == "zip":
        with zipfile.ZipFile(path, "w") as opened:
            for name in names(files, layout):
                opened.writestr(name, b"")
    else:
        with tarfile.open(path, "w") as opened:
            for name in names(files, layout):
                opened.addfile(tarfile.TarInfo(name), io.BytesIO())
    return path


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Print a line for each layout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--layouts", default="flat,splits,deep,zip,tar")
    options = parser.parse_args()
    for layout in options.layouts.split(","):
        with tempfile.TemporaryDirectory() as home:
            make = archive if layout in ("zip", "tar") else folder
            source = make(Path(home) / "data" if make is folder else Path(home), options.files, layout)
            first = seconds(lambda source=source: tellapart.open(source))
            again = seconds(lambda source=source: tellapart.open(source))
            collection = tellapart.open(source)
            passed = seconds(lambda collection=collection: passed_over(collection))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(
                f"{layout}: {len(collection):,} files, open {first:.2f} s, again {again:.2f} s, passed over "
                f"{passed:.2f} s, peak {peak:,} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
