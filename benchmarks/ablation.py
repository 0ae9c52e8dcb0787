"""What each part of quick is worth: Fashion-MNIST without it, accuracy on the validation split, time of fit.

    python benchmarks/ablation.py [--seeds 0 1 2] [--epochs 2] [--only NAME]

Needs Fashion-MNIST; some fifteen minutes on two cores. The test split stays closed. A component stays in the recipe
for what it gains here or, if two epochs on grey pictures show no gain, in longer trainings on larger pictures.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import tellapart
from results import arguments, draw, record, spread, table, where
from tellapart.networks import stages
from tellapart.progress import silent
from tellapart.recipes import find
from tellapart.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras


def only_identity(network: keras.Model, pixels: np.ndarray) -> None:
    """First weights without whitening: the first layer random, and trained like the others."""
    layer = network.get_layer(stages.WHITENING)
    kept = layer.get_weights()
    stages.first_weights(network, pixels)
    layer.set_weights(kept)
    layer.trainable = True


def only_whitening(network: keras.Model, pixels: np.ndarray) -> None:
    """First weights without the identity: kernels stay as Keras draws them."""
    kept = [layer.get_weights() for layer in network.layers]
    stages.first_weights(network, pixels)
    for layer, weights in zip(network.layers, kept, strict=True):
        if layer.name != stages.WHITENING:
            layer.set_weights(weights)


def variants(recipe: Recipe) -> dict[str, Recipe]:
    """quick, and quick with one thing changed."""

    def changed(**fields: Any) -> Recipe:
        return recipe.model_copy(update=fields)

    shifts = recipe.augmentation.model_copy
    return {
        "quick": recipe,
        "first layer random and trained, not whitening": changed(initialise=only_identity),
        "kernels start at random, not as the identity": changed(initialise=only_whitening),
        "AdamW at 0.002, not Muon": changed(optimizer="adamw", learning_rate=0.002),
        "AdamW at 0.005, not Muon": changed(optimizer="adamw", learning_rate=0.005),
        "Keras's gelu, not ReLU": changed(network=gelu(recipe.network)),
        "constant rate, no fall": changed(schedule="constant"),
        "no warm-up": changed(warmup=0.0),
        "no label smoothing": changed(label_smoothing=0.0),
        "no shifts": changed(augmentation=shifts(update={"shift": 0.0})),
        "mirrored in every other epoch": changed(augmentation=shifts(update={"flip": "alternate"})),
        "cutout of 0.3": changed(augmentation=shifts(update={"cutout": 0.3})),
        "weights averaged, momentum 0.97": changed(average=0.97),
        "three shifted views at prediction": changed(views="shift"),
    }


def gelu(network: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
    """The same network with another activation."""

    from tellapart.networks.backend import keras

    def made(shape: tuple[int, int, int], classes: int) -> keras.Model:
        def swapped(layer: keras.Layer) -> keras.Layer:
            config = layer.get_config()
            if config.get("activation") == "relu":
                config["activation"] = "gelu"
            return type(layer).from_config(config)

        return keras.models.clone_model(network(shape, classes), clone_function=swapped)

    return made


def section(found: list[dict[str, Any]]) -> str:
    """The table of this benchmark."""
    rows = []
    base = {line["seed"]: line["validation_accuracy"] for line in found if line["name"] == "quick"}
    for name in dict.fromkeys(line["name"] for line in found):
        mine = [line for line in found if line["name"] == name]
        worth = [100 * (line["validation_accuracy"] - base[line["seed"]]) for line in mine]
        accuracy = spread((100 * line["validation_accuracy"] for line in mine), ".2f")
        seconds = spread(line["fit_seconds"] for line in mine)
        rows.append([name, accuracy, "-" if name == "quick" else f"{np.mean(worth):+.2f}", seconds])
    head = ["", "validation accuracy, %", "against quick, points", "fit, s"]
    epochs, seeds = found[-1]["epochs"], len(base)
    noise = f"Differences below about 0.3 are chance: accuracy is the mean of {seeds} seeds on 6,000 pictures each."
    return "\n".join(
        [
            "## What each part of quick is worth",
            "",
            f"`python benchmarks/ablation.py`: Fashion-MNIST, {epochs} epochs. {where(found)} {noise}",
            "",
            table(head, rows),
            "",
        ]
    )


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--only")
    options = parser.parse_args()
    collection = tellapart.open("fashion-mnist")
    train = collection.indices("train")
    sealed = (collection.pictures.array[train], collection.labels[train])  # nothing here can open the test split
    quick = find.find_recipe("quick").for_data(54_000, (28, 28, 1))
    for seed in options.seeds:
        for name, recipe in variants(quick).items():
            if options.only not in (None, name):
                continue
            with tempfile.TemporaryDirectory() as temporary:
                run = tellapart.train(
                    sealed,
                    recipe=recipe,
                    epochs=options.epochs,
                    seed=seed,
                    test=0,
                    runs=Path(temporary),
                    on_event=silent,
                )
            metrics = {
                "name": name,
                "seed": seed,
                "epochs": options.epochs,
                "validation_accuracy": run.evaluations["validation"].accuracy,
                "fit_seconds": run.train_seconds,
            }
            record("ablation", metrics)
            print(json.dumps(metrics), flush=True)
    draw()


if __name__ == "__main__":
    main()
