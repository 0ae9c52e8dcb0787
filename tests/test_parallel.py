import threading
import time

import pytest

from tellapart import parallel
from tellapart.parallel import each


def test_results_come_in_order_whether_threads_do_it_or_not(monkeypatch):
    for worth in (0.0, 1e9):
        monkeypatch.setattr(parallel, "WORTH", worth)
        for count in (0, 1, 31, 32, 33, 1000):
            assert list(each(lambda i: i * i, range(count))) == [i * i for i in range(count)]


def test_only_work_that_takes_long_is_given_to_threads(monkeypatch):
    def thread(_):
        return threading.current_thread()

    monkeypatch.setattr(parallel, "WORTH", 1e9)
    assert set(each(thread, range(500))) == {threading.main_thread()}
    monkeypatch.setattr(parallel, "WORTH", 0.0)
    used = list(each(thread, range(500)))
    assert set(used[: parallel.FIRST]) == {threading.main_thread()}
    assert threading.main_thread() not in used[parallel.FIRST :]


@pytest.mark.parametrize("worth", (0.0, 1e9))
def test_what_fails_is_raised_and_what_is_far_ahead_not_begun(worth, monkeypatch):
    monkeypatch.setattr(parallel, "WORTH", worth)
    begun = []

    def work(i):
        begun.append(i)
        if i == 40:
            raise ValueError("the fortieth")
        time.sleep(0)
        return i

    with pytest.raises(ValueError, match="the fortieth"):
        list(each(work, range(100_000)))
    assert len(begun) < 5000
