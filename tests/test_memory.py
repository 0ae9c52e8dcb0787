from tellapart import memory


def test_what_is_left_is_the_least_that_any_limit_leaves(monkeypatch):
    files = {
        "/proc/meminfo": ["MemTotal: 16000000 kB", "MemAvailable:    9000000 kB"],
        "/proc/self/cgroup": ["0::/user/me"],
        "/sys/fs/cgroup/user/memory.max": ["max"],
        "/sys/fs/cgroup/user/memory.current": ["1"],
        "/sys/fs/cgroup/user/me/memory.max": ["4000000000"],
        "/sys/fs/cgroup/user/me/memory.current": ["1500000000"],
        "/sys/fs/cgroup/user/me/memory.stat": ["anon 5", "inactive_file 500000000"],
    }
    monkeypatch.setattr(memory, "_lines", lambda path: files.get(path, []))
    assert memory.available() == 3_000_000_000
    files["/proc/self/cgroup"] = ["4:memory:/box", "3:cpu:/"]
    files["/sys/fs/cgroup/memory/box/memory.limit_in_bytes"] = ["2000000000"]
    files["/sys/fs/cgroup/memory/box/memory.usage_in_bytes"] = ["500000000"]
    assert memory.available() == 1_500_000_000
    files.clear()
    assert memory.available() is None


def test_the_memory_of_the_machine_and_of_the_container(monkeypatch):
    files = {
        "/proc/meminfo": ["MemTotal: 16000000 kB", "MemAvailable:    9000000 kB"],
        "/proc/self/cgroup": ["0::/user/me"],
        "/sys/fs/cgroup/user/memory.max": ["max"],
        "/sys/fs/cgroup/user/me/memory.max": ["4000000000"],
    }
    monkeypatch.setattr(memory, "_lines", lambda path: files.get(path, []))
    assert memory.total() == 16_384_000_000
    assert memory.container_limit() == 4_000_000_000
    files["/sys/fs/cgroup/user/me/memory.max"] = ["9223372036854771712"]  # version 1 writes this for no limit
    assert memory.container_limit() is None


def test_a_container_may_take_fewer_processors_than_there_are(monkeypatch):
    files = {"/proc/self/cgroup": ["0::/box"], "/sys/fs/cgroup/box/cpu.max": ["150000 100000"]}
    monkeypatch.setattr(memory, "_lines", lambda path: files.get(path, []))
    assert memory.processors() == 1.5
    files["/sys/fs/cgroup/box/cpu.max"] = ["max 100000"]
    assert memory.processors() is None
    files["/proc/self/cgroup"] = ["5:cpu,cpuacct:/box", "4:memory:/"]
    files["/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us"] = ["400000"]
    files["/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us"] = ["100000"]
    assert memory.processors() == 4
    files["/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us"] = ["-1"]
    assert memory.processors() is None
