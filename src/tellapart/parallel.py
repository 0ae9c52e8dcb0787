"""The same work on many things, in order, by threads where threads pay."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

FIRST = 32
"""So many are done, and timed, before anything is decided."""

WORTH = 250e-6
"""Seconds of one item's work below which threads spend more on waiting for each other than they gain: tiny pictures."""

CHUNK = 32
"""Items that a thread takes at once."""


def each(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """`work` of every item, in order. Threads do it, since what takes long - decoding - runs outside Python's lock.

    What `work` raises is raised here; items far ahead are not begun before their turn is near, so that an interrupt
    stops soon.
    """
    began = time.perf_counter()
    for item in items[:FIRST]:
        yield work(item)
    rest = items[FIRST:]
    if not rest or (time.perf_counter() - began) / FIRST < WORTH:
        for item in rest:
            yield work(item)
        return

    def several(start: int) -> list[Result]:
        return [work(item) for item in rest[start : start + CHUNK]]

    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        stride = 4 * threads * CHUNK
        for first in range(0, len(rest), stride):
            for results in pool.map(several, range(first, min(first + stride, len(rest)), CHUNK)):
                yield from results
