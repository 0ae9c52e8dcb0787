"""Run the five tutorial systems on their own data and record their results for docs/tutorials.md.

    python benchmarks/tutorials.py [--only B]

Needs the data sets mnist and fashion-mnist (by name) and the cats and dogs photos as `cats-dogs.zip` in
`$TELLAPART_DATA`. About ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

import tellapart as library
from _results import record, redraw, tellapart, timed
from _tables import measured_on, table


def kaggle_csv(folder: Path) -> Path:
    """Write Fashion-MNIST as Kaggle distributes it: fashion-mnist_{train,test}.csv with label,pixel1,...,pixel784."""
    collection = library.open("fashion-mnist")
    folder.mkdir()
    for split in ("train", "test"):
        chosen = collection.indices(split)
        pixels = collection.pictures.array[chosen].reshape(len(chosen), -1)
        table = pl.DataFrame(pixels, schema=[f"pixel{i}" for i in range(1, pixels.shape[1] + 1)])
        table.insert_column(0, pl.Series("label", collection.labels[chosen])).write_csv(
            folder / f"fashion-mnist_{split}.csv"
        )
    (folder / "classes.txt").write_text("\n".join(collection.class_names) + "\n")
    return folder


def commands(folder: Path, only: str | None) -> dict[str, list[str]]:
    """The command of each tutorial. By default the validation split is 10 % of the training pictures."""
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


def metrics(name: str, command: list[str], folder: Path) -> dict[str, Any]:
    """Run a command. Returns the results for the table."""
    results = json.loads(timed(tellapart(*command, "--runs", str(folder / "runs"), "--json"))[1])["results"]
    data = os.environ["TELLAPART_DATA"]
    shown = [word.removeprefix(f"{folder}/").removeprefix(f"{data}/") for word in command]
    validation = results.get("validation")
    return {
        "name": name,
        "command": f"tellapart {' '.join(shown)}",
        "epochs": results["epochs"],
        "best_epoch": results["best_epoch"],
        "fit_seconds": results["train_seconds"],
        "validation_accuracy": validation["accuracy"] if validation else None,
        **{f"test_{key}": results["test"][key] for key in ("accuracy", "accuracy_interval", "loss")},
    }


def page(measurements: list[dict[str, Any]], old: str) -> str:
    """docs/tutorials.md: the text of the `old` page, with a table of the newest measurement of each tutorial."""
    head = ["tutorial", "command", "epochs", "fit", "validation accuracy", "test accuracy (95 % interval)", "test loss"]
    rows, newest = [], {line["name"]: line for line in measurements}
    for line in newest.values():
        low, high = line["test_accuracy_interval"]
        validation = line["validation_accuracy"]
        rows.append(
            [
                line["name"],
                f"`{line['command']}`",
                f"{line['epochs']}, kept {line['best_epoch']}",
                f"{line['fit_seconds']:.0f} s",
                "none" if validation is None else f"{validation:.2%}",
                f"**{line['test_accuracy']:.2%}** ({low:.2%} to {high:.2%})",
                f"{line['test_loss']:.4f}",
            ]
        )
    about = f"{measured_on(list(newest.values()))} One run each; seed 0 unless the command sets another."
    text = f"{table(head, rows)}\n\n{about}"
    return re.sub(r"(<!-- measured -->\n).*?(<!-- end -->)", lambda m: f"{m[1]}{text}\n{m[2]}", old, flags=re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for name, command in commands(Path(temporary), options.only).items():
            line = metrics(name, command, Path(temporary))
            record("tutorials", line)
            print(json.dumps(line), flush=True)
    redraw()


if __name__ == "__main__":
    main()
