"""Measure the scorecard of docs/reliability.md: kills, faults, damage, hostile files.

    python benchmarks/reliability.py                 # everything, about an hour
    python benchmarks/reliability.py killed --kills 200
    python benchmarks/reliability.py calls writes    # only these lines

Faults are made by public means: SIGKILL, `strace` (which can end a process at its N-th system call, or let that fail),
a small file system (`mount -t tmpfs`, as root), limits on memory (`prlimit`), flipped bits. If a means is
missing, the line records which. The data is 6,000 digits of MNIST, from `tellapart.open("mnist")`.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
from collections.abc import Callable
from typing import Any

from _results import record, redraw
from broken import cost, disk, killed, locks, long, memory, signals, wild
from faults import calls, damage, hostile, writes

LINES: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    measure.__name__: measure
    for measure in (calls, writes, disk, damage, signals, locks, wild, memory, hostile, cost, long, killed)
}


def main() -> None:
    """Measure the requested lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*", choices=[[], *LINES], default=list(LINES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--trainings", type=int, default=40)
    parser.add_argument("--least", type=float, default=3.0, help="least seconds from a start to a kill")
    parser.add_argument("--most", type=float, default=11.0, help="most seconds from a start to a kill")
    parser.add_argument("--epochs", type=int, default=62, help="epochs of the long training")
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--stops", type=int, default=12)
    parser.add_argument("--memory", type=int, default=3 * 2**30, help="bytes of memory for the line memory")
    options = parser.parse_args()
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell makes its background jobs ignore it
    for name in options.lines:
        metrics = LINES[name](options)
        print(name, json.dumps(metrics), flush=True)
        record("reliability", {"line": name} | metrics)
    redraw()


if __name__ == "__main__":
    main()
