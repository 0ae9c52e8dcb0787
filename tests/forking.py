"""Tests of processes that are forked: test_parallel.py has them run by a process without threads of TensorFlow's."""

import multiprocessing
import os
import sys

import numpy as np
import pytest

from tellapart import parallel
from tellapart.parallel import each_in_processes, shared

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")


def test_this_process_may():
    assert parallel._may_fork()


def doubled(count, work=lambda i: 2 * i):
    found = shared((count,), np.int64)

    def one(i):
        found[i] = work(i)
        return str(i)

    return found, one


@pytest.mark.parametrize("count", (0, 1, 31, 32, 33, 64, 65, 1000))
@pytest.mark.parametrize("fork", (True, False))
def test_processes_share_what_they_fill(count, fork, monkeypatch):
    if not fork:
        monkeypatch.setattr(parallel, "_may_fork", lambda: False)
    found, one = doubled(count)
    assert list(each_in_processes(one, range(count), "crashed")) == [str(i) for i in range(count)]
    assert found.tolist() == [2 * i for i in range(count)]


def test_what_ends_a_process_ends_nothing_else():
    bad = (5, 50, 51, 200, 399)
    found, one = doubled(400, lambda i: os.kill(os.getpid(), 9) if i in bad else i)
    results = list(each_in_processes(one, range(400), "crashed"))
    assert [i for i, result in enumerate(results) if result == "crashed"] == list(bad)
    assert [i for i in range(400) if found[i] != i] == list(bad)


def test_what_a_process_raises_is_raised_here_and_none_is_left():
    _, one = doubled(400, lambda i: 1 // (i - 200))
    with pytest.raises(ZeroDivisionError):
        list(each_in_processes(one, range(400), "crashed"))
    assert not multiprocessing.active_children()
    walk = each_in_processes(doubled(4000)[1], range(4000), "crashed")
    for _ in range(100):
        next(walk)
    walk.close()
    assert not multiprocessing.active_children()


def test_no_process_is_forked_by_one_that_may_not_have_children():
    context = multiprocessing.get_context("fork")
    with context.Pool(1) as pool:
        assert pool.apply(parallel._may_fork) is False
