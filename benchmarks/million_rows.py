"""Time and memory of opening and splitting tables of 100,000 and 1,000,000 pictures: Parquet and CSV.

    python benchmarks/million_rows.py [ROWS ...]

Each table is opened in a process of its own, so that its peak of memory is measured alone. The files that the tables
list do not exist: opening does not read them.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

ROWS = (100_000, 1_000_000)
CLASSES = 1000


def write_tables(folder: Path, rows: int) -> list[Path]:
    """Write one table of paths, class names and subjects in both formats."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, rows)
    table = pl.DataFrame(
        {
            "path": [f"photos/class{label:04d}/picture-{i:08d}.jpg" for i, label in enumerate(labels.tolist())],
            "label": [f"class{label:04d}" for label in labels.tolist()],
            "price": rng.normal(size=rows),
        }
    )
    table.write_parquet(folder / "list.parquet")
    table.write_csv(folder / "list.csv")
    return [folder / "list.parquet", folder / "list.csv"]


def measure(path: Path) -> dict[str, float]:
    """Open a table and split it: seconds of both, and the peak of memory in GB, of which a bare import has some."""
    import tellapart
    from tellapart.data.split_table import make_splits

    before = time.perf_counter()
    collection = tellapart.open(path)
    opened = time.perf_counter()
    splits = make_splits(collection)
    done = time.perf_counter()
    assert splits.counts()["test"] > 0
    peak, child = (
        resource.getrusage(who).ru_maxrss / 2**20 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {"open": opened - before, "split": done - opened, "peak": peak, "child": child}


def main() -> None:
    """Print a line per table."""
    print(f"{'rows':>10} {'table':<14}{'open':>8}{'split':>8}{'peak':>9}{'reader':>9}")
    for rows in [int(word) for word in sys.argv[1:]] or ROWS:
        with tempfile.TemporaryDirectory() as folder:
            for path in write_tables(Path(folder), rows):
                command = [sys.executable, __file__, "--measure", str(path)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)  # our own code
                result = json.loads(done.stdout.splitlines()[-1])
                print(
                    f"{rows:>10,} {path.name:<14}{result['open']:>6.1f} s{result['split']:>6.1f} s"
                    f"{result['peak']:>6.2f} GB{result['child']:>6.2f} GB"
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        main()
