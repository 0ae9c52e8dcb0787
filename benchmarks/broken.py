"""Measure what happens to trainings that are killed, stopped, out of disk or memory, or whose loss becomes NaN."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import tellapart
from tellapart.errors import CheckpointError
from tellapart.training.checkpoints import Checkpoints

TELLAPART = (sys.executable, "-m", "tellapart")
PICTURES = 6_000
RECIPES = {
    "quick": ("quick", "--epochs", "6", "--set", "augmentation.shift=0.1", "--set", "augmentation.cutout=0.3"),
    "tutorial B": ("digits-2conv", "--epochs", "4"),
}
EVERY = 1.0
"""Seconds between checkpoints."""


def data_in(folder: Path) -> Path:
    """Write 6,000 digits of MNIST as an NPZ file. Returns its path."""
    path = folder / "digits.npz"
    if not path.exists():
        collection = tellapart.open("mnist")
        chosen = np.random.default_rng(0).permutation(len(collection))[:PICTURES]
        pixels = np.stack([collection.read(int(i)) for i in chosen])[..., 0]
        np.savez(path, x=pixels, y=collection.labels[chosen])
    return path


def command(recipe: str, data: Path, runs: Path, *more: str) -> list[str]:
    """The command of the training that is interrupted."""
    name, *options = RECIPES[recipe]
    asked = ["--recipe", name, *options, "--runs", str(runs), "--save-every", str(EVERY), "--precision", "float32"]
    return [*TELLAPART, "train", str(data), *asked, "--deterministic", "--resume", "auto", "--json", *more]


def weights(model: str) -> list[bytes]:
    """The weights of a model file."""
    return [array.tobytes() for array in tellapart.load(model).network.get_weights()]


def killed(options: argparse.Namespace) -> dict[str, Any]:
    """SIGKILL at random moments, then the same command again. Compares the weights with an uninterrupted training."""
    rng = random.Random(options.seed)
    counts = {"kills": 0, "resumed": 0, "trainings": 0, "same": 0, "same_best": 0, "lost": [], "by_recipe": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        data = data_in(folder)
        whole = {}
        for recipe in RECIPES:
            began = time.monotonic()
            whole[recipe] = _finished(command(recipe, data, folder / f"whole-{recipe}"))
            print(f"{recipe}: uninterrupted in {time.monotonic() - began:.0f} s", flush=True)
        while counts["kills"] < options.kills or counts["trainings"] < options.trainings:
            recipe = list(RECIPES)[counts["trainings"] % len(RECIPES)]
            runs = folder / f"broken-{counts['trainings']}"
            _train_with_kills(recipe, data, runs, rng, counts, options.least, options.most)
            broken = _finished(command(recipe, data, runs))
            folders = list(runs.iterdir())
            assert len(folders) == 1, f"{len(folders)} run folders: a training was started from scratch"
            same = weights(broken["model"]) == weights(whole[recipe]["model"])
            best = broken["results"]["best_epoch"] == whole[recipe]["results"]["best_epoch"]
            counts["trainings"] += 1
            counts["same"] += same
            counts["same_best"] += best
            of_recipe = counts["by_recipe"].setdefault(recipe, {"trainings": 0, "same": 0})
            of_recipe["trainings"] += 1
            of_recipe["same"] += same
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
    """Start a training and kill it, several times. Counts what each kill cost, and whether the next start resumed."""
    for _ in range(5):
        before = _newest(runs)
        with subprocess.Popen(
            command(recipe, data, runs), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as run:
            time.sleep(rng.uniform(least, most))
            finished = run.poll() is not None
            run.kill()
            notes = run.stderr.read()
        if finished:
            assert run.returncode == 0, notes
            return
        counts["kills"] += 1
        if before is not None:
            resumed = "resuming" in notes or not notes.strip()  # or it was killed before it could print anything
            resumed &= "WARNING" not in notes
            after = _newest(runs)
            done = (runs / "nothing").exists() or after is None or after[0] >= before[0]
            counts["resumed"] += resumed and done
        else:
            counts["resumed"] += 1  # there was no checkpoint yet
        after = _newest(runs)
        if after is not None and (before is None or after[0] > before[0]):
            counts["lost"].append(time.time() - after[1])


def _newest(runs: Path) -> tuple[tuple[int, int], float] | None:
    """Epoch and batch of the newest intact checkpoint, and when it was written; None if there is none yet."""
    for folder in runs.glob("*/checkpoints"):
        try:
            kept = Checkpoints(folder).newest(lambda text: None)
        except CheckpointError:
            raise AssertionError(f"{folder}: no intact checkpoint after a kill") from None
        if kept is not None:
            return (kept.values["epoch"], kept.values["batch"]), kept.path.stat().st_mtime
    return None


def long(options: argparse.Namespace) -> dict[str, Any]:
    """A training of several minutes, killed every 20 to 60 seconds, compared with an uninterrupted one."""
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


def signals(options: argparse.Namespace) -> dict[str, Any]:
    """Ctrl-C and SIGTERM at random moments of a training, once and twice."""
    rng = random.Random(options.seed)
    metrics: dict[str, Any] = {"stops": 0, "kept": 0, "longest": 0.0, "second": 0.0}
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
                notes = run.stderr.read()
            if twice:
                metrics["second"] = max(metrics["second"], seconds)
                continue
            metrics["stops"] += 1
            metrics["longest"] = max(metrics["longest"], seconds)
            kept = Checkpoints(next(runs.glob("*/checkpoints"))).newest(lambda text: None)
            metrics["kept"] += run.returncode == 128 + number and kept is not None and "--resume" in notes
    return {key: round(value, 2) for key, value in metrics.items()}


def locks(options: argparse.Namespace) -> dict[str, Any]:
    """Two processes in one run folder, and the lock of a killed process."""
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
            refused = done.returncode == 2 and f"process {run.pid} " in done.stderr
            run.kill()
        with subprocess.Popen(
            [*TELLAPART, "train", "--resume", str(place)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as run:
            epoch = next((line for line in run.stderr if "epoch" in line and "/40" in line), "")
            run.kill()
    return {"refused": refused, "recovered": bool(epoch)}


def wild(options: argparse.Namespace) -> dict[str, Any]:
    """A loss that becomes NaN."""
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
        # The learning rate rises. Above 10, an L2 of 0.1 pushes weights past 0 to ever larger values.
        changes = ("optimizer=sgd", "learning_rate=30", "schedule=linear", "warmup=0.9", "l2=0.1", "epochs=12")
        rate = [word for change in changes for word in ("--set", change)]
        done = subprocess.run([*name, *rate], capture_output=True, text=True)
        stores = [Checkpoints(path).newest(lambda text: None) for path in runs.glob("*/checkpoints")]
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
            and any(word in done.stderr.lower() for word in ("nan", "inf", "finite"))
        )
        return {"advised": advised, "finite": bool(finite), "exported": bool(list(runs.glob("*/model.keras")))}


def memory(options: argparse.Namespace) -> dict[str, Any]:
    """Too little memory for the batch size: a control group limits the memory of the process."""
    group = _group(options.memory)
    if group is None:
        return {"missing": "a control group for memory (needs root)"}
    try:
        with tempfile.TemporaryDirectory() as temporary:
            runs = Path(temporary, "runs")
            asked = ["--recipe", "digits-2conv", "--epochs", "1", "--set", "batch_size=4800", "--precision", "float32"]
            train = [*TELLAPART, "train", str(data_in(Path(temporary))), *asked, "--runs", str(runs), "--json"]
            inside = ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh", *train]
            done = subprocess.run(inside, capture_output=True, text=True)
            tried = [line for line in done.stderr.splitlines() if line.startswith("out of memory")]
            finished = done.returncode == 0 and bool(json.loads(done.stdout)["model"])
            return {"bytes": options.memory, "named": bool(tried), "tried": tried, "finished": finished}
    finally:
        group.rmdir()


def _group(most: int) -> Path | None:
    """Make a control group with a limit of `most` bytes of memory, inside the group of this process."""
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


def disk(options: argparse.Namespace) -> dict[str, Any]:
    """A disk that is nearly full at the start, and one that becomes full during training."""
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
            refused = done.returncode == 2 and "bytes" in done.stderr
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
                kept = [Checkpoints(path).newest(lambda text: None) for path in place.glob("runs/*/checkpoints")]
                filler.unlink()
                out, notes = run.communicate(timeout=600)
            warned = "No space left on device" in notes
            return {
                "refused": refused, "seconds": round(seconds, 2), "warned": warned, "whole": all(kept) and bool(kept),
                "finished": run.returncode == 0 and bool(json.loads(out)["model"]),
            }  # fmt: skip
        finally:
            subprocess.run(["umount", "-l", str(place)], check=False)


def cost(options: argparse.Namespace) -> dict[str, Any]:
    """The share of the training time that checkpoints take: writing, fsync and reading back."""
    code = (
        "import sys, time, json\nfrom tellapart.training import saving\nreal = saving.Saving.save\nspent = []\n"
        "def save(self, finished=False):\n    began = time.monotonic()\n    real(self, finished)\n"
        "    spent.append(time.monotonic() - began)\nsaving.Saving.save = save\nimport tellapart\n"
        "run = tellapart.train('mnist', recipe=sys.argv[1], epochs=int(sys.argv[2]), runs=sys.argv[3], "
        "on_event=lambda e: None)\n"
        "print(json.dumps({'saves': len(spent), 'seconds': sum(spent), 'training': run.train_seconds}))\n"
    )
    costs = {}
    with tempfile.TemporaryDirectory() as temporary:
        for recipe, epochs in (("quick", "6"), ("digits-2conv", "4")):
            done = subprocess.run(
                [sys.executable, "-c", code, recipe, epochs, temporary], capture_output=True, text=True, check=True
            )
            times = json.loads(done.stdout.splitlines()[-1])
            costs[recipe] = times | {"share": times["seconds"] / times["training"]}
            print(recipe, costs[recipe], flush=True)
    return costs
