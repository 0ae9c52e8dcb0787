"""What `tellapart check` finds of problems planted in 5,000 real photos, and how long it takes for 10,000.

    python benchmarks/check.py [--seeds 0]

Needs `cats-dogs.zip` in `$TELLAPART_DATA`. Of its photos 4,000 go to train and 1,000 to test. Planted: 200 duplicates
encoded anew (a third of them also resized, a third a little brighter), 100 mirrored, 30 of training photos in the test
part (half of them exact), 150 wrong labels, 50 files cut off. The photos themselves hold a few duplicates, see NATURAL.
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

from results import arguments, draw, record, spread, table, tellapart, timed, where

NATURAL = (
    ("cat-4126", "cat-4575"),
    ("cat-2565", "cat-3565"),
    ("dog-1273", "dog-980"),
    ("dog-180", "dog-74"),
    ("dog-2027", "dog-3082"),
    ("cat-4435", "cat-3411"),
    ("cat-4726", "cat-2580"),
)
"""Pairs that show the same in the data set as it is, looked at by eye."""


def encoded(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def plant(folder: Path, seed: int) -> dict[str, Any]:
    """Write the photos with their problems into `folder`; what was planted, by name."""
    rng = np.random.default_rng(seed)
    with zipfile.ZipFile(Path(os.environ["TELLAPART_DATA"], "cats-dogs.zip")) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        chosen = [names[i] for i in rng.permutation(len(names))[:5000]]
        photos = {Path(name).stem.replace(".", "-"): archive.read(name) for name in chosen}
    keys = list(photos)
    split = {key: "train" if i < 4000 else "test" for i, key in enumerate(keys)}
    truth = {key: "cats" if key.startswith("cat") else "dogs" for key in keys}
    order = iter(rng.permutation(4000).tolist())  # every problem befalls other training photos

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
        onnx_copy = f"{key}-{kind.replace(' ', '-')}"
        photos[onnx_copy], split[onnx_copy], label[onnx_copy] = data, into, label[key]
        pairs[kind].append((key, onnx_copy))

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
    """Recall and false findings of one planting."""
    planted = plant(home / "photos", seed)
    seconds, output = timed(
        tellapart("check", str(home / "photos"), "--output", str(home / "page.html"), "--json"), finds=True
    )
    findings = json.loads(output)["findings"]

    def stems(finding: dict[str, Any]) -> list[str]:
        return [Path(file).stem for file in finding["files"]]

    groups = [set(stems(one)) for name in ("duplicates", "conflicts", "leaks") for one in findings[name]]
    found = {pair for group in groups for pair in combinations(sorted(group), 2)}
    natural = {tuple(sorted(pair)) for pair in NATURAL}
    recall = {}
    everything: set[tuple[str, ...]] = set()
    for kind, pairs in planted["pairs"].items():
        wanted = {tuple(sorted(pair)) for pair in pairs}
        recall[kind] = len(wanted & found) / len(wanted)
        everything |= wanted
    leaked = [set(stems(one)) for one in findings["leaks"]]
    leaks = {kind: np.mean([any({*pair} <= group for group in leaked) for pair in planted["pairs"][kind]]) for kind in
             ("exact leak", "near leak")}  # fmt: skip
    false = sorted(found - everything - natural)
    print("not planted:", false, flush=True)
    unreadable = {stem for one in findings["unreadable"] for stem in stems(one)}
    suspects = [stems(one)[0] for one in findings["labels"]]
    wrong = set(planted["wrong"])
    return {
        "photos": planted["photos"],
        "seconds": seconds,
        "recall": recall,
        "leaks": {kind: float(value) for kind, value in leaks.items()},
        "false_share": len(false) / max(len(found), 1),
        "corrupt": len(unreadable & set(planted["corrupt"])) / len(planted["corrupt"]),
        "falsely_corrupt": len(unreadable - set(planted["corrupt"])),
        "wrong_in_first_150": len(wrong & set(suspects[:150])) / len(wrong),
        "suspects": len(suspects),
    }


def section(found: list[dict[str, Any]]) -> str:
    """The table of this benchmark."""
    rows = [
        ["duplicates encoded anew, found", spread((line["recall"]["encoded"] for line in found), ".1%")],
        ["mirrored, found", spread((line["recall"]["mirrored"] for line in found), ".1%")],
        ["exact copies across parts, found as leaks", spread((line["leaks"]["exact leak"] for line in found), ".1%")],
        ["near copies across parts, found as leaks", spread((line["leaks"]["near leak"] for line in found), ".1%")],
        ["pairs found that show different things", spread((line["false_share"] for line in found), ".1%")],
        ["cut files found", spread((line["corrupt"] for line in found), ".1%")],
        ["of 150 wrong labels, among the first 150", spread((line["wrong_in_first_150"] for line in found), ".1%")],
        ["seconds, label check included", spread((line["seconds"] for line in found), ".0f")],
        ["10,000 photos, seconds without the label check", spread((line["seconds_10000"] for line in found), ".1f")],
    ]
    return "\n".join(
        [
            "## Finding planted problems",
            "",
            f"`python benchmarks/check.py`. {where(found)}",
            "",
            table(["", ""], rows),
            "",
        ]
    )


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
    draw()


if __name__ == "__main__":
    main()
