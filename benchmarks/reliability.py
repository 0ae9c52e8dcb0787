"""The scorecard of docs/reliability.md, measured: kills, faults, damage, hostile files, each line with its number.

    python benchmarks/reliability.py                 # everything, about an hour
    python benchmarks/reliability.py killed --kills 200
    python benchmarks/reliability.py calls writes    # some lines only

Faults are made by public means: SIGKILL, `strace` (which can end a process at its N-th system call, or let that fail),
a small file system (`mount -t tmpfs`, as root), limits on memory (`prlimit`), flipped bits. Where one is missing, the
line says so. Data are 6,000 digits of MNIST, found as `tellapart.open("mnist")` finds them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np

import tellapart
from results import draw, record
from tellapart.errors import CheckpointError, ModelFileError
from tellapart.training.checkpoints import Checkpoints
from tracing import LOOKED, STARTED, followed, opened

HERE = Path(__file__).parent
TELLAPART = (sys.executable, "-m", "tellapart")
PICTURES = 6_000
RECIPES = {
    "quick": ("quick", "--epochs", "6", "--set", "augmentation.shift=0.1", "--set", "augmentation.cutout=0.3"),
    "tutorial B": ("digits-2conv", "--epochs", "4"),
}
EVERY = 1.0
"""Seconds between checkpoints."""


def data_in(folder: Path) -> Path:
    """The digits as an NPZ file."""
    path = folder / "digits.npz"
    if not path.exists():
        collection = tellapart.open("mnist")
        chosen = np.random.default_rng(0).permutation(len(collection))[:PICTURES]
        pixels = np.stack([collection.read(int(i)) for i in chosen])[..., 0]
        np.savez(path, x=pixels, y=collection.labels[chosen])
    return path


def command(recipe: str, data: Path, runs: Path, *more: str) -> list[str]:
    """The training that is broken."""
    name, *options = RECIPES[recipe]
    asked = ["--recipe", name, *options, "--runs", str(runs), "--save-every", str(EVERY), "--precision", "float32"]
    return [*TELLAPART, "train", str(data), *asked, "--deterministic", "--resume", "auto", "--json", *more]


def weights(model: str) -> list[bytes]:
    """Of a model file."""
    return [one.tobytes() for one in tellapart.load(model).network.get_weights()]


def killed(options: argparse.Namespace) -> dict[str, Any]:
    """R1, R2, R9: SIGKILL at random moments, the same command again, and the weights that come of it."""
    rng = random.Random(options.seed)
    counts = {"kills": 0, "resumed": 0, "trainings": 0, "same": 0, "same_best": 0, "lost": [], "by_recipe": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        data = data_in(folder)
        whole = {}
        for recipe in RECIPES:
            began = time.monotonic()
            whole[recipe] = _finished(command(recipe, data, folder / f"whole-{recipe}"))
            print(f"{recipe}: undisturbed in {time.monotonic() - began:.0f} s", flush=True)
        while counts["kills"] < options.kills or counts["trainings"] < options.trainings:
            recipe = list(RECIPES)[counts["trainings"] % len(RECIPES)]
            runs = folder / f"broken-{counts['trainings']}"
            _train_with_kills(recipe, data, runs, rng, counts, options.least, options.most)
            broken = _finished(command(recipe, data, runs))
            folders = list(runs.iterdir())
            assert len(folders) == 1, f"{len(folders)} run folders: a training was begun anew beside another"
            same = weights(broken["model"]) == weights(whole[recipe]["model"])
            best = broken["results"]["best_epoch"] == whole[recipe]["results"]["best_epoch"]
            counts["trainings"] += 1
            counts["same"] += same
            counts["same_best"] += best
            one = counts["by_recipe"].setdefault(recipe, {"trainings": 0, "same": 0})
            one["trainings"] += 1
            one["same"] += same
            shutil.rmtree(runs)
            print(json.dumps({k: v for k, v in counts.items() if k != "lost"}), flush=True)
    lost = sorted(counts.pop("lost"))
    asked = [options.kills, options.trainings]
    return counts | {"most_lost": max(lost, default=0.0), "every": EVERY, "asked": asked}


def _finished(arguments: list[str]) -> dict[str, Any]:
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _train_with_kills(
    recipe: str, data: Path, runs: Path, rng: random.Random, counts: dict[str, Any], least: float, most: float
) -> None:
    """Start a training and kill it, several times; what each kill cost, and whether the next one went on from it."""
    for _ in range(5):
        before = _newest(runs)
        with subprocess.Popen(
            command(recipe, data, runs), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as run:
            time.sleep(rng.uniform(least, most))
            over = run.poll() is not None
            run.kill()
            said = run.stderr.read()
        if over:  # it came to its end before
            assert run.returncode == 0, said
            return
        counts["kills"] += 1
        if before is not None:
            went_on = "going on with" in said or not said.strip()  # or it was killed before it could say a word
            went_on &= "WARNING" not in said
            after = _newest(runs)
            done = (runs / "nothing").exists() or after is None or after[0] >= before[0]
            counts["resumed"] += went_on and done
        else:
            counts["resumed"] += 1  # there was nothing yet to go on from
        after = _newest(runs)
        if after is not None and (before is None or after[0] > before[0]):
            counts["lost"].append(time.time() - after[1])


def _newest(runs: Path) -> tuple[tuple[int, int], float] | None:
    """Epoch and batch of the newest whole checkpoint, and when it was written; None where there is none yet."""
    for folder in runs.glob("*/checkpoints"):
        found = Checkpoints(folder)
        try:
            kept = found.newest(lambda text: None)
        except CheckpointError:
            raise AssertionError(f"{folder}: no whole checkpoint after a kill") from None
        if kept is not None:
            return (kept.values["epoch"], kept.values["batch"]), kept.path.stat().st_mtime
    return None


def long(options: argparse.Namespace) -> dict[str, Any]:
    """A training of minutes, killed every 20 to 60 seconds, against the undisturbed one."""
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        asked = ["--recipe", "quick", "--epochs", str(options.epochs), "--precision", "float32", "--resume", "auto"]
        train = [*TELLAPART, "train", "mnist", *asked, "--json", "--runs"]
        whole = _finished([*train, str(folder / "whole")])
        kills, runs = 0, folder / "broken"
        while True:
            with subprocess.Popen([*train, str(runs)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as run:
                try:
                    run.wait(timeout=rng.uniform(20, 60))
                    assert run.returncode == 0
                    break
                except subprocess.TimeoutExpired:
                    run.kill()
                    kills += 1
        broken = next(runs.glob("*/model.keras"))
        same = weights(str(broken)) == weights(whole["model"])
        return {
            "seconds": whole["results"]["train_seconds"],
            "kills": kills,
            "same": same,
            "folders": len(list(runs.iterdir())),
        }


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
    print(f"said: {error}".splitlines()[0], flush=True)
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
    """old or new, or what is wrong."""
    if kind == "checkpoint":
        found = Checkpoints(folder / "checkpoints").newest(lambda text: None)
        if found is None:
            return "nothing"
        numbers = {float(one) for array in found.arrays.values() for one in np.unique(array)}
        return {(1, 1.0): "old", (2, 2.0): "new"}.get((found.values["epoch"], *numbers), "a third")
    if kind == "model":
        from tellapart.classifier.model_file import read_model

        temperature = read_model(folder / "model.keras")[0].temperature
        return "new" if temperature == 2.0 else "old"
    return json.loads((folder / "run.json").read_text())["state"]


def _saved(kind: str, folder: Path, *traced: str) -> tuple[str, int]:
    """Save under strace with some options, from its first system call on; what was said, and the exit status."""
    return followed([SAVE, kind, str(folder)], traced)


def _at_each_call(kind: str, model: Path, folder: Path, fault: str, only: str = "") -> list[tuple[str, str, int]]:
    """Save with a fault at the first system call, at the second, and so on to the last (of the kinds `only`).

    strace counts each kind by itself, so a save without a fault tells first which there are, and how many. Gives for
    each the state afterwards, what was said, and the exit status.
    """
    log = folder.with_suffix(".log")
    _prepared(kind, folder, model)
    _saved(kind, folder, "-o", str(log))
    made = [match[1] for line in log.read_text().splitlines() if (match := re.match(r"\d+ +([a-z0-9_]+)\(", line))]
    found, count = [], dict.fromkeys(made, 0)
    for name in made:
        count[name] += 1
        if name == "exit_group" or (only and name not in only.split(",")):
            continue
        _prepared(kind, folder, model)
        said, status = _saved(kind, folder, "-o", "/dev/null", "-e", f"inject={name}:{fault}:when={count[name]}")
        found.append((_state(kind, folder), said, status))
    return found


def calls(options: argparse.Namespace) -> dict[str, Any]:
    """R3: SIGKILL at every system call of a save."""
    if shutil.which("strace") is None:
        return {"missing": "strace"}
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        model = next((HERE.parent / "tests" / "files").glob("tellapart-*.keras"))
        for kind in ("checkpoint", "model", "record"):
            states = _at_each_call(kind, model, Path(temporary, "x"), "signal=KILL")
            killed = [state for state, _, status in states if status == -signal.SIGKILL]
            found[kind] = {"kills": len(killed), "old": killed.count("old"), "new": killed.count("new")}
            print(kind, found[kind], flush=True)
    return found


def writes(options: argparse.Namespace) -> dict[str, Any]:
    """R5: the N-th write (or opening, flushing, naming) of a checkpoint fails, for a full disk and a broken one."""
    if shutil.which("strace") is None:
        return {"missing": "strace"}
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "x")
        for fault in ("ENOSPC", "EIO"):
            made = "write,pwrite64,fsync,rename,renameat,renameat2,mkdir,mkdirat,ftruncate"
            states = _at_each_call("checkpoint", folder, folder, f"error={fault}", made)
            failed = [(state, said) for state, said, status in states if "said:" in said]
            named = [said for _, said in failed if str(folder) in said and "17,408 bytes" in said]
            whole = [state for state, _, _ in states if state in ("old", "new")]
            found[fault] = {"faults": len(failed), "named": len(named), "whole": len(whole), "tries": len(states)}
            print(fault, found[fault], flush=True)
    return found


def disk(options: argparse.Namespace) -> dict[str, Any]:
    """R6: a disk that is nearly full at the start; and one that fills while training."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary, "small")
        place.mkdir()
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], capture_output=True
        ).returncode:
            return {"missing": "mount"}
        try:
            began = time.monotonic()
            done = subprocess.run(
                [*TELLAPART, "train", "digits", "--runs", str(place / "runs")], capture_output=True, text=True
            )
            seconds = time.monotonic() - began
            refused = done.returncode == 2 and "a training writes at least" in done.stderr
            subprocess.run(["mount", "-o", "remount,size=60m", str(place)], check=True)
            with subprocess.Popen(
                [*command("quick", data_in(Path(temporary)), place / "runs"), "--epochs", "12"],
                stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            ) as run:  # fmt: skip
                while not list(place.glob("runs/*/checkpoints/checkpoint-*")) and run.poll() is None:
                    time.sleep(0.05)
                filler = place / "filler"
                with filler.open("wb") as file:
                    try:
                        while True:
                            file.write(bytes(2**16))
                            file.flush()
                    except OSError:
                        pass
                time.sleep(4)
                kept = [Checkpoints(one).newest(lambda text: None) for one in place.glob("runs/*/checkpoints")]
                filler.unlink()
                out, said = run.communicate(timeout=600)
            warned = "cannot be written (No space left on device)" in said
            return {
                "refused": refused, "seconds": round(seconds, 2), "warned": warned, "whole": all(kept) and bool(kept),
                "finished": run.returncode == 0 and bool(json.loads(out)["model"]),
            }  # fmt: skip
        finally:
            subprocess.run(["umount", "-l", str(place)], check=False)


def damage(options: argparse.Namespace) -> dict[str, Any]:
    """R7, R8, R19: flipped bits and cuts, in checkpoints and in model files."""
    rng = np.random.default_rng(options.seed)
    found = {"checkpoint": 0, "checkpoint_tries": 0, "model": 0, "model_tries": 0, "all_bad": False}
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
            said: list[str] = []
            kept = Checkpoints(place).newest(said.append)
            path.write_bytes(whole)
            found["checkpoint_tries"] += 1
            found["checkpoint"] += kept.path == before and said[0].startswith("WARNING: damaged checkpoints")
        for path in place.glob("*/arrays.npz"):
            path.write_bytes(_damaged(path.read_bytes(), rng))
        done = subprocess.run([*TELLAPART, "train", "--resume", str(place.parent)], capture_output=True, text=True)
        found["all_bad"] = done.returncode == 1 and "is as it was written" in done.stderr
        done = subprocess.run(
            [*TELLAPART, "train", "digits", "--runs", str(folder / "d"), "--json"], capture_output=True, text=True
        )
        model = Path(json.loads(done.stdout)["model"])
        whole, copy = model.read_bytes(), folder / "copy.keras"
        for _ in range(options.flips):
            copy.write_bytes(_damaged(whole, rng))
            found["model_tries"] += 1
            try:
                tellapart.load(copy)
            except ModelFileError:
                found["model"] += 1
    return found


def _damaged(data: bytes, rng: np.random.Generator) -> bytes:
    if rng.random() < 0.2:
        return data[: rng.integers(len(data))]
    changed = bytearray(data)
    changed[rng.integers(len(data))] ^= 1 << rng.integers(8)
    return bytes(changed)


def signals(options: argparse.Namespace) -> dict[str, Any]:
    """R10: Ctrl-C and SIGTERM at random moments of a training; the second one."""
    rng = random.Random(options.seed)
    found: dict[str, Any] = {"stops": 0, "kept": 0, "longest": 0.0, "second": 0.0}
    with tempfile.TemporaryDirectory() as temporary:
        data = data_in(Path(temporary))
        for i in range(options.stops):
            number = (signal.SIGINT, signal.SIGTERM)[i % 2]
            runs = Path(temporary, f"runs-{i}")
            twice = i >= options.stops - 2
            with subprocess.Popen(
                [*command("quick", data, runs), "--epochs", "40"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            ) as run:
                while not list(runs.glob("*/checkpoints/checkpoint-*/manifest.json")) and run.poll() is None:
                    time.sleep(0.02)
                time.sleep(rng.uniform(0, 3))
                began = time.monotonic()
                run.send_signal(number)
                if twice:
                    time.sleep(0.6)
                    run.send_signal(number)
                run.wait(timeout=60)
                seconds = time.monotonic() - began
                said = run.stderr.read()
            if twice:
                found["second"] = max(found["second"], seconds)
                continue
            found["stops"] += 1
            found["longest"] = max(found["longest"], seconds)
            kept = Checkpoints(next(runs.glob("*/checkpoints"))).newest(lambda text: None)
            found["kept"] += run.returncode == 128 + number and kept is not None and "go on with" in said
    return {key: round(value, 2) for key, value in found.items()}


def locks(options: argparse.Namespace) -> dict[str, Any]:
    """R11: two processes in one folder, and the lock of one that was killed."""
    with tempfile.TemporaryDirectory() as temporary:
        runs = Path(temporary, "runs")
        with subprocess.Popen(
            [*command("quick", data_in(Path(temporary)), runs), "--epochs", "40"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as run:
            while not list(runs.glob("*/checkpoints/checkpoint-*/manifest.json")) and run.poll() is None:
                time.sleep(0.05)
            (place,) = runs.iterdir()
            done = subprocess.run([*TELLAPART, "train", "--resume", str(place)], capture_output=True, text=True)
            refused = done.returncode == 2 and f"is being trained by process {run.pid} " in done.stderr
            run.kill()
        with subprocess.Popen(
            [*TELLAPART, "train", "--resume", str(place)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as run:
            said = next((line for line in run.stderr if "epoch" in line and "/40" in line), "")
            run.kill()
    return {"refused": refused, "recovered": bool(said)}


def wild(options: argparse.Namespace) -> dict[str, Any]:
    """R12: a loss that becomes NaN."""
    with tempfile.TemporaryDirectory() as temporary:
        runs = Path(temporary, "runs")
        name = [
            *TELLAPART,
            "train",
            str(data_in(Path(temporary))),
            "--recipe",
            "digits-2conv",
            "--runs",
            str(runs),
            "--save-every",
            "0",
        ]
        # L2 of 0.1 pulls weights beyond 0 and on to ever larger ones once the rate, which rises, is above 10.
        changes = ("optimizer=sgd", "learning_rate=30", "schedule=linear", "warmup=0.9", "l2=0.1", "epochs=12")
        rate = [word for change in changes for word in ("--set", change)]
        done = subprocess.run([*name, *rate], capture_output=True, text=True)
        stores = [Checkpoints(one).newest(lambda text: None) for one in runs.glob("*/checkpoints")]
        finite = all(
            np.isfinite(array).all()
            for kept in stores
            if kept
            for array in kept.arrays.values()
            if array.dtype.kind == "f"
        )
        advised = (
            done.returncode == 1
            and "learning rate" in done.stderr
            and ("is nan" in done.stderr or "is inf" in done.stderr or "not finite" in done.stderr)
        )
        return {"advised": advised, "finite": bool(finite), "exported": bool(list(runs.glob("*/model.keras")))}


def memory(options: argparse.Namespace) -> dict[str, Any]:
    """R13: memory that does not suffice for the batch asked for: a control group gives the process so much of it."""
    group = _group(options.memory)
    if group is None:
        return {"missing": "a control group for memory, which takes root"}
    try:
        with tempfile.TemporaryDirectory() as temporary:
            runs = Path(temporary, "runs")
            asked = ["--recipe", "digits-2conv", "--epochs", "1", "--set", "batch_size=4800", "--precision", "float32"]
            train = [*TELLAPART, "train", str(data_in(Path(temporary))), *asked, "--runs", str(runs), "--json"]
            inside = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh", *train]
            done = subprocess.run(inside, capture_output=True, text=True)
            tried = [line for line in done.stderr.splitlines() if line.startswith("out of memory with batches of")]
            finished = done.returncode == 0 and bool(json.loads(done.stdout)["model"])
            return {"bytes": options.memory, "named": bool(tried), "tried": tried, "finished": finished}
    finally:
        group.rmdir()


def _group(most: int) -> Path | None:
    """A new control group with so many bytes of memory, below the one that this process is in."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, kinds, path = line.split(":", 2)
        if kinds not in ("", "memory"):
            continue
        group = Path("/sys/fs/cgroup", kinds, path.lstrip("/"), "tellapart-reliability")
        for limit in ("memory.max", "memory.limit_in_bytes"):
            try:
                group.mkdir(exist_ok=True)
                if (group / limit).exists():
                    (group / limit).write_text(str(most))
                    return group
            except OSError:
                continue
    return None


READ = """
import json, os, resource, sys, time
from pathlib import Path
from tellapart.classifier.classifier import load_classifier
from tellapart.classifier.foreign import read_foreign
from tellapart.errors import ModelFileError
folder, good, own = map(Path, sys.argv[1:])
read_foreign(good).network()  # what is imported late, and Keras
load_classifier(own).network
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("ready", flush=True)
sys.stdin.readline()
refused, longest = 0, 0.0
for path in sorted(folder.iterdir()):
    os.access(path, os.F_OK)  # whose trace begins here
    began = time.monotonic()
    try:
        load_classifier(path).network if path.name.startswith("own-") else read_foreign(path).network()
    except ModelFileError:
        refused += 1
    longest = max(longest, time.monotonic() - began)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"refused": refused, "longest": round(longest, 2), "mebibytes": round(grown / 1024)}))
"""


def hostile(options: argparse.Namespace) -> dict[str, Any]:
    """R18: hostile model files, with what the reading of each opens and starts, children included."""
    from tests import hostile_models

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "corpus")
        files, good, log = folder / "files", Path(temporary, "good.keras"), Path(temporary, "log")
        files.mkdir(parents=True)
        for name, data in (*hostile_models.keras_files(folder), *hostile_models.hdf5_files()):
            (files / name).write_bytes(data)
        own = next((HERE.parent / "tests" / "files").glob("tellapart-*.keras"))
        list(hostile_models.own_files(files, own))
        good.write_bytes(hostile_models.archive(hostile_models.sequential()))
        program = [READ, str(files), str(good), str(own)]
        said, status = followed(program, None)
        assert status == 0, said
        found = json.loads(said) | {"files": len(list(files.iterdir()))}
        if shutil.which("strace"):  # once more, since being looked at takes time
            look = ["-o", str(log), "-s", "400", "-e", f"trace={LOOKED},{','.join(STARTED)}"]
            said, status = followed(program, look)
            assert status == 0, said
            found |= opened(log.read_text(errors="replace"), files)
        return found | {"canary": (folder / "canary").exists()}


def cost(options: argparse.Namespace) -> dict[str, Any]:
    """What checkpoints cost: the time in which they are written, fsync and reading back included, of all training."""
    code = (
        "import sys, time, json\nfrom tellapart.training import saving\nreal = saving.Saving.save\nspent = []\n"
        "def save(self, finished=False):\n    began = time.monotonic()\n    real(self, finished)\n"
        "    spent.append(time.monotonic() - began)\nsaving.Saving.save = save\nimport tellapart\n"
        "run = tellapart.train('mnist', recipe=sys.argv[1], epochs=int(sys.argv[2]), runs=sys.argv[3], "
        "on_event=lambda e: None)\n"
        "print(json.dumps({'saves': len(spent), 'seconds': sum(spent), 'training': run.train_seconds}))\n"
    )
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        for recipe, epochs in (("quick", "6"), ("digits-2conv", "4")):
            done = subprocess.run(
                [sys.executable, "-c", code, recipe, epochs, temporary], capture_output=True, text=True, check=True
            )
            one = json.loads(done.stdout.splitlines()[-1])
            found[recipe] = one | {"share": one["seconds"] / one["training"]}
            print(recipe, found[recipe], flush=True)
    return found


LINES: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    one.__name__: one
    for one in (calls, writes, disk, damage, signals, locks, wild, memory, hostile, cost, long, killed)
}


def main() -> None:
    """Measure the lines that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="*", choices=[[], *LINES], default=list(LINES))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--trainings", type=int, default=40)
    parser.add_argument("--least", type=float, default=3.0, help="seconds from a start to a kill, at least")
    parser.add_argument("--most", type=float, default=11.0)
    parser.add_argument("--epochs", type=int, default=62, help="of the long training")
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--stops", type=int, default=12)
    parser.add_argument("--memory", type=int, default=3 * 2**30, help="bytes, for the line of that name")
    options = parser.parse_args()
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets its background jobs ignore it
    for name in options.lines:
        found = LINES[name](options)
        print(name, json.dumps(found), flush=True)
        record("reliability", {"line": name} | found)
    draw()


if __name__ == "__main__":
    main()
