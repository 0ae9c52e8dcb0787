import os
import subprocess
import sys
import threading
import time
from pathlib import Path

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
    assert used[0] == threading.main_thread()  # which needs no second to know that it takes long
    assert threading.main_thread() not in used[1:]
    assert threading.main_thread() not in list(each(thread, range(8)))[1:]  # few large pictures


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


def test_forking_from_a_process_that_has_no_threads():
    """By a process of its own: a fork of this one, in which others' tests have loaded TensorFlow, may hang."""
    cases = str(Path(__file__).with_name("forking.py"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", cases]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout


def test_no_process_is_forked_where_that_is_not_safe():
    found = []
    thread = threading.Thread(target=lambda: found.append(parallel._may_fork()))
    thread.start()
    thread.join()
    assert found == [False]


def test_workers_end_with_the_process_that_started_them(tmp_path):
    code = (
        "import os, time\n"
        "from tellapart.parallel import each_in_processes\n"
        "def work(i):\n"
        "    open(f'{os.environ[\"PIDS\"]}/{os.getpid()}', 'w').close()\n"
        "    time.sleep(0.001)\n"
        "    return bytes(10_000)\n"
        "walk = each_in_processes(work, range(100_000), b'')\n"
        "next(walk)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PIDS": str(tmp_path)})
    assert done.returncode == -9
    pids = [int(path.name) for path in tmp_path.iterdir()]
    assert pids
    for _ in range(100):
        alive = [pid for pid in pids if Path(f"/proc/{pid}/status").exists() and not _dead(pid)]
        if not alive:
            break
        time.sleep(0.1)
    assert not alive


def _dead(pid):
    return "State:\tZ" in Path(f"/proc/{pid}/status").read_text()
