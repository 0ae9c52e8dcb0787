"""Tutorial systems in stock Keras `fit` against tellapart's same recipe and against quick: time and accuracy.

    python benchmarks/training.py CASE... [--seeds 0 1 2] [--only NAME]

CASE is one of `mnist fashion-mnist cats-dogs cifar10 photos engine`; needs `$TELLAPART_DATA`. Contenders of a seed run
one after the other, each in a process of its own. Several hours for everything on two cores.
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
from results import HERE, arguments, draw, record, spread, table, tellapart, timed, where

NOTES = {
    "cifar10": "Learnt from the first 45,000 pictures of CIFAR-10's training split, measured on its other 5,000 and "
    "the first 1,000 of the test split: `cifar10.npz`, which `training.py cifar10` makes, is so cut.",
}
"""What is to be known of a case, beside its commands."""

FROM_FILES = ("cats-dogs", "photos")
"""Stock Keras decodes pictures within `fit`, tellapart before it: what is compared is the whole command."""

SITTING = 60.0
"""Seconds: what began no later after the end of the line before is of the same sitting."""

Contender = tuple[str, list[str]]
"""A name, and either ["stock", SYSTEM] or the words after `tellapart`."""


def cases(folder: Path) -> dict[str, list[Contender]]:
    """What is compared, in the order of running; the first of a case is what the others are measured by."""
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
                "quick, six looks, 4 minutes",
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
            ("flowers, 128 x 128, which show 32 x 32", ["train", flowers, "--recipe", "photos"]),
        ],
        "engine": [
            ("A in stock Keras", ["stock", "A"]),
            ("A here", ["train", "mnist", "--recipe", "lenet", *whole]),
            ("B in stock Keras", ["stock", "B"]),
            ("B here", ["train", "fashion-mnist", "--recipe", "fashion-3conv", "--validation", "0.3"]),
        ],
    }


def write_cifar(path: Path) -> None:
    """CIFAR-10 with 45,000 pictures to train on; the test split is the other 5,000 and what there is of the test."""
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
    """The figures of one contender."""
    if words[0] == "stock":
        command = [sys.executable, str(HERE / "stock.py"), words[1], "--seed", str(seed)]
        seconds, output = timed(command)
        return json.loads(output) | {"wall_seconds": seconds}
    command = tellapart(*words, "--seed", str(seed), "--runs", str(folder / "runs"), "--json")
    seconds, output = timed(command)
    found = json.loads(output)
    record_ = json.loads(Path(found["run"], "run.json").read_text(encoding="utf-8"))
    with Path(found["run"], "history.csv").open(encoding="utf-8") as file:
        history = list(csv.DictReader(file))
    epochs = [float(row["seconds"]) for row in history]
    seen = [float(row["val_accuracy"]) for row in history if "val_accuracy" in row]
    results = found["results"]
    one_look = results.get("test_one_view", results["test"])
    return {
        "fit_seconds": results["train_seconds"],
        # With a budget some epochs are broken off, and which is not written down.
        "images_per_second": None if "--minutes" in words else record_["split"]["counts"]["train"] / min(epochs),
        "test_accuracy": results["test"]["accuracy"],
        "one_look_accuracy": one_look["accuracy"],
        "wall_seconds": seconds,
        "epochs": results["epochs"],
        "precision": record_["precision"],
    } | ({"best_validation": max(seen), "last_validation": seen[-1]} if seen else {})


def section(found: list[dict[str, Any]]) -> str:
    """The tables of this benchmark."""
    splits = ["## Training", "", f"`python benchmarks/training.py CASE`. {where(found)}", ""]
    for case in dict.fromkeys(line["case"] for line in found):
        rows = [line for line in found if line["case"] == case]
        time = "wall_seconds" if case in FROM_FILES else "fit_seconds"
        splits += [f"### {case}", "", *([NOTES[case], ""] if case in NOTES else []), _table(rows, time), ""]
    return "\n".join(splits)


def _table(found: list[dict[str, Any]], time: str) -> str:
    head = [
        "",
        "command",
        "precision",
        "seeds",
        "fit, s",
        "whole command, s",
        "test accuracy, %",
        "images a second",
        "whole time by stock's" if time == "wall_seconds" else "fit time by stock's",
    ]
    rows, of = [], _sittings(found)
    for name in dict.fromkeys(line["name"] for line in found):
        mine = sorted((line for line in found if line["name"] == name), key=lambda line: line["seed"])
        accuracy = spread((line["test_accuracy"] * 100 for line in mine), ".2f")
        plain = [line["one_look_accuracy"] * 100 for line in mine if "one_look_accuracy" in line]
        if plain and plain != [line["test_accuracy"] * 100 for line in mine]:
            accuracy += f"; one look {spread(plain, '.2f')}"
        rows.append(
            [
                name,
                f"`{mine[0]['command']}`",
                ", ".join(sorted({line.get("precision", "float32") for line in mine})),
                " ".join(str(line["seed"]) for line in mine),
                spread(line["fit_seconds"] for line in mine),
                spread(line["wall_seconds"] for line in mine),
                accuracy,
                spread((line["images_per_second"] for line in mine if line["images_per_second"]), ",.0f"),
                _ratio(mine, found, of, time),
            ]
        )
    return table(head, rows)


def _sittings(found: list[dict[str, Any]]) -> dict[str, int]:
    """For the time of each line, the number of its sitting: within one, a line began when the one before was done."""
    numbers: dict[str, int] = {}
    number, before, machine = 0, 0.0, None
    for line in sorted(found, key=lambda line: line["when"]):
        end = datetime.fromisoformat(line["when"]).timestamp()
        number += end - line["wall_seconds"] - before > SITTING or line["machine"] != machine
        numbers[line["when"]], before, machine = number, end, line["machine"]
    return numbers


def _ratio(mine: list[dict[str, Any]], found: list[dict[str, Any]], sittings: dict[str, int], time: str) -> str:
    """The mean over seeds of the time, by that of the same tutorial in stock Keras, same seed and same sitting."""
    ratios = {}
    for line in mine:
        stock = [o for o in found if o["seed"] == line["seed"] and "stock" in o["name"]]
        stock = [o for o in stock if o["name"][0] == line["name"][0]] or stock
        stock = [o for o in stock if sittings[o["when"]] == sittings[line["when"]]]
        if stock and "stock" not in line["name"]:
            ratios[line["seed"]] = stock[-1][time] / line[time]
    if not ratios:
        return "-"
    seeds = f" (seed {', '.join(map(str, ratios))})" if len(ratios) < len(mine) else ""
    return f"1/{statistics.fmean(ratios.values()):.1f}{seeds}"


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("case", nargs="+")
    parser.add_argument("--only", help="the contender of this name")
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
    draw()


if __name__ == "__main__":
    main()
