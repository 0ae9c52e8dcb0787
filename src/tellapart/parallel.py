"""The same work on many items, with results in order: by threads or by forked processes that share memory."""

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
"""Bytes that a process may need to decode a picture; one of 50 million pixels takes nearly as much."""

Item = TypeVar("Item")
Result = TypeVar("Result")

FIRST = 32
"""Items that are done and timed before choosing threads; fewer if these already take FIRST * WORTH seconds."""

WORTH = 250e-6
"""Seconds per item below which threads are slower than a plain loop, as for tiny pictures."""

CHUNK = 32
"""Largest number of items that a thread or process takes at once."""


def each(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield `work(item)` for each item, in order. Threads do the work if it is slow enough to gain from them.

    Threads suffice since the slow part, decoding, releases Python's lock. An exception of `work` is raised here. Only
    items near the current one are started, so that an interrupt takes effect soon.
    """
    spent, done = 0.0, 0
    while done < min(FIRST, len(items)) and spent <= FIRST * WORTH:
        started = time.perf_counter()
        result = work(items[done])
        spent += time.perf_counter() - started
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
    """Processors that this process may use; a batch system or a container may allow fewer than there are."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(usable, math.ceil(processors() or usable)))


def shared(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array of zeros that this process and processes forked from it can all write to."""
    kind = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    return np.frombuffer(mmap.mmap(-1, max(size, 1)), kind, size // kind.itemsize).reshape(shape)


def each_in_processes(work: Callable[[Item], Result], items: Sequence[Item], crashed: Result) -> Iterator[Result]:
    """Yield `work(item)` for each item, in order. Forked processes do the work where forking is safe.

    This is twice as fast as threads if much of the work is Python code. `work` must write only to `shared` arrays or to
    files, and its results must be small. If an item ends its process, as a crashing decoder does, the result is
    `crashed`. Forking is safe on Linux, in the main thread and before Keras is loaded; otherwise `each` does the work,
    and a crash ends this process.
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
            if results is None:  # one of these items ended it: do each in its own process, then start a new worker
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
"""Libraries that start threads. A forked process would lack them and could hang."""


def _may_fork() -> bool:
    main = threading.current_thread() is threading.main_thread() and not multiprocessing.current_process().daemon
    return sys.platform == "linux" and main and not any(name in sys.modules for name in _THREADED)


class _Worker:
    """A forked process that works through the chunks of `size` items that begin at `starts`."""

    def __init__(self, work: Callable[[Any], Any], items: Sequence[Any], starts: Sequence[int], size: int = CHUNK):
        context = multiprocessing.get_context("fork")
        self.receiving, sending = context.Pipe(duplex=False)
        ends = (self.receiving, sending)
        self.process = context.Process(target=_work, args=(work, items, starts, size, *ends), daemon=True)
        self.process.start()
        sending.close()

    def results(self) -> list[Any] | None:
        """The results of the next chunk; None if the process has ended. Raises what `work` raised."""
        try:
            message = self.receiving.recv()
        except (EOFError, OSError):
            return None
        if isinstance(message, BaseException):
            raise message
        results: list[Any] = message
        return results

    def end(self) -> None:
        """Stop the process if it is still running."""
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
    receiving.close()  # else writing would block forever after the parent has ended
    parent = os.getppid()
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):  # the parent ends this process
        try:
            for start in starts:
                if os.getppid() != parent:
                    return
                sending.send([work(item) for item in items[start : start + size]])
        except Exception as error:
            sending.send(error)


def search_path() -> list[str]:
    """The absolute folders of `sys.path`, for a child process that runs isolated from its environment."""
    return [folder for folder in sys.path if Path(folder).is_absolute() and Path(folder) != Path.cwd()]
