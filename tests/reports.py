"""Facts of runs that never took place, for reports with any number of classes, made in a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tellapart.data.collection import Skipped
from tellapart.evaluation.baselines import Baseline
from tellapart.evaluation.confusions import confusions
from tellapart.evaluation.evaluation import Evaluation
from tellapart.plots.confusion import NUMBERED
from tellapart.plots.pictures import overlay
from tellapart.report.facts import Facts, Findings, ShownDuplicates, ShownMistake, ShownPair

LONG = "a class name with many words, such as a museum writes on the label of a specimen"
NAMES = ("花の写真、とても長い名前", "زهرة برية جميلة", "<b>bold</b> & <script>alert(1)</script>", LONG)
"""Class names that pages have trouble with: Japanese, Arabic, markup, 80 characters."""


def photo(seed: int, width: int = 240, height: int = 180) -> np.ndarray:
    """A picture uint8 [height, width, 3] with soft shapes, about as hard to compress as a photo."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = [np.sin(rng.uniform(3, 20) * rows + rng.uniform(3, 20) * columns + rng.uniform(0, 6)) for _ in range(3)]
    noise = rng.normal(0, 6, (height, width, 1))
    return np.clip(np.stack(waves, axis=2) * 70 + 128 + noise, 0, 255).astype(np.uint8)


def evaluation(
    names: Sequence[str], count: int, accuracy: float = 0.7, split: str = "test", seed: int = 0
) -> Evaluation:
    """Predictions in which classes are mostly confused with their neighbours, in blocks of four."""
    rng = np.random.default_rng(seed)
    classes = len(names)
    labels = np.sort(rng.integers(0, classes, count))
    neighbour = np.minimum(labels // 4 * 4 + rng.integers(0, 4, count), classes - 1)
    answers = np.where(rng.random(count) < accuracy, labels, neighbour)
    logits = rng.gumbel(0, 1, (count, classes)).astype(np.float32)
    logits[np.arange(count), answers] += logits.max(axis=1) + rng.exponential(2.5, count)
    values = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = (values / values.sum(axis=1, keepdims=True)).astype(np.float32)
    keys = tuple(f"{names[label]}/IMG_20240{i % 9}_{i:06d}_wild_flowers.jpg" for i, label in enumerate(labels))
    baselines = (
        Baseline("majority class", float((labels == 0).mean()), f"always predicting {names[0]!r}"),
        Baseline("logistic regression", 0.35, "logistic regression on the pictures shrunk to 8 x 8"),
    )
    return Evaluation(
        split, tuple(names), labels, probabilities, np.arange(count), keys, "cross-entropy", baselines
    )  # fmt: skip


def facts(names: Sequence[str], count: int = 300, **options: Any) -> Facts:
    """A run with these classes, evaluated on `count` pictures; `options` are those of `evaluation`."""
    result = evaluation(names, count, **options)
    mistakes = result.mistakes(12)
    return Facts(
        record=record(names, result),
        history=history(),
        layers=[
            {"name": f"conv2d_{k}", "kind": "Conv2D", "shape": [64, 64, 32], "parameters": 9248, "operations": 10**9}
            for k in range(20)
        ],
        pictures=[photo(k, 160, 120) for k in range(min(20, len(names)))],
        labels=list(names[:20]),
        evaluation=result,
        mistakes=[_shown(mistake, seed) for seed, mistake in enumerate(mistakes)],
        pairs=_pairs(result),
        findings=_findings(names),
        has_ood_detector=True,
    )


def record(names: Sequence[str], result: Evaluation) -> dict[str, Any]:
    """The content of run.json, as far as the report reads it."""
    counts = np.bincount(result.labels, minlength=len(names))
    options = {"data": "wild flowers", "recipe": "photos", "seed": 0, "set": ["epochs=12"]}
    skipped = [Skipped(f"{names[0]}/broken-{k}.jpg", "is cut off").to_dict() for k in range(3)]
    return {
        "results": {"skipped": skipped, "best_epoch": 11, "train_seconds": 83.2},
        "data": {"name": "wild flowers", "pictures": 4 * result.count, "classes": list(names), "fingerprint": "f" * 64},
        "split": {
            "counts": {"train": 2 * result.count, "validation": result.count, "test": result.count},
            "origin": {"train": "the rest", "validation": "20% of the rest", "test": "20%"},
            "class_counts": {name: (counts * 2).tolist() for name in ("train", "validation", "test")},
        },
        "recipe": {
            "name": "photos", "optimizer": "muon", "learning_rate": 0.1, "schedule": "cosine", "batch_size": 64,
            "epochs": 12, "loss": "cross-entropy", "frozen": False,
        },
        "backbone": None,
        "preprocessing": {"width": 128, "height": 128, "colour": "rgb"},
        "options": options, "seed": 0, "backend": "tensorflow 2.21.0", "precision": "float32",
        "versions": {"keras": "3.15.1", "tensorflow": "2.21.0", "numpy": "2.4.0"}, "started": "2026-11-30 17:00:00",
        "machine": {"cores": 2, "processor": "AMD EPYC", "system": "Linux"},
    }  # fmt: skip


def history(epochs: int = 12, smaller: int = 6) -> list[dict[str, float]]:
    """A history whose first epochs were trained on smaller pictures, with better results than the kept one."""
    rows = []
    for epoch in range(1, epochs + 1):
        size = 0.75 if epoch <= smaller else 1.0
        fit = 1 - np.exp(-epoch / 4)
        dip = 0.0 if size < 1 else 0.12 * np.exp(-(epoch - smaller) / 3)
        rows.append(
            {
                "epoch": epoch, "loss": 1.6 - 1.3 * fit, "accuracy": 0.3 + 0.62 * fit, "seconds": 7.5, "size": size,
                "val_loss": 1.6 - 0.9 * fit + dip, "val_accuracy": 0.3 + 0.45 * fit - dip,
            }
        )  # fmt: skip
    return rows


def without_mistakes(known: Facts) -> Facts:
    """The same run, with every picture classified correctly."""
    assert known.evaluation is not None
    probabilities = np.full_like(known.evaluation.probabilities, 0.02 / len(known.evaluation.class_names))
    probabilities[np.arange(known.evaluation.count), known.evaluation.labels] = 0.98
    perfect = replace(known.evaluation, probabilities=probabilities)
    return replace(known, evaluation=perfect, mistakes=(), pairs=())


def _shown(mistake: Any, seed: int) -> ShownMistake:
    portrait = seed % 3 == 2
    own = photo(seed, 160, 240) if portrait else photo(seed)
    rows, columns = np.mgrid[-1 : 1 : own.shape[0] * 1j, -1 : 1 : own.shape[1] * 1j]
    heat = np.exp(-8 * ((rows - 0.2) ** 2 + columns**2))
    return ShownMistake(mistake, own, photo(seed, 64, 64), overlay(own, heat))


def _pairs(result: Evaluation) -> list[ShownPair]:
    limit = None if len(result.class_names) <= NUMBERED else 60
    return [
        ShownPair(
            pair.true,
            pair.predicted,
            [result.keys[i] for i in pair.positions[:5]],
            [photo(int(i), 128, 96) for i in pair.positions[:3]] if number < 24 else [],
        )
        for number, pair in enumerate(confusions(result)[:limit])
    ]


def _findings(names: Sequence[str]) -> Findings:
    labels = (names[0], names[1])
    copies = ShownDuplicates(
        [f"{label}/copy.jpg" for label in labels], labels, ["train", "test"], [photo(1, 128, 96)] * 2
    )
    return Findings(("3 files are not pictures: notes.txt, ...",), 14, 7, 1, [copies])
