"""Measure faults at every system call of a save, damaged files, and hostile files."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

import tellapart
from broken import TELLAPART, command, data_in
from tellapart.errors import ModelFileError
from tellapart.training.checkpoints import Checkpoints
from tracing import OPENING, STARTED, followed, opened

FILES = Path(__file__).parent.parent / "tests" / "files"

SAVE = """
import sys
from pathlib import Path
import numpy as np
from tellapart.training.checkpoints import Checkpoint, Checkpoints
from tellapart.classifier.model_file import read_model, write_model
from tellapart.files import write_json
from tellapart.errors import TellapartError
kind, folder = sys.argv[1], Path(sys.argv[2])
def arrays(number):
    return {"network/0": np.full((64, 64), number, np.float32), "best/0": np.full(256, number, np.float32)}
if kind == "checkpoint":
    store = Checkpoints(folder / "checkpoints")
    store.newest(print)
    work = lambda: store.write(Checkpoint({"epoch": 2}, arrays(2)))
elif kind == "model":
    record, members = read_model(folder / "model.keras")
    record = record.model_copy(update={"temperature": 2.0})
    work = lambda: write_model(folder / "model.keras", record, members)
else:
    work = lambda: write_json(folder / "run.json", {"state": "new", "more": list(range(2000))})
print("ready", flush=True)
sys.stdin.readline()
try:
    work()
except (TellapartError, OSError) as error:
    print(f"error: {error}".splitlines()[0], flush=True)
    sys.exit(1)
print("done", flush=True)
"""


def _prepared(kind: str, folder: Path, model: Path) -> None:
    from tellapart.files import write_json
    from tellapart.training.checkpoints import Checkpoint

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    if kind == "checkpoint":
        arrays = {"network/0": np.full((64, 64), 1, np.float32), "best/0": np.full(256, 1, np.float32)}
        Checkpoints(folder / "checkpoints").write(Checkpoint({"epoch": 1}, arrays))
    elif kind == "model":
        shutil.copy(model, folder / "model.keras")
    else:
        write_json(folder / "run.json", {"state": "old", "more": list(range(2000))})


def _state(kind: str, folder: Path) -> str:
    """`old` or `new`, or what is wrong."""
    if kind == "checkpoint":
        newest = Checkpoints(folder / "checkpoints").newest(lambda text: None)
        if newest is None:
            return "nothing"
        numbers = {float(value) for array in newest.arrays.values() for value in np.unique(array)}
        return {(1, 1.0): "old", (2, 2.0): "new"}.get((newest.values["epoch"], *numbers), "a third")
    if kind == "model":
        from tellapart.classifier.model_file import read_model

        temperature = read_model(folder / "model.keras")[0].temperature
        return "new" if temperature == 2.0 else "old"
    return json.loads((folder / "run.json").read_text())["state"]


def _saved(kind: str, folder: Path, *traced: str) -> tuple[str, int]:
    """Save under strace with some options. Returns the output and the exit status."""
    return followed([SAVE, kind, str(folder)], traced)


def _at_each_call(kind: str, model: Path, folder: Path, fault: str, only: str = "") -> list[tuple[str, str, int]]:
    """Save with a fault at the first system call, at the second, and so on to the last (of the kinds `only`).

    strace counts each kind separately, so a save without a fault first lists the kinds and their numbers. Returns, for
    each fault, the state afterwards, the output, and the exit status.
    """
    log = folder.with_suffix(".log")
    _prepared(kind, folder, model)
    _saved(kind, folder, "-o", str(log))
    made = [match[1] for line in log.read_text().splitlines() if (match := re.match(r"\d+ +([a-z0-9_]+)\(", line))]
    results, count = [], dict.fromkeys(made, 0)
    for name in made:
        count[name] += 1
        if name == "exit_group" or (only and name not in only.split(",")):
            continue
        _prepared(kind, folder, model)
        output, status = _saved(kind, folder, "-o", "/dev/null", "-e", f"inject={name}:{fault}:when={count[name]}")
        results.append((_state(kind, folder), output, status))
    return results


def calls(options: argparse.Namespace) -> dict[str, Any]:
    """SIGKILL at every system call of a save."""
    if shutil.which("strace") is None:
        return {"missing": "strace"}
    metrics: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        model = next(FILES.glob("tellapart-*.keras"))
        for kind in ("checkpoint", "model", "record"):
            states = _at_each_call(kind, model, Path(temporary, "x"), "signal=KILL")
            killed = [state for state, _, status in states if status == -signal.SIGKILL]
            metrics[kind] = {"kills": len(killed), "old": killed.count("old"), "new": killed.count("new")}
            print(kind, metrics[kind], flush=True)
    return metrics


def writes(options: argparse.Namespace) -> dict[str, Any]:
    """The N-th write (or opening, flushing, renaming) of a checkpoint fails, on a full disk and on a broken one."""
    if shutil.which("strace") is None:
        return {"missing": "strace"}
    metrics: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "x")
        for fault in ("ENOSPC", "EIO"):
            made = "write,pwrite64,fsync,rename,renameat,renameat2,mkdir,mkdirat,ftruncate"
            states = _at_each_call("checkpoint", folder, folder, f"error={fault}", made)
            failed = [output for _, output, _ in states if "error:" in output]
            named = [output for output in failed if str(folder) in output and "17,408 bytes" in output]
            whole = [state for state, _, _ in states if state in ("old", "new")]
            metrics[fault] = {"faults": len(failed), "named": len(named), "whole": len(whole), "tries": len(states)}
            print(fault, metrics[fault], flush=True)
    return metrics


def damage(options: argparse.Namespace) -> dict[str, Any]:
    """Flipped bits and cuts, in checkpoints and in model files."""
    rng = np.random.default_rng(options.seed)
    metrics = {"checkpoint": 0, "checkpoint_tries": 0, "model": 0, "model_tries": 0, "all_bad": False}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        runs = folder / "runs"
        with subprocess.Popen(
            command("quick", data_in(folder), runs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as run:
            while len(list(runs.glob("*/checkpoints/checkpoint-*/manifest.json"))) < 2 and run.poll() is None:
                time.sleep(0.05)
            run.kill()
        (place,) = runs.glob("*/checkpoints")
        newest, before = sorted(place.glob("checkpoint-*"), reverse=True)[:2]
        for _ in range(options.flips):
            path = newest / ("manifest.json", "arrays.npz")[rng.integers(2)]
            whole = path.read_bytes()
            path.write_bytes(_damaged(whole, rng))
            notes: list[str] = []
            kept = Checkpoints(place).newest(notes.append)
            path.write_bytes(whole)
            metrics["checkpoint_tries"] += 1
            metrics["checkpoint"] += kept.path == before and notes[0].startswith("WARNING") and "checkpoint" in notes[0]
        for path in place.glob("*/arrays.npz"):
            path.write_bytes(_damaged(path.read_bytes(), rng))
        done = subprocess.run([*TELLAPART, "train", "--resume", str(place.parent)], capture_output=True, text=True)
        metrics["all_bad"] = done.returncode == 1 and "checkpoint" in done.stderr
        done = subprocess.run(
            [*TELLAPART, "train", "digits", "--runs", str(folder / "d"), "--json"], capture_output=True, text=True
        )
        model = Path(json.loads(done.stdout)["model"])
        whole, copy = model.read_bytes(), folder / "copy.keras"
        for _ in range(options.flips):
            copy.write_bytes(_damaged(whole, rng))
            metrics["model_tries"] += 1
            try:
                tellapart.load(copy)
            except ModelFileError:
                metrics["model"] += 1
    return metrics


def _damaged(data: bytes, rng: np.random.Generator) -> bytes:
    if rng.random() < 0.2:
        return data[: rng.integers(len(data))]
    changed = bytearray(data)
    changed[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return bytes(changed)


READ = """
import json, os, resource, sys, time
from pathlib import Path
from tellapart.classifier.classifier import load_classifier
from tellapart.classifier.sandbox.keras_file import read_keras_file
from tellapart.errors import ModelFileError
folder, good, own = map(Path, sys.argv[1:])
read_keras_file(good).network()  # what is imported late, and Keras
load_classifier(own).network
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("ready", flush=True)
sys.stdin.readline()
refused, longest = 0, 0.0
for path in sorted(folder.iterdir()):
    os.access(path, os.F_OK)  # marks in the trace where the reading of this file starts
    began = time.monotonic()
    try:
        load_classifier(path).network if path.name.startswith("own-") else read_keras_file(path).network()
    except ModelFileError:
        refused += 1
    longest = max(longest, time.monotonic() - began)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"refused": refused, "longest": round(longest, 2), "mebibytes": round(grown / 1024)}))
"""


def hostile(options: argparse.Namespace) -> dict[str, Any]:
    """Hostile model files, with what the reading of each opens and starts, child processes included."""
    from tests import hostile_models

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "corpus")
        files, good, log = folder / "files", Path(temporary, "good.keras"), Path(temporary, "log")
        files.mkdir(parents=True)
        for name, data in (*hostile_models.keras_files(folder), *hostile_models.hdf5_files()):
            (files / name).write_bytes(data)
        own = next(FILES.glob("tellapart-*.keras"))
        list(hostile_models.own_files(files, own))
        good.write_bytes(hostile_models.archive(hostile_models.sequential()))
        program = [READ, str(files), str(good), str(own)]
        output, status = followed(program, None)
        assert status == 0, output
        metrics = json.loads(output) | {"files": len(list(files.iterdir()))}
        if shutil.which("strace"):  # a second time, because tracing is slow
            trace = ["-o", str(log), "-s", "400", "-e", f"trace={OPENING},{','.join(STARTED)}"]
            output, status = followed(program, trace)
            assert status == 0, output
            metrics |= opened(log.read_text(errors="replace"), files)
        return metrics | {"canary": (folder / "canary").exists()}
