"""How many planted problems `tellapart check` finds, how many labels it lists in vain, and how long it takes.

    python benchmarks/check.py photos [--seeds 0]
    python benchmarks/check.py labels [--seeds 0]

Needs `cats-dogs.zip` and `flowers.zip` in `$TELLAPART_DATA`.

photos: 5,000 photos of cats and dogs; 4,000 go to the training split and 1,000 to the test split. Planted: 200
re-encoded duplicates (a third of them also resized, a third a little brighter), 100 mirrored ones, 30 copies of
training photos in the test split (half of them exact), 150 wrong labels, 50 files cut off. The data set itself has a
few duplicates, see NATURAL.

labels: small data. 750 photos of flowers, 150 of each kind, with none, 5 % and 10 % of the labels exchanged for those
of another class, at random. A label that was wrong in the original data counts as right, so the true precision is a
little higher.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from _results import arguments, record, redraw, tellapart, timed
from _tables import as_section, mean_and_range, measured_on, table

NATURAL = (
    ("cat-4126", "cat-4575"),
    ("cat-2565", "cat-3565"),
    ("dog-1273", "dog-980"),
    ("dog-180", "dog-74"),
    ("dog-2027", "dog-3082"),
    ("cat-4435", "cat-3411"),
    ("cat-4726", "cat-2580"),
)
"""Duplicates in the original data set, confirmed by eye."""


def encoded(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def plant(folder: Path, seed: int) -> dict[str, Any]:
    """Write the photos with their problems into `folder`. Returns what was planted, by name."""
    rng = np.random.default_rng(seed)
    with zipfile.ZipFile(Path(os.environ["TELLAPART_DATA"], "cats-dogs.zip")) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        chosen = [names[i] for i in rng.permutation(len(names))[:5000]]
        photos = {Path(name).stem.replace(".", "-"): archive.read(name) for name in chosen}
    keys = list(photos)
    split = {key: "train" if i < 4000 else "test" for i, key in enumerate(keys)}
    truth = {key: "cats" if key.startswith("cat") else "dogs" for key in keys}
    order = iter(rng.permutation(4000).tolist())  # each problem gets training photos of its own

    def take(count: int) -> list[str]:
        return [keys[next(order)] for _ in range(count)]

    wrong, corrupt = take(150), take(50)
    for key in corrupt:
        photos[key] = photos[key][: len(photos[key]) // 2]
    label = {
        key: ({"cats": "dogs", "dogs": "cats"}[name] if key in set(wrong) else name) for key, name in truth.items()
    }
    pairs: dict[str, list[tuple[str, str]]] = {"encoded": [], "mirrored": [], "exact leak": [], "near leak": []}

    def add(kind: str, key: str, data: bytes, into: str) -> None:
        copy = f"{key}-{kind.replace(' ', '-')}"
        photos[copy], split[copy], label[copy] = data, into, label[key]
        pairs[kind].append((key, copy))

    for i, key in enumerate(take(200)):
        image = Image.open(io.BytesIO(photos[key])).convert("RGB")
        if i % 3 == 1:
            image = image.resize((150, 150), Image.Resampling.LANCZOS)
        if i % 3 == 2:
            image = ImageEnhance.Brightness(image).enhance(1.1)
        add("encoded", key, encoded(image, 50 + i % 40), "train")
    for key in take(100):
        add("mirrored", key, encoded(ImageOps.mirror(Image.open(io.BytesIO(photos[key])).convert("RGB")), 80), "train")
    for i, key in enumerate(take(30)):
        if i % 2:
            add("exact leak", key, photos[key], "test")
        else:
            add("near leak", key, encoded(Image.open(io.BytesIO(photos[key])).convert("RGB"), 60), "test")
    for key, data in photos.items():
        home = folder / split[key] / label[key]
        home.mkdir(parents=True, exist_ok=True)
        (home / f"{key}.jpg").write_bytes(data)
    return {"wrong": wrong, "corrupt": corrupt, "pairs": pairs, "photos": len(photos)}


SHARES = (0.0, 0.05, 0.1)
"""Shares of wrong labels that are planted among the flowers."""

PER_CLASS = 150
"""Photos of flowers per class."""


def plant_labels(folder: Path, seed: int, share: float) -> set[str]:
    """Write photos of flowers into class folders, a share of them into a wrong one. Returns the names of these."""
    rng = np.random.default_rng((seed, 1))
    with zipfile.ZipFile(Path(os.environ["TELLAPART_DATA"], "flowers.zip")) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        classes = sorted({Path(name).parent.name for name in names})
        chosen = [
            (name, kind)
            for kind in classes
            for name in rng.permutation([name for name in names if Path(name).parent.name == kind])[:PER_CLASS].tolist()
        ]
        wrong = set(rng.permutation(len(chosen))[: round(len(chosen) * share)].tolist())
        for i, (name, kind) in enumerate(chosen):
            others = [other for other in classes if other != kind]
            home = folder / (others[rng.integers(len(others))] if i in wrong else kind)
            home.mkdir(parents=True, exist_ok=True)
            (home / Path(name).name).write_bytes(archive.read(name))
    return {Path(chosen[i][0]).name for i in wrong}


def measure_labels(seed: int, share: float, home: Path) -> dict[str, Any]:
    """How many of the labels that are listed, and of those that a clean manifest moves, were planted."""
    planted = plant_labels(home / "flowers", seed, share)
    seconds, output = timed(
        tellapart("check", str(home / "flowers"), "--output", str(home / "page.html"), "--seed", str(seed), "--json"),
        finds=True,
    )
    report = json.loads(output)
    listed = [Path(one["files"][0]).name for one in report["findings"]["labels"]]
    moved = [Path(one["files"][0]).name for one in report["findings"]["labels"] if "relabel" in one]
    remark = report["remarks"]["labels"]
    return {
        "seconds": seconds,
        "planted": len(planted),
        "listed": len(listed),
        "planted_listed": len(planted & set(listed)),
        "moved": len(moved),
        "planted_moved": len(planted & set(moved)),
        **{name: remark[name] for name in ("judge_accuracy", "suspected", "expected_precision", "estimated_noise")},
    }


def measure(seed: int, home: Path) -> dict[str, Any]:
    """Recall and false findings for one set of planted problems."""
    planted = plant(home / "photos", seed)
    seconds, output = timed(
        tellapart("check", str(home / "photos"), "--output", str(home / "page.html"), "--json"), finds=True
    )
    report = json.loads(output)
    findings, remark = report["findings"], report["remarks"]["labels"]

    def stems(finding: dict[str, Any]) -> list[str]:
        return [Path(file).stem for file in finding["files"]]

    groups = [set(stems(one)) for name in ("duplicates", "conflicts", "leaks") for one in findings[name]]
    pairs_found = {pair for group in groups for pair in combinations(sorted(group), 2)}
    natural = {tuple(sorted(pair)) for pair in NATURAL}
    recall = {}
    everything: set[tuple[str, ...]] = set()
    for kind, pairs in planted["pairs"].items():
        wanted = {tuple(sorted(pair)) for pair in pairs}
        recall[kind] = len(wanted & pairs_found) / len(wanted)
        everything |= wanted
    leaked = [set(stems(one)) for one in findings["leaks"]]
    leaks = {kind: np.mean([any({*pair} <= group for group in leaked) for pair in planted["pairs"][kind]]) for kind in
             ("exact leak", "near leak")}  # fmt: skip
    false = sorted(pairs_found - everything - natural)
    print("not planted:", false, flush=True)
    unreadable = {stem for one in findings["unreadable"] for stem in stems(one)}
    suspects = [stems(one)[0] for one in findings["labels"]]
    wrong = set(planted["wrong"])
    return {
        "photos": planted["photos"],
        "seconds": seconds,
        "recall": recall,
        "leaks": {kind: float(value) for kind, value in leaks.items()},
        "false_share": len(false) / max(len(pairs_found), 1),
        "corrupt": len(unreadable & set(planted["corrupt"])) / len(planted["corrupt"]),
        "falsely_corrupt": len(unreadable - set(planted["corrupt"])),
        "wrong_in_first_150": len(wrong & set(suspects[:150])) / len(wrong),
        "suspects": len(suspects),
        "precision": len(wrong & set(suspects)) / max(len(suspects), 1),
        **{name: remark[name] for name in ("judge_accuracy", "suspected", "expected_precision", "estimated_noise")},
    }


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md."""
    photos = [line for line in measurements if "share" not in line]
    labels = [line for line in measurements if "share" in line]
    about = f"`python benchmarks/check.py photos`. {measured_on(photos)}"
    body = [table(["", ""], _photos_rows(photos))] if photos else []
    if labels:
        head = ["planted", "right models", "contradicted", "listed", "of these planted", "expected", "seconds"]
        small = (
            f"Likely wrong labels in small data: `python benchmarks/check.py labels`. {measured_on(labels)} 750 photos "
            "of flowers; *planted* is the share of labels that were exchanged. *Right models* is the share of labels "
            "that the models predict, *contradicted* the number of labels that they find suspect, and *expected* the "
            "share of wrong labels in the list by their own estimate."
        )
        body += [small, table(head, _labels_rows(labels))]
    return as_section("Finding planted problems", about, *body)


def _photos_rows(photos: list[dict[str, Any]]) -> list[list[str]]:
    def share(*keys: str) -> str:
        values = [line for line in photos if keys[0] in line]
        for key in keys:
            values = [line[key] for line in values]
        return mean_and_range(values, ".1%")

    rows = [
        ["re-encoded duplicates, found", share("recall", "encoded")],
        ["mirrored duplicates, found", share("recall", "mirrored")],
        ["exact duplicates in different splits, found as leakage", share("leaks", "exact leak")],
        ["near-duplicates in different splits, found as leakage", share("leaks", "near leak")],
        ["found pairs that are not duplicates", share("false_share")],
        ["cut off files, found", share("corrupt")],
        ["of 150 wrong labels, among the first 150 suspects", share("wrong_in_first_150")],
        ["of the listed labels, planted", share("precision")],
        ["of the listed labels, expected to be wrong", share("expected_precision")],
        ["seconds, label check included", mean_and_range((line["seconds"] for line in photos), ".0f")],
        ["10,000 photos, seconds without the label check",
         mean_and_range((line["seconds_10000"] for line in photos), ".1f")],
    ]  # fmt: skip
    return [row for row in rows if row[1] != "-"]  # older measurements lack some


def _labels_rows(labels: list[dict[str, Any]]) -> list[list[str]]:
    rows = []
    for planted in sorted({line["share"] for line in labels}):
        lines = [line for line in labels if line["share"] == planted]
        listing = [line for line in lines if line["listed"]]
        rows.append(
            [
                f"{planted:.0%} ({len(lines)} seeds)",
                mean_and_range((line["judge_accuracy"] for line in lines), ".0%"),
                mean_and_range((line["suspected"] for line in lines), ".0f"),
                mean_and_range((line["listed"] for line in lines), ".0f"),
                mean_and_range((line["planted_listed"] / line["listed"] for line in listing), ".0%"),
                mean_and_range((line["expected_precision"] for line in listing), ".0%"),
                mean_and_range((line["seconds"] for line in lines), ".0f"),
            ]
        )
    return rows


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("case", choices=("photos", "labels"))
    options = parser.parse_args()
    for seed in options.seeds:
        for line in _labels(seed) if options.case == "labels" else _photos(seed):
            record("check", {"seed": seed} | line)
            print(json.dumps(line), flush=True)
    redraw()


def _labels(seed: int) -> Iterator[dict[str, Any]]:
    for share in SHARES:
        with tempfile.TemporaryDirectory() as temporary:
            measured = measure_labels(seed, share, Path(temporary))
        yield {"case": f"labels {share}", "share": share} | measured


def _photos(seed: int) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        metrics = measure(seed, home)
        source = str(Path(os.environ["TELLAPART_DATA"], "cats-dogs.zip"))
        page = str(home / "whole.html")
        metrics["seconds_10000"], output = timed(
            tellapart("check", source, "--skip-labels", "--output", page, "--json"), finds=True
        )
        names = ("duplicates", "conflicts", "leaks")
        metrics["natural"] = [one["files"] for name in names for one in json.loads(output)["findings"][name]]
        yield metrics


if __name__ == "__main__":
    main()
