"""The tables of transfer.py."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from typing import Any

from _tables import as_section, mean_and_range, measured_on, table

Lines = list[dict[str, Any]]


def percents(lines: Iterable[dict[str, Any]]) -> str:
    """Mean and range of accuracies in percent."""
    return mean_and_range((line["accuracy"] * 100 for line in lines), ".2f")


def seconds(lines: Iterable[dict[str, Any]]) -> str:
    """Mean and range of seconds."""
    return mean_and_range((line["seconds"] for line in lines), ".1f")


def recipes(lines: Iterable[dict[str, Any]]) -> str:
    """The recipes that were used."""
    return ", ".join(sorted({line["chosen"] for line in lines}))


def grouped(lines: Lines, *keys: str) -> dict[tuple[Any, ...], Lines]:
    """The lines that agree in some keys, in the order of measuring."""
    groups: dict[tuple[Any, ...], Lines] = {}
    for line in lines:
        groups.setdefault(tuple(line[key] for key in keys), []).append(line)
    return groups


def mean(lines: Lines) -> float:
    """The mean accuracy 0..1."""
    return statistics.fmean(line["accuracy"] for line in lines)


def small(lines: Lines) -> str:
    """A row for each set."""
    rows = []
    for (name,), group in grouped(lines, "set").items():
        ways = grouped(group, "way")
        ours, scratch = ways.get(("auto",), []), ways.get(("from scratch",), [])
        gained = f"{100 * (mean(ours) - mean(scratch)):+.1f}" if ours and scratch else "-"
        shown = [name, recipes(ours), percents(ours), seconds(ours), recipes(scratch), percents(scratch)]
        rows.append([*shown, seconds(scratch), gained])
    head = ["set", "recipe", "accuracy, %", "seconds", "from scratch", "accuracy, %", "seconds", "gained, points"]
    return table(head, rows)


def few(lines: Lines) -> str:
    """A row for each set and number."""
    rows = [
        [name, str(count), recipes(group), percents(group), seconds(group)]
        for (name, count), group in grouped(lines, "set", "per_class").items()
    ]
    return table(["set", "photos of each class", "recipe", "accuracy, %", "seconds"], rows)


def whole(lines: Lines) -> str:
    """A row for each set and run."""
    rows = [
        [name, f"{group[0]['trained']:,}", which, recipes(group), percents(group), seconds(group)]
        for (name, which), group in grouped(lines, "set", "which").items()
    ]
    return table(["set", "training pictures", "run", "recipe", "accuracy, %", "seconds"], rows)


def auto(lines: Lines) -> str:
    """A row for each set: every way, the best other way less `auto`, and the standard error of its accuracy."""
    names = [way for (way,) in grouped(lines, "way")]
    others = [way for way in names if way != "auto"]
    rows = []
    for (name,), group in grouped(lines, "set").items():
        ways = grouped(group, "way")
        row = [name, recipes(ways.get(("auto",), [])), *(percents(ways.get((way,), [])) for way in names)]
        measured = [ways[(way,)] for way in others if (way,) in ways]
        if measured and ("auto",) in ways:
            best = max(measured, key=mean)
            share = mean(best)
            count = best[0]["tested"] if best[0]["own_test"] else sum(line["tested"] for line in best)
            error, behind = math.sqrt(share * (1 - share) / count), share - mean(ways[("auto",)])
            row += [f"{100 * behind:+.2f}", f"{100 * error:.2f}", "yes" if behind <= error else "NO"]
        rows.append(row + ["-"] * (len(names) + 5 - len(row)))
    head = ["set", "auto chose", *names, "best other less auto, points", "standard error", "within it"]
    return table(head, rows)


def features(lines: Lines) -> str:
    """A row for each backbone."""
    rows = []
    for (name, size), group in grouped(lines, "name", "size").items():
        ours, hand = ([line["speeds"][way] for line in group] for way in ("tellapart", "by hand"))
        shares = [100 * a / b for a, b in zip(ours, hand, strict=True)]
        speeds = [mean_and_range(speed, ".0f") for speed in (ours, hand)]
        difference = max(line["difference"] for line in group)
        rows.append([name, str(size), *speeds, mean_and_range(shares, ".0f"), f"{difference:.1e}"])
    head = ["backbone", "size", "tellapart, pictures per second", "by hand", "share, %", "largest difference"]
    return table(head, rows)


def peers(lines: Lines) -> str:
    """A row for each set, time and program."""
    rows = []
    for (name, asked, program), group in grouped(lines, "set", "asked", "program").items():
        trained = recipes(group) if program == "tellapart" else epochs(group)
        rows.append([name, str(asked), program, trained, percents(group), seconds(group)])
    return table(["set", "asked, s", "program", "trained", "accuracy, %", "seconds"], rows)


def epochs(lines: Lines) -> str:
    """The epochs of the new layers, and then of everything."""
    return " + ".join(mean_and_range((line["epochs"][i] for line in lines), ".1f") for i in (0, 1)) + " epochs"


def ood(lines: Lines) -> str:
    """A row for each set."""
    rows = [
        [name, "near" if near else "far", mean_and_range((line["roc_auc"] for line in group), ".4f")]
        for (name, near), group in grouped(lines, "name", "near").items()
    ]
    return table(["pictures", "", "area under the ROC curve"], rows)


CASES: dict[str, tuple[str, Callable[[Lines], str]]] = {
    "small": ("250 photos for training, 500 others for testing, the cache empty: `transfer.py small`.", small),
    "few": ("Few photos of each class, the cache empty: `transfer.py few`.", few),
    "whole": (
        "All photos: `transfer.py whole`. The cache is empty at first, and has pictures and features the second time.",
        whole,
    ),
    "auto": (
        "What is chosen by default, against training from scratch and the recipes for backbones: `transfer.py auto`. "
        "The standard error is that of the accuracy of the best other way, by the number of test pictures.",
        auto,
    ),
    "features": (
        "The feature pass, its cache included, and a session of ONNX Runtime by hand, in batches of 32, on the same "
        "pixels: `transfer.py features`.",
        features,
    ),
    "peers": (
        "The same weights, split, size of pictures and time: `transfer.py peers`. The seconds of tellapart are those "
        "of the whole command, those of the others end with their training: evaluating and saving is not counted. "
        "Epochs: of the new layers, then of all.",
        peers,
    ),
    "ood": ("Cats and dogs against pictures of other things: `transfer.py ood`.", ood),
}
"""What to know about each case, and its table."""


def tables(lines: Lines) -> list[str]:
    """A paragraph and a table for each case that was measured."""
    blocks = []
    for case, (about, drawn) in CASES.items():
        if mine := [line for line in lines if line["case"] == case]:
            blocks += [about, drawn(mine)]
    return blocks


def section(measurements: Lines) -> str:
    """The section of docs/benchmarks.md."""
    about = f"`python benchmarks/transfer.py CASE`. {measured_on(measurements)}"
    return as_section("Pretrained backbones", about, *tables(measurements))
