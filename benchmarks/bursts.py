"""Whether the test accuracy that `tellapart train` reports is true for bursts of pictures, without any option.

    python benchmarks/bursts.py [--source cifar10|flowers] [--layout names|order|numbers] [--seeds 0 1 2 ...]

Needs `cifar10/` and `flowers.zip` in `$TELLAPART_DATA`. As in collections of traffic signs, 60 tracks of 30 frames are
made: each track is one photo, of which every frame shows another crop with other light and noise. A model is trained on
them with `tellapart train DATA`; its reported interval should contain the accuracy on 300 fresh tracks, made of photos
that no track of the training data shows. The same is done with `--group none`, which splits by pictures.

The layouts: `names` has a folder per class with names `<track>_<frame>.png`, `numbers` the same with running numbers,
`order` is an NPZ file without names.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import tellapart
from _results import arguments, record, redraw, timed
from _results import tellapart as command
from _tables import as_section, measured_on, table
from tellapart.data.collection import Collection

TRACKS, FRAMES, SIDE, FRESH = 60, 30, 32, 300
LAYOUTS = ("names", "numbers", "order")
SOURCES = {"cifar10": "cifar10", "flowers": "flowers.zip"}


def frame(photo: Image.Image, rng: np.random.Generator) -> np.ndarray:
    """A crop of three quarters or more of a photo, with other brightness, contrast and noise."""
    side = rng.uniform(0.75, 0.95) * min(photo.size)
    left, top = rng.uniform(0, photo.width - side), rng.uniform(0, photo.height - side)
    crop = photo.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    light = np.asarray(crop, np.float64) * rng.uniform(0.7, 1.3) + rng.uniform(-20, 20)
    return np.clip(light + rng.normal(0, 6, light.shape), 0, 255).astype(np.uint8)


def tracks(source: Collection, photos: np.ndarray, frames: int, rng: np.random.Generator) -> tuple[Any, Any]:
    """Frames uint8 [n, side, side, 3] and labels int64 [n] of a track of each photo."""
    pixels = [
        frame(picture, rng)
        for picture in (Image.fromarray(source.read(int(i))).convert("RGB") for i in photos)
        for _ in range(frames)
    ]
    return np.stack(pixels), np.repeat(source.labels[photos], frames)


def choose(source: Collection, count: int, rng: np.random.Generator) -> np.ndarray:
    """The same number of photos of each class, int64 [count]."""
    classes = len(source.class_names)
    shuffled = rng.permutation(len(source))
    of_class = [shuffled[source.labels[shuffled] == c][: count // classes] for c in range(classes)]
    return np.concatenate(of_class)


def write(pixels: np.ndarray, labels: np.ndarray, layout: str, home: Path) -> Path:
    """Write the tracks of the training data in a layout; returns what to train on."""
    if layout == "order":
        np.savez(home / "bursts.npz", x=pixels, y=labels)
        return home / "bursts.npz"
    for i, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        name = f"{i // FRAMES:05d}_{i % FRAMES:05d}" if layout == "names" else f"{i:06d}"
        path = home / "bursts" / str(label) / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    return home / "bursts"


WAYS: dict[str, list[str]] = {"default": [], "none": ["--group", "none"]}


def measure(source: Collection, layout: str, seed: int, ways: list[str], home: Path) -> dict[str, Any]:
    """The reported accuracy with its interval, and the accuracy on fresh tracks, for each way to split."""
    rng = np.random.default_rng(seed)
    photos = choose(source, TRACKS + FRESH, rng).reshape(len(source.class_names), -1)
    known = TRACKS // len(source.class_names)
    data = write(*tracks(source, photos[:, :known].ravel(), FRAMES, rng), layout, home)
    fresh, labels = tracks(source, photos[:, known:].ravel(), 1, rng)
    measured = {}
    for name in ways:
        words = ["train", str(data), "--epochs", "3", "--seed", str(seed), "--runs", str(home / name), *WAYS[name]]
        _, output = timed(command(*words, "--json"))
        results = json.loads(output)
        model = tellapart.load(results["model"])
        answers = [answer.label for answer in model.predict(list(fresh))]
        truth = float(np.mean([answer == str(label) for answer, label in zip(answers, labels, strict=True)]))
        test = results["results"]["test"]
        low, high = test["accuracy_interval"]
        measured[name] = {"reported": test["accuracy"], "interval": [low, high], "fresh": truth}
    return measured


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md."""
    rows = []
    for source, layout in sorted({(line["source"], line["layout"]) for line in measurements}):
        lines = [line for line in measurements if (line["source"], line["layout"]) == (source, layout)]
        for name, words in (("default", "by default"), ("none", "`--group none`")):
            values = [line[name] for line in lines if name in line]
            if not values:
                continue
            right = sum(one["interval"][0] <= one["fresh"] <= one["interval"][1] for one in values)
            means = [float(np.mean([one[key] for one in values])) for key in ("reported", "fresh")]
            rows.append([source, layout, words, f"{means[0]:.1%}", f"{means[1]:.1%}", f"{right} of {len(values)}"])
    about = (
        f"`python benchmarks/bursts.py`. {measured_on(measurements)} 60 tracks of 30 frames of one photo each, trained "
        "for 3 epochs. *Fresh* is the accuracy on other photos; *contained* counts the seeds for which the reported "
        "95 % interval contains it."
    )
    return as_section("Bursts", about, table(["photos", "layout", "split", "reported", "fresh", "contained"], rows))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--source", choices=tuple(SOURCES), default="cifar10")
    parser.add_argument("--layout", choices=LAYOUTS, default="names")
    parser.add_argument("--ways", choices=tuple(WAYS), nargs="+", default=list(WAYS))
    options = parser.parse_args()
    source = tellapart.open(Path(os.environ["TELLAPART_DATA"], SOURCES[options.source]))
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as temporary:
            measured = measure(source, options.layout, seed, options.ways, Path(temporary))
        case = f"{options.source} {options.layout}"
        line = {"case": case, "source": options.source, "layout": options.layout, "seed": seed} | measured
        record("bursts", line)
        print(json.dumps(line), flush=True)
    redraw()


if __name__ == "__main__":
    main()
