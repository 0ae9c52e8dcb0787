"""Decoding in full: answers equal those of any other full decoder, and what it costs in the first epoch.

    python benchmarks/decode.py [--seeds 0]

Needs `cats-dogs.zip` and `flowers.zip` in `$TELLAPART_DATA`. Trains the recipe `photos` at 64 x 64 on 1,500 photos of
cats and dogs that were enlarged to 800 x 800, so that preprocessing of version 2 (of earlier model files) decodes them
at an eighth. Then 500 others are predicted from their files, and from arrays that Pillow decoded in full. The second
part reads photos with preprocessing of version 2 and of version 3, in turns.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import tellapart
from _results import arguments, record, redraw
from _tables import as_section, mean_and_range, measured_on, table
from tellapart.data.feeding import prepare_collection
from tellapart.images.preprocessing import Preparation
from tellapart.progress import silent

TRAINED, ASKED, ENLARGED = 1500, 500, (800, 800)


def enlarged(files: list[Path], folder: Path, size: tuple[int, int]) -> list[Path]:
    """Copies of photos, enlarged to a size, in class folders of the same names."""
    copies = []
    for number, file in enumerate(files):
        copy = folder / file.parent.name / f"{number}.jpg"
        copy.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as image:
            image.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(copy, quality=90)
        copies.append(copy)
    return copies


def agreement(photos: list[Path], home: Path, seed: int) -> dict[str, Any]:
    """How many of 500 classes differ between a full decode by Pillow and `predict`, and the largest differences."""
    chosen = np.random.default_rng(seed).permutation(len(photos))[: TRAINED + ASKED]
    enlarged([photos[i] for i in chosen[:TRAINED]], home / "train", ENLARGED)
    asked = enlarged([photos[i] for i in chosen[TRAINED:]], home / "asked", ENLARGED)
    run = tellapart.train(
        home / "train", recipe="photos", epochs=4, set={"side": 64}, seed=seed, runs=home / "runs", on_event=silent
    )
    classifier = run.model
    full = classifier.predict_proba([np.asarray(Image.open(path).convert("RGB")) for path in asked])
    found: dict[str, Any] = {"asked": len(asked)}
    for version in (3, 2):
        changed = classifier.preprocessing.model_copy(update={"version": version})
        classifier.record = classifier.record.model_copy(update={"preprocessing": changed})
        answers = classifier.predict_proba([str(path) for path in asked])
        found[f"version {version}"] = {
            "classes_that_differ": int((answers.argmax(1) != full.argmax(1)).sum()),
            "largest_difference": float(np.abs(answers - full).max()),
        }
    return found


def reading(folders: dict[str, tuple[Path, int]]) -> dict[str, dict[str, list[float]]]:
    """Seconds to read and prepare each folder by both versions, three times in turn."""
    os.environ["TELLAPART_KEEP_PICTURES"] = "0"
    seconds: dict[str, dict[str, list[float]]] = {}
    for name, (folder, side) in folders.items():
        collection = tellapart.open(folder)
        seconds[name] = {"version 2": [], "version 3": []}
        for _ in range(3):
            for version in (2, 3):
                preprocessing = Preparation(version=version, height=side, width=side, colour="rgb")
                began = time.monotonic()
                prepare_collection(collection, preprocessing)
                seconds[name][f"version {version}"].append(time.monotonic() - began)
    return seconds


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md."""
    last = measurements[-1]
    rows = []
    for name, version in (("full decode, as now", "version 3"), ("reduced decode, before", "version 2")):
        differ = [line["agreement"][version]["classes_that_differ"] for line in measurements]
        largest = max(line["agreement"][version]["largest_difference"] for line in measurements)
        rows.append([name, f"{mean_and_range(differ, '.0f')} of {last['agreement']['asked']}", f"{largest:.1e}"])
    answers = table(
        ["`predict`", "classes that differ from a full decode", "largest difference of a probability"], rows
    )
    rows = []
    for name, both in last["seconds"].items():
        before, now = min(both["version 2"]), min(both["version 3"])
        rows.append([name, f"{before:.2f}", f"{now:.2f}", f"{now / before:.2f}"])
    cost = table(["reading once, fastest of three", "reduced decode, s", "full decode, s", "ratio"], rows)
    about = f"`python benchmarks/decode.py`. Later epochs read the prepared pictures. {measured_on(measurements)}"
    return as_section("Decoding in full", about, answers, cost)


def main() -> None:
    options = arguments(__doc__).parse_args()
    data = Path(os.environ["TELLAPART_DATA"])
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        for name in ("cats-dogs", "flowers"):
            with zipfile.ZipFile(data / f"{name}.zip") as archive:
                archive.extractall(home / name)
        cats = sorted((home / "cats-dogs" / "training_set").rglob("*.jpg"))
        flowers = sorted((home / "flowers").rglob("*.jpg"))
        enlarged(flowers[:: len(flowers) // 150], home / "large", (3000, 2000))
        folders = {
            "8,000 photos of 200 x 200, at 128 x 128": (home / "cats-dogs" / "training_set", 128),
            "the same, at 64 x 64": (home / "cats-dogs" / "training_set", 64),
            "4,317 photos of 128 x 128, at 64 x 64": (home / "flowers" / "flowers", 64),
            "154 photos of 3000 x 2000, at 128 x 128": (home / "large", 128),
        }
        seconds = reading(folders)
        print(json.dumps(seconds), flush=True)
        for seed in options.seeds:
            found = agreement(cats, home / f"seed-{seed}", seed)
            print(json.dumps(found), flush=True)
            record("decode", {"seed": seed, "agreement": found, "seconds": seconds})
    redraw()


if __name__ == "__main__":
    main()
