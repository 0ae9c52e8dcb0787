"""How many problems planted in 5,000 real photos `tellapart check` finds, and how long it takes for 10,000 photos.

    python benchmarks/check.py [--seeds 0]

Needs `cats-dogs.zip` in `$TELLAPART_DATA`. 4,000 of its photos go to the training split and 1,000 to the test split.
Planted: 200 re-encoded duplicates (a third of them also resized, a third a little brighter), 100 mirrored ones, 30
copies of training photos in the test split (half of them exact), 150 wrong labels, 50 files cut off. The data set
itself has a few duplicates, see NATURAL.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
import zipfile
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


def measure(seed: int, home: Path) -> dict[str, Any]:
    """Recall and false findings for one set of planted problems."""
    planted = plant(home / "photos", seed)
    seconds, output = timed(
        tellapart("check", str(home / "photos"), "--output", str(home / "page.html"), "--json"), finds=True
    )
    findings = json.loads(output)["findings"]

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
    }


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md."""

    def share(*keys: str) -> str:
        values = measurements
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
        ["seconds, label check included", mean_and_range((line["seconds"] for line in measurements), ".0f")],
        ["10,000 photos, seconds without the label check",
         mean_and_range((line["seconds_10000"] for line in measurements), ".1f")],
    ]  # fmt: skip
    about = f"`python benchmarks/check.py`. {measured_on(measurements)}"
    return as_section("Finding planted problems", about, table(["", ""], rows))


def main() -> None:
    options = arguments(__doc__).parse_args()
    for seed in options.seeds:
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
        record("check", {"seed": seed} | metrics)
        print(json.dumps(metrics), flush=True)
    redraw()


if __name__ == "__main__":
    main()
