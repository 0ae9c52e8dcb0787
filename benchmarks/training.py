"""Time and accuracy of the tutorial systems in stock Keras, of the same recipes in tellapart, and of quick.

    python benchmarks/training.py CASE... [--seeds 0 1 2] [--only NAME]

CASE is one of `mnist fashion-mnist cats-dogs cifar10 photos engine`; needs `$TELLAPART_DATA`. The contenders
of a seed run one after the other, each in a new process. Everything takes several hours on two cores.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

import tellapart as library
from _results import HERE, arguments, record, redraw, tellapart, timed
from _tables import as_section, mean_and_range, measured_on, table

NOTES = {
    "cifar10": "Trained on the first 45,000 pictures of CIFAR-10's training split, measured on its other 5,000 and "
    "the first 1,000 of the test split. `training.py cifar10` writes `cifar10.npz` with these splits.",
}
"""What to know about a case besides its commands."""

FROM_FILES = ("cats-dogs", "photos")
"""Stock Keras decodes pictures within `fit`, tellapart before it, so the time of the whole command is compared."""

SESSION = 60.0
"""A measurement belongs to the same session if it starts at most this many seconds after the end of the last one."""

Contender = tuple[str, list[str]]
"""A name, and either ["stock", SYSTEM] or the words after `tellapart`."""


def cases(folder: Path) -> dict[str, list[Contender]]:
    """The contenders of each case, in the order of running; the others are compared with the first of a case."""
    photos, flowers = (str(Path(os.environ["TELLAPART_DATA"], f"{name}.zip")) for name in ("cats-dogs", "flowers"))
    whole = ["--validation", "0"]
    return {
        "mnist": [
            ("D in stock Keras", ["stock", "D"]),
            ("D here", ["train", "mnist", "--recipe", "digits-2conv", *whole]),
            ("quick, 18 s in all", ["train", "mnist", "--minutes", "0.3"]),
            ("quick, 1 epoch", ["train", "mnist", "--epochs", "1"]),
            ("quick", ["train", "mnist"]),
        ],
        "fashion-mnist": [
            ("C in stock Keras", ["stock", "C"]),
            ("C here", ["train", "fashion-mnist", "--recipe", "fashion-6conv", *whole]),
            ("quick, 2 epochs", ["train", "fashion-mnist", "--epochs", "2"]),
            ("quick", ["train", "fashion-mnist"]),
            ("quick-94", ["train", "fashion-mnist", "--recipe", "quick-94"]),
        ],
        "cats-dogs": [
            ("E in stock Keras", ["stock", "E"]),
            ("E here", ["train", photos, "--recipe", "cats-dogs"]),
            ("quick-94", ["train", photos, "--recipe", "quick-94", "--minutes", "4"]),
        ],
        "cifar10": [
            (
                "quick, six views, 4 minutes",
                ["train", str(folder / "cifar10.npz"), "--set", "views=mirror-shift", "--minutes", "4", *whole],
            ),
            (
                "quick-94, 15 minutes",
                ["train", str(folder / "cifar10.npz"), "--recipe", "quick-94", "--minutes", "15", *whole],
            ),
        ],
        "photos": [
            ("cats-dogs, 64 x 64", ["train", photos, "--recipe", "photos", "--set", "side=64"]),
            ("cats-dogs, 128 x 128", ["train", photos, "--recipe", "photos", "--set", "side=128"]),
            ("flowers, 128 x 128, enlarged from 32 x 32", ["train", flowers, "--recipe", "photos"]),
        ],
        "engine": [
            ("A in stock Keras", ["stock", "A"]),
            ("A here", ["train", "mnist", "--recipe", "lenet", *whole]),
            ("B in stock Keras", ["stock", "B"]),
            ("B here", ["train", "fashion-mnist", "--recipe", "fashion-3conv", "--validation", "0.3"]),
        ],
    }


def write_cifar(path: Path) -> None:
    """Write CIFAR-10 with 45,000 training pictures; the test split is the other 5,000 and 1,000 test pictures."""
    collection = library.open("cifar10")
    train, test = collection.indices("train"), collection.indices("test")[:1000]
    measured = np.concatenate([train[45000:], test])
    named = {"train": train[:45000], "test": measured}
    content = {}
    for split, chosen in named.items():
        content[f"x_{split}"] = np.stack([collection.read(int(i)) for i in chosen])
        content[f"y_{split}"] = collection.labels[chosen]
    np.savez(path, **content)


def run(words: list[str], seed: int, folder: Path) -> dict[str, Any]:
    """The metrics of one contender."""
    if words[0] == "stock":
        command = [sys.executable, str(HERE / "stock.py"), words[1], "--seed", str(seed)]
        seconds, output = timed(command)
        return json.loads(output) | {"wall_seconds": seconds}
    command = tellapart(*words, "--seed", str(seed), "--runs", str(folder / "runs"), "--json")
    seconds, output = timed(command)
    outcome = json.loads(output)
    run_record = json.loads(Path(outcome["run"], "run.json").read_text(encoding="utf-8"))
    with Path(outcome["run"], "history.csv").open(encoding="utf-8") as file:
        history = list(csv.DictReader(file))
    epochs = [float(row["seconds"]) for row in history]
    validation = [float(row["val_accuracy"]) for row in history if "val_accuracy" in row]
    results = outcome["results"]
    one_view = results.get("test_one_view", results["test"])
    return {
        "fit_seconds": results["train_seconds"],
        # With a time limit some epochs are cut short, and the history does not say which.
        "images_per_second": None if "--minutes" in words else run_record["split"]["counts"]["train"] / min(epochs),
        "test_accuracy": results["test"]["accuracy"],
        "one_view_accuracy": one_view["accuracy"],
        "wall_seconds": seconds,
        "epochs": results["epochs"],
        "precision": run_record["precision"],
    } | ({"best_validation": max(validation), "last_validation": validation[-1]} if validation else {})


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md, with a table for each case."""
    blocks = []
    for case in dict.fromkeys(line["case"] for line in measurements):
        mine = [line for line in measurements if line["case"] == case]
        time = "wall_seconds" if case in FROM_FILES else "fit_seconds"
        blocks += [f"### {case}", *([NOTES[case]] if case in NOTES else []), _table(mine, time)]
    return as_section("Training", f"`python benchmarks/training.py CASE`. {measured_on(measurements)}", *blocks)


def _table(measurements: list[dict[str, Any]], time: str) -> str:
    head = [
        "",
        "command",
        "precision",
        "seeds",
        "fit, s",
        "whole command, s",
        "test accuracy, %",
        "images per second",
        "whole time relative to stock" if time == "wall_seconds" else "fit time relative to stock",
    ]
    rows, sessions = [], _sessions(measurements)
    for name in dict.fromkeys(line["name"] for line in measurements):
        mine = sorted((line for line in measurements if line["name"] == name), key=lambda line: line["seed"])
        accuracy = mean_and_range((line["test_accuracy"] * 100 for line in mine), ".2f")
        plain = [line["one_view_accuracy"] * 100 for line in mine if "one_view_accuracy" in line]
        if plain and plain != [line["test_accuracy"] * 100 for line in mine]:
            accuracy += f"; one view {mean_and_range(plain, '.2f')}"
        rows.append(
            [
                name,
                f"`{mine[0]['command']}`",
                ", ".join(sorted({line.get("precision", "float32") for line in mine})),
                " ".join(str(line["seed"]) for line in mine),
                mean_and_range(line["fit_seconds"] for line in mine),
                mean_and_range(line["wall_seconds"] for line in mine),
                accuracy,
                mean_and_range((line["images_per_second"] for line in mine if line["images_per_second"]), ",.0f"),
                _ratio(mine, measurements, sessions, time),
            ]
        )
    return table(head, rows)


def _sessions(measurements: list[dict[str, Any]]) -> dict[str, int]:
    """The number of the session of each measurement, by its time: in a session each starts when the last one ends."""
    sessions: dict[str, int] = {}
    number, before, machine = 0, 0.0, None
    for line in sorted(measurements, key=lambda line: line["when"]):
        end = datetime.fromisoformat(line["when"]).timestamp()
        number += end - line["wall_seconds"] - before > SESSION or line["machine"] != machine
        sessions[line["when"]], before, machine = number, end, line["machine"]
    return sessions


def _ratio(mine: list[dict[str, Any]], measurements: list[dict[str, Any]], sessions: dict[str, int], time: str) -> str:
    """The mean over seeds of the time relative to the same tutorial in stock Keras, for the same seed and session."""
    ratios = {}
    for line in mine:
        stock = [other for other in measurements if other["seed"] == line["seed"] and "stock" in other["name"]]
        stock = [other for other in stock if other["name"][0] == line["name"][0]] or stock
        stock = [other for other in stock if sessions[other["when"]] == sessions[line["when"]]]
        if stock and "stock" not in line["name"]:
            ratios[line["seed"]] = stock[-1][time] / line[time]
    if not ratios:
        return "-"
    seeds = f" (seed {', '.join(map(str, ratios))})" if len(ratios) < len(mine) else ""
    return f"1/{statistics.fmean(ratios.values()):.1f}{seeds}"


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("case", nargs="+")
    parser.add_argument("--only", help="run only the contender of this name")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if "cifar10" in options.case:
            write_cifar(folder / "cifar10.npz")
        for case in options.case:
            for seed in options.seeds:
                for name, words in cases(folder)[case]:
                    if options.only not in (None, name):
                        continue
                    shown = " ".join(Path(word).name if "/" in word else word for word in words)
                    command = f"tellapart {shown}" if words[0] != "stock" else f"python benchmarks/stock.py {words[1]}"
                    metrics = {"case": case, "name": name, "seed": seed, "command": command} | run(words, seed, folder)
                    record("training", metrics)
                    print(json.dumps(metrics), flush=True)
    redraw()


if __name__ == "__main__":
    main()
