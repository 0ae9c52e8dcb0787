"""The same work on many things, in order: by threads where threads pay, or by processes that share memory."""

from __future__ import annotations

import contextlib
import math
import mmap
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tellapart.memory import available, processors

READER = 2**30
"""Bytes that a process which decodes pictures may come to need: those of 50 million pixels take nearly as much."""

Item = TypeVar("Item")
Result = TypeVar("Result")

FIRST = 32
"""So many are done, and timed, before anything is decided; fewer where they take as long as WORTH has it for these."""

WORTH = 250e-6
"""Seconds of one item's work below which threads spend more on waiting for each other than they gain: tiny pictures."""

CHUNK = 32
"""Items that a thread takes at once, at most."""


def each(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """`work` of every item, in order. Threads do it, since what takes long - decoding - runs outside Python's lock.

    What `work` raises is raised here; items far ahead are not begun before their turn is near, so that an interrupt
    stops soon.
    """
    spent, done = 0.0, 0
    while done < min(FIRST, len(items)) and spent <= FIRST * WORTH:
        began = time.perf_counter()
        result = work(items[done])
        spent += time.perf_counter() - began
        yield result
        done += 1
    rest = items[done:]
    if not rest or spent <= FIRST * WORTH:
        for item in rest:
            yield work(item)
        return
    threads = cores()
    chunk = max(1, min(CHUNK, len(rest) // (2 * threads)))

    def several(start: int) -> list[Result]:
        return [work(item) for item in rest[start : start + chunk]]

    with ThreadPoolExecutor(threads) as pool:
        stride = 4 * threads * chunk
        for first in range(0, len(rest), stride):
            for results in pool.map(several, range(first, min(first + stride, len(rest)), chunk)):
                yield from results


def cores() -> int:
    """Processors that this process may run on, which a batch system or a container may have made fewer."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(here, math.ceil(processors() or here)))


def shared(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array of zeros that processes forked from this one write into as well as this one."""
    kind = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    return np.frombuffer(mmap.mmap(-1, max(size, 1)), kind, size // kind.itemsize).reshape(shape)


def each_apart(work: Callable[[Item], Result], items: Sequence[Item], crashed: Result) -> Iterator[Result]:
    """`work` of every item, in order, by processes where that is safe: twice as fast as threads where much of it is
    Python's own.

    What `work` changes must lie in `shared` arrays or in files, and what it returns must be small. Where an item ends a
    process - a decoder that crashes - its result is `crashed`. Processes are forked on Linux, from the main thread and
    before Keras is loaded; elsewhere `each` does the work, and a crash is one.
    """
    if not _may_fork():
        yield from each(work, items)
        return
    free = available()
    workers = cores() if free is None else max(1, min(cores(), free // READER))
    starts = list(range(0, len(items), CHUNK))
    running = [_Worker(work, items, starts[k::workers]) for k in range(min(workers, len(starts)))]
    try:
        for number, start in enumerate(starts):
            worker = running[number % len(running)]
            results = worker.results()
            if results is None:  # it died of one of these; they are done one by one, and it goes on after them
                results = []
                for i in range(start, min(start + CHUNK, len(items))):
                    alone = _Worker(work, items, [i], 1)
                    results += alone.results() or [crashed]
                    alone.end()
                worker.end()
                running[number % len(running)] = _Worker(work, items, starts[number + len(running) :: len(running)])
            yield from results
    finally:
        for worker in running:
            worker.end()


_THREADED = ("tensorflow", "jax", "torch")
"""Libraries with threads that a forked process would lack."""


def _may_fork() -> bool:
    main = threading.current_thread() is threading.main_thread() and not multiprocessing.current_process().daemon
    return sys.platform == "linux" and main and not any(name in sys.modules for name in _THREADED)


class _Worker:
    """A forked process that does the chunks which begin at `starts`, one after the other."""

    def __init__(self, work: Callable[[Any], Any], items: Sequence[Any], starts: Sequence[int], size: int = CHUNK):
        context = multiprocessing.get_context("fork")
        self.receiving, sending = context.Pipe(duplex=False)
        ends = (self.receiving, sending)
        self.process = context.Process(target=_work, args=(work, items, starts, size, *ends), daemon=True)
        self.process.start()
        sending.close()

    def results(self) -> list[Any] | None:
        """Those of the next chunk, or None where the process has died; what `work` raised is raised here."""
        try:
            found = self.receiving.recv()
        except (EOFError, OSError):
            return None
        if isinstance(found, BaseException):
            raise found
        result: list[Any] | None = found
        return result

    def end(self) -> None:
        """Stop it, if it still runs."""
        self.receiving.close()
        self.process.kill()
        self.process.join()
        self.process.close()


def _work(
    work: Callable[[Any], Any],
    items: Sequence[Any],
    starts: Sequence[int],
    size: int,
    receiving: Connection,
    sending: Connection,
) -> None:
    receiving.close()  # or writing would wait for ever once the parent is gone
    parent = os.getppid()
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):  # whoever started this one ends it
        try:
            for start in starts:
                if os.getppid() != parent:
                    return
                sending.send([work(item) for item in items[start : start + size]])
        except Exception as error:
            sending.send(error)


def search_path() -> list[str]:
    """Where this process finds its libraries, for a child that is isolated from its environment: no relative place."""
    return [place for place in sys.path if Path(place).is_absolute() and Path(place) != Path.cwd()]
