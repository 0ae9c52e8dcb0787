"""What each component of quick contributes: accuracy on Fashion-MNIST's validation split without it, and time of fit.

    python benchmarks/ablation.py [--seeds 0 1 2] [--epochs 2] [--only NAME]

Needs Fashion-MNIST; about fifteen minutes on two cores. The test split is not used. A component is kept in the recipe
for its gain here or, if two epochs on grey pictures show no gain, for its gain in longer trainings on larger
pictures.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import tellapart
from _results import arguments, record, redraw
from _tables import as_section, mean_and_range, measured_on, table
from tellapart.networks import stages
from tellapart.progress import silent
from tellapart.recipes import find
from tellapart.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras


def only_identity(network: keras.Model, pixels: np.ndarray) -> None:
    """Set the initial weights without whitening: the first layer is random, and trained like the others."""
    layer = network.get_layer(stages.WHITENING)
    random = layer.get_weights()
    stages.first_weights(network, pixels)
    layer.set_weights(random)
    layer.trainable = True


def only_whitening(network: keras.Model, pixels: np.ndarray) -> None:
    """Set the initial weights without the identity: kernels keep their random values from Keras."""
    random = [layer.get_weights() for layer in network.layers]
    stages.first_weights(network, pixels)
    for layer, weights in zip(network.layers, random, strict=True):
        if layer.name != stages.WHITENING:
            layer.set_weights(weights)


def variants(recipe: Recipe) -> dict[str, Recipe]:
    """quick, and quick with one change each, by name."""

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
        "constant learning rate": changed(schedule="constant"),
        "no warm-up": changed(warmup=0.0),
        "no label smoothing": changed(label_smoothing=0.0),
        "no shift augmentation": changed(augmentation=shifts(update={"shift": 0.0})),
        "mirrored in every other epoch": changed(augmentation=shifts(update={"flip": "alternate"})),
        "cutout of 0.3": changed(augmentation=shifts(update={"cutout": 0.3})),
        "weights averaged, momentum 0.97": changed(average=0.97),
        "three shifted views at prediction": changed(views="shift"),
    }


def gelu(network: Callable[..., keras.Model]) -> Callable[..., keras.Model]:
    """A function that builds the same network with gelu instead of ReLU."""

    from tellapart.networks.backend import keras

    def build(shape: tuple[int, int, int], classes: int) -> keras.Model:
        def swapped(layer: keras.Layer) -> keras.Layer:
            config = layer.get_config()
            if config.get("activation") == "relu":
                config["activation"] = "gelu"
            return type(layer).from_config(config)

        return keras.models.clone_model(network(shape, classes), clone_function=swapped)

    return build


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md."""
    rows = []
    base = {line["seed"]: line["validation_accuracy"] for line in measurements if line["name"] == "quick"}
    for name in dict.fromkeys(line["name"] for line in measurements):
        mine = [line for line in measurements if line["name"] == name]
        gains = [100 * (line["validation_accuracy"] - base[line["seed"]]) for line in mine]
        accuracy = mean_and_range((100 * line["validation_accuracy"] for line in mine), ".2f")
        seconds = mean_and_range(line["fit_seconds"] for line in mine)
        rows.append([name, accuracy, "-" if name == "quick" else f"{np.mean(gains):+.2f}", seconds])
    epochs = measurements[-1]["epochs"]
    head = ["", "validation accuracy, %", "against quick, points", "fit, s"]
    about = (
        f"`python benchmarks/ablation.py`: Fashion-MNIST, {epochs} epochs. {measured_on(measurements)} "
        f"Differences below about 0.3 are chance: accuracy is the mean of {len(base)} seeds on 6,000 pictures each."
    )
    return as_section("What each component of quick contributes", about, table(head, rows))


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--only")
    options = parser.parse_args()
    collection = tellapart.open("fashion-mnist")
    train = collection.indices("train")
    training_only = (
        collection.pictures.array[train],
        collection.labels[train],
    )  # no test split
    quick = find.find_recipe("quick").for_data(54_000, (28, 28, 1))
    for seed in options.seeds:
        for name, recipe in variants(quick).items():
            if options.only not in (None, name):
                continue
            with tempfile.TemporaryDirectory() as temporary:
                run = tellapart.train(
                    training_only,
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
    redraw()


if __name__ == "__main__":
    main()
