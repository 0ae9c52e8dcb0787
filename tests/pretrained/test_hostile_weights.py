"""Nothing in a file of weights is run, nothing outside it is opened, and time and memory stay small."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tellapart.errors import WeightsError
from tellapart.pretrained.read import read_arrays
from tests import hostile_weights
from tests.weights_files import named, npy, pickled, safetensors, torch_files, zipped

CHILD = """
import json, sys, time
from pathlib import Path
from tellapart.errors import WeightsError
from tellapart.pretrained.read import read_arrays
sys.path.insert(0, sys.argv[3])
from tests.memory import forget_peak, peak
answers, seen, slow, current = {}, {}, {}, [None]
WATCHED = {"socket.__new__", "socket.connect", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.rename",
           "os.mkdir", "os.symlink", "os.remove", "import", "exec", "pickle.find_class", "marshal.loads",
           "ctypes.dlopen"}
def watch(event, arguments):
    if current[0] is None:
        return
    if event == "open":
        path = str(arguments[0])
        if path != str(current[0]) and not path.isdigit() and not path.startswith(("/dev/null", "/proc/self")):
            seen.setdefault(current[0].name, []).append(f"open {path}")
    elif event == "subprocess.Popen" and "hdf5_reader.py" in str(arguments[:2]):
        pass
    elif event in WATCHED or event == "subprocess.Popen":
        seen.setdefault(current[0].name, []).append(f"{event} {str(arguments[:2])[:200]}")
def read(path):
    try:
        read_arrays(path)
        return None
    except WeightsError as error:
        return str(error)
paths = sorted(Path(sys.argv[1]).iterdir())
for path in sorted(Path(sys.argv[2]).iterdir()):
    read(path)  # imports everything now
sys.addaudithook(watch)
before = forget_peak()
for path in paths:
    current[0] = path
    started = time.process_time()
    answers[path.name] = read(path)
    slow[path.name] = time.process_time() - started
    current[0] = None
grown = peak() - before
print(json.dumps({"answers": answers, "seen": seen, "slow": slow, "grown": grown}))
"""

WARM = ("cut-1-zip.pth", "legacy-system.pth", "zip-system.pth", "zip-changed.pth", "code.npz", "bomb.npz",
        "h5-virtual.h5", "overlap.safetensors", "text.safetensors")  # fmt: skip
"""Files whose reading imports what reading needs."""


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    files, warm = folder / "files", tmp_path_factory.mktemp("warm")
    files.mkdir()
    wanted = {}
    for name, data, words in hostile_weights.all_files(folder / "canary"):
        assert name not in wanted
        (files / name).write_bytes(data)
        wanted[name] = words
        if name in WARM:
            (warm / name).write_bytes(data)
    command = [sys.executable, "-c", CHILD, str(files), str(warm), str(Path(__file__).parents[2])]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, wanted, json.loads(done.stdout.splitlines()[-1])


def test_every_one_is_refused_for_the_right_reason(observed):
    folder, wanted, found = observed
    assert found["answers"].keys() == wanted.keys()
    assert len(wanted) >= 390
    assert [name for name, words in found["answers"].items() if words is None] == []
    others = {name: answer for name, answer in found["answers"].items() if wanted[name] not in answer}
    assert others == {}
    for name, answer in found["answers"].items():
        first, expected, action = answer.split("\n")
        assert str(folder / "files" / name) in first, answer
        assert "refused (" in first, answer
        assert expected.startswith("  expected: ")
        assert action.startswith("  to do: ")


def test_nothing_was_run_opened_or_written(observed):
    folder, _, found = observed
    assert found["seen"] == {}
    assert sorted(path.name for path in folder.iterdir()) == ["files"]


def test_memory_and_time_stayed_small(observed):
    assert observed[2]["grown"] < 250_000  # KiB
    assert {name: seconds for name, seconds in observed[2]["slow"].items() if seconds > 3} == {}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.pth")
    answers = []

    def read():
        with pytest.raises(WeightsError, match="it is not a file") as caught:
            read_arrays(tmp_path / "a.pth")
        answers.append(caught.value)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(10)
    assert len(answers) == 1


def test_a_folder_and_a_missing_file(tmp_path):
    for path in (tmp_path, tmp_path / "missing.pth"):
        with pytest.raises(WeightsError, match="it is not a file"):
            read_arrays(path)


def test_terminal_codes_in_names_are_not_printed(tmp_path):
    (tmp_path / "a.pth").write_bytes(zipped({"a/data.pkl": pickled(named("os", "\x1b[2J"))}))
    with pytest.raises(WeightsError) as caught:
        read_arrays(tmp_path / "a.pth")
    assert str(caught.value).replace("\n", "").isprintable()


def test_changed_bytes_are_read_or_refused(tmp_path):
    """Every seventh byte of a small file of each format, changed: never another error."""
    array = np.arange(6, dtype="<f4")
    archive, legacy = torch_files({"a": array})
    files = (archive, legacy, safetensors([("a", "F32", [6], 0, 24)], array.tobytes()), zipped({"a.npy": npy(array)}))
    refused = 0
    for data in files:
        for place in range(0, len(data), 7):
            changed = bytearray(data)
            changed[place] ^= 0xFF
            (tmp_path / "a.bin").write_bytes(changed)
            try:
                read_arrays(tmp_path / "a.bin")
            except WeightsError:
                refused += 1
    assert refused > 100
