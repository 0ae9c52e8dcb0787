"""The queue before the thread that computes: it refuses at once, keeps deadlines, and drops what nobody waits for."""

import asyncio
import threading
import time

import numpy as np
import pytest

from tellapart.serve.engine import Engine, Sent, answered
from tellapart.serve.hosted import Hosted
from tellapart.serve.limits import Limits
from tellapart.serve.refusal import Refusal
from tests.conftest import stripes


@pytest.fixture
def model(stripes_run):
    return Hosted("stripes", "", stripes_run.model)


def pictures(count=1):
    return [Sent(f"picture {i}", pixels) for i, pixels in enumerate(stripes(count)[0])]


class Held(Engine):
    """An engine whose thread waits until `go` is set."""

    def __init__(self, limits):
        self.go, self.batches = threading.Event(), []
        super().__init__(limits, self.batches.append)

    def _compute(self, jobs):
        self.go.wait(30)
        super()._compute(jobs)


def soon(seconds=30.0):
    return time.monotonic() + seconds


async def held(engine, model):
    """Let the thread take a first job, so that others wait."""
    first = engine.submit(model, pictures(), soon())
    while engine.waiting:
        await asyncio.sleep(0.001)
    return first


def test_a_full_queue_refuses_at_once(model):
    async def work():
        engine = Held(Limits(queue=3, queue_bytes=10**6))
        first = await held(engine, model)
        large = engine.submit(model, pictures(5), soon())  # nothing else waits, so it may
        with pytest.raises(Refusal) as refusal:
            engine.submit(model, pictures(), soon())
        assert (refusal.value.status, refusal.value.headers["Retry-After"]) == (503, "1")
        assert "5 pictures wait already" in refusal.value.sentence
        engine.go.set()
        assert [len(await answered(engine, job, None, 30)) for job in (first, large)] == [1, 5]
        assert engine.waiting_pictures == engine.waiting_bytes == 0
        engine.close()

    asyncio.run(work())


def test_the_queue_counts_bytes_too(model):
    async def work():
        engine = Held(Limits(queue=1000, queue_bytes=200))
        await held(engine, model)
        engine.submit(model, pictures(), soon())  # 144 bytes
        with pytest.raises(Refusal):
            engine.submit(model, pictures(), soon())
        engine.go.set()
        engine.close()

    asyncio.run(work())


def test_what_waits_is_computed_together(model, stripes_run):
    async def work():
        engine = Held(Limits())
        first = await held(engine, model)
        jobs = [engine.submit(model, pictures(3), soon()) for _ in range(7)]
        engine.go.set()
        answers = [await answered(engine, job, None, 30) for job in [first, *jobs]]
        engine.close()
        assert [len(batch.answers) for batch in engine.batches] == [1, 15, 6]
        expected = stripes_run.model.predict([one.picture for one in pictures(3)])
        for found in answers[1:]:
            for one, other in zip(found, expected, strict=True):
                assert np.abs(one.values - other.values).max() < 1e-6

    asyncio.run(work())


def test_late_and_abandoned_requests_are_not_computed(model):
    async def work():
        engine = Held(Limits())
        first = await held(engine, model)
        late, left = engine.submit(model, pictures(), soon(0.05)), engine.submit(model, pictures(), soon())
        with pytest.raises(Refusal) as refusal:
            await answered(engine, late, None, 0.05)
        assert (refusal.value.status, refusal.value.sentence) == (504, "not answered within 0.05 seconds")
        gone = asyncio.create_task(asyncio.sleep(0.01))
        with pytest.raises(Refusal) as refusal:
            await answered(engine, left, gone, 30)
        assert refusal.value.status == 499
        engine.go.set()
        await answered(engine, first, None, 30)
        engine.close()
        assert sum(len(batch.answers) for batch in engine.batches) == 1

    asyncio.run(work())


def test_a_fault_ends_its_requests_and_the_thread_goes_on(model):
    async def work():
        engine = Engine(Limits())
        broken = engine.submit(Hosted("broken", "", None), pictures(), soon())
        with pytest.raises(AttributeError):
            await answered(engine, broken, None, 30)
        assert len(await answered(engine, engine.submit(model, pictures(), soon()), None, 30)) == 1
        engine.close()

    asyncio.run(work())
