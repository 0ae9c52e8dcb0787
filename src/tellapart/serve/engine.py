"""Read and predict the pictures of requests on one thread, in the order in which they arrived.

The network is rarely the cost of a request: reading the picture and Python around it are. More threads would compete
for Python's lock, and more processes do not; so each process of a service has one thread that computes. It never waits
to fill a batch, but takes what waits when it is free.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tellapart.classifier.classifier import Prediction
from tellapart.errors import PictureError
from tellapart.images.decode import header, pillow_warnings_off
from tellapart.serve.hosted import Hosted
from tellapart.serve.limits import Limits
from tellapart.serve.refusal import Refusal, late, overloaded

TOGETHER = 16
"""Pictures of several requests that are predicted together, at most."""

Answer = Prediction | PictureError


@dataclass(frozen=True)
class Sent:
    """A picture of a request: what the answer calls it, and the bytes of its file or its pixels.

    Pixels are uint8 [height, width, 1 or 3].
    """

    name: str
    picture: bytes | np.ndarray

    @property
    def size(self) -> int:
        """Bytes."""
        return self.picture.nbytes if isinstance(self.picture, np.ndarray) else len(self.picture)


@dataclass(eq=False)
class Job:
    """The pictures of a request, from when they wait until they are answered.

    `dropped` is set when the answer is not needed any more; a job that waits is then not computed.
    """

    model: Hosted
    pictures: Sequence[Sent]
    until: float
    answered: asyncio.Future[list[Answer]]
    loop: asyncio.AbstractEventLoop
    dropped: bool = False
    size: int = field(init=False)

    def __post_init__(self) -> None:
        self.size = sum(picture.size for picture in self.pictures)

    def finish(self, result: list[Answer] | Exception) -> None:
        """Pass the result to the request's task, from the thread that computes."""
        self.loop.call_soon_threadsafe(self._set, result)

    def _set(self, result: list[Answer] | Exception) -> None:
        if self.answered.done():
            return
        if isinstance(result, Exception):
            self.answered.set_exception(result)
        else:
            self.answered.set_result(result)


@dataclass(frozen=True)
class Batch:
    """What was computed at once, for the metrics: times in seconds."""

    model: Hosted
    answers: Sequence[Answer]
    reading: float
    predicting: float


class Engine:
    """The thread that computes, and the queue before it. `watch` gets each batch, on that thread."""

    def __init__(self, limits: Limits, watch: Callable[[Batch], None] = lambda batch: None) -> None:
        self.limits, self.watch = limits, watch
        self.waiting: deque[Job] = deque()
        self.waiting_pictures = self.waiting_bytes = 0
        self._changed, self._closed = threading.Condition(), False
        self._thread = threading.Thread(target=self._run, name="tellapart-predict", daemon=True)
        self._thread.start()

    def submit(self, model: Hosted, pictures: Sequence[Sent], until: float) -> Job:
        """Let pictures wait for their prediction until a time of `time.monotonic`. Raises Refusal if the queue is full.

        Must be called within an event loop. A request of many pictures is taken if nothing else waits.
        """
        loop = asyncio.get_running_loop()
        job = Job(model, pictures, until, loop.create_future(), loop)
        with self._changed:
            full = self.waiting_pictures + len(pictures) > self.limits.queue
            if self.waiting and (full or self.waiting_bytes + job.size > self.limits.queue_bytes):
                raise overloaded(f"{self.waiting_pictures} pictures wait already")
            self.waiting.append(job)
            self.waiting_pictures += len(pictures)
            self.waiting_bytes += job.size
            self._changed.notify()
        return job

    def drop(self, job: Job) -> None:
        """Forget a job whose answer is not needed any more."""
        job.dropped = True
        with self._changed:
            if job in self.waiting:
                self.waiting.remove(job)
                self._taken(job)

    def close(self) -> None:
        """End the thread once it is free; jobs that wait are not computed."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _taken(self, job: Job) -> None:
        self.waiting_pictures -= len(job.pictures)
        self.waiting_bytes -= job.size

    def _run(self) -> None:
        with pillow_warnings_off():
            while jobs := self._next():
                try:
                    self._compute(jobs)
                except Exception as error:  # the requests get it, and the thread continues with others
                    for job in jobs:
                        job.finish(error)

    def _next(self) -> list[Job]:
        """The jobs to compute now, all of one model; empty when the engine is closed."""
        with self._changed:
            while True:
                jobs: list[Job] = []
                while self.waiting and (not jobs or self._fits(jobs)):
                    job = self.waiting.popleft()
                    self._taken(job)
                    if job.dropped:
                        continue
                    if time.monotonic() >= job.until:
                        job.finish(late(self.limits.deadline))
                        continue
                    jobs.append(job)
                if jobs or self._closed:
                    return [] if self._closed else jobs
                self._changed.wait()

    def _fits(self, jobs: list[Job]) -> bool:
        """Whether the first job that waits can be computed together with others."""
        job, count = self.waiting[0], sum(len(one.pictures) for one in jobs)
        return job.model is jobs[0].model and count + len(job.pictures) <= TOGETHER

    def _compute(self, jobs: list[Job]) -> None:
        started = time.perf_counter()
        model, sent = jobs[0].model, [picture for job in jobs for picture in job.pictures]
        read = [self._read(model, picture) for picture in sent]
        names = [picture.name for picture, one in zip(sent, read, strict=True) if isinstance(one, np.ndarray)]
        pixels = [one for one in read if isinstance(one, np.ndarray)]
        between = time.perf_counter()
        found = iter(model.classifier.answers(names, np.stack(pixels)) if pixels else ())
        answers: list[Answer] = [one if isinstance(one, PictureError) else next(found) for one in read]
        ended = time.perf_counter()
        rest = iter(answers)
        for job in jobs:
            job.finish([next(rest) for _ in job.pictures])
        self.watch(Batch(model, answers, between - started, ended - between))

    def _read(self, model: Hosted, sent: Sent) -> np.ndarray | PictureError:
        """The prepared pixels, or why there are none."""
        try:
            if isinstance(sent.picture, bytes):
                height, width, _ = header(sent.picture, sent.name)
                if height * width > self.limits.pixels:
                    return PictureError(sent.name, f"has {height * width:,} pixels; {self.limits.pixels:,} are allowed")
            return model.classifier.prepared(sent.picture, sent.name)
        except PictureError as error:
            return error


async def answered(engine: Engine, job: Job, gone: asyncio.Task[None] | None, seconds: float) -> list[Answer]:
    """The answers of a job, unless its time is up or its client is `gone`, which ends the work. Raises Refusal."""
    waited: list[asyncio.Future[Any]] = [job.answered, *([gone] if gone is not None else [])]
    try:
        await asyncio.wait(waited, timeout=max(0.0, job.until - time.monotonic()), return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not job.answered.done():
            engine.drop(job)
    if job.answered.done():
        return job.answered.result()
    if gone is not None and gone.done():
        raise Refusal(499, "the client closed the connection", "gone")
    raise late(seconds)
