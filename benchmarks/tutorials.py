"""Run the five tutorial systems on their own data, command by command, and print the table of docs/tutorials.md.

    python benchmarks/tutorials.py [--only B] [--write]

Needs the data sets mnist and fashion-mnist (by name) and the cats and dogs photos as `cats-dogs.zip` in
`$TELLAPART_DATA`. About ten minutes on two cores. `--write` puts the table into docs/tutorials.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

import tellapart
from tellapart.training.run import machine, versions

PAGE = Path(__file__).parent.parent / "docs" / "tutorials.md"


def kaggle_csv(folder: Path) -> Path:
    """Fashion-MNIST as Kaggle ships it: label,pixel1,...,pixel784 in two files, fashion-mnist_{train,test}.csv."""
    collection = tellapart.open("fashion-mnist")
    folder.mkdir()
    for part in ("train", "test"):
        chosen = collection.indices(part)
        pixels = collection.pictures.array[chosen].reshape(len(chosen), -1)
        table = pl.DataFrame(pixels, schema=[f"pixel{i}" for i in range(1, pixels.shape[1] + 1)])
        table.insert_column(0, pl.Series("label", collection.labels[chosen])).write_csv(
            folder / f"fashion-mnist_{part}.csv"
        )
    (folder / "classes.txt").write_text("\n".join(collection.class_names) + "\n")
    return folder


def commands(folder: Path, only: str | None) -> dict[str, list[str]]:
    """The command of each tutorial; where one says nothing of validation, 10 % of training is kept for it."""
    csv = folder / "fashion-csv"
    table = {
        "A, one epoch": ["train", "mnist", "--recipe", "lenet", "--epochs", "1", "--validation", "0"],
        "A": ["train", "mnist", "--recipe", "lenet"],
        "B": [
            *("train", str(csv), "--recipe", "fashion-3conv", "--validation", "0.3", "--seed", "42"),
            *("--classes", str(csv / "classes.txt")),
        ],
        "C": ["train", "fashion-mnist", "--recipe", "fashion-6conv"],
        "D": ["train", "mnist", "--recipe", "digits-2conv"],
        "E": ["train", str(Path(os.environ["TELLAPART_DATA"]) / "cats-dogs.zip"), "--recipe", "cats-dogs"],
        "dense": ["train", "mnist", "--recipe", "dense"],
        "quick": ["train", "mnist"],
        "quick on B and C's data": ["train", "fashion-mnist"],
    }
    if only in (None, "B"):
        kaggle_csv(csv)
    return {name: command for name, command in table.items() if only in (None, name)}


def row(name: str, command: list[str], result: dict) -> str:
    """A line of the table."""
    found = result["results"]
    test, validation = found["test"], found.get("validation")
    low, high = test["accuracy_interval"]
    chosen = format(validation["accuracy"], ".2%") if validation else "none"
    words = " ".join(Path(word).name if "/" in word else word for word in command)
    return (
        f"| {name} | `tellapart {words}` | {found['epochs']}, kept {found['best_epoch']} "
        f"| {found['train_seconds']:.0f} s "
        f"| {chosen} | **{test['accuracy']:.2%}** ({low:.2%} to {high:.2%}) | {test['loss']:.4f} |"
    )


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines = [
        "| tutorial | command | epochs | fit | validation accuracy | test accuracy (95 % interval) | test loss |",
        "|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        for name, command in commands(Path(temporary), options.only).items():
            words = [sys.executable, "-m", "tellapart", *command, "--runs", f"{temporary}/runs", "--json"]
            done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
            lines.append(row(name, command, json.loads(done.stdout)))
            print(lines[-1], flush=True)
    found = versions()
    where = machine()
    lines += [
        "",
        f"Measured on {where['cores']} cores of {where['processor']}, Keras {found['keras']}; one run each, "
        "seed 0 where none is named.",
    ]
    text = "\n".join(lines)
    print(text)
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        marked = re.sub(r"(<!-- measured -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{text}\n{m[2]}", page, flags=re.S)
        PAGE.write_text(marked, encoding="utf-8")


if __name__ == "__main__":
    main()
