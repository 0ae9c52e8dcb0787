"""List the layers of a model's or recipe's network, with output shapes and parameter counts."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tellapart.progress import Listener
from tellapart.text import counted, cut, fitted, percent, percent_range, shape, terminal_width, wrapped
from tellapart.verbs import Record, argument
from tellapart.verbs._data import open_inferred
from tellapart.verbs._options import Model, Source
from tellapart.verbs._runs import find_model

if TYPE_CHECKING:
    from tellapart.classifier.model_file import Layer, ModelRecord


class Options(Record):
    """The options of summary."""

    model: Model = argument(
        description='A .keras file, a run folder, a run\'s name, "last", or a recipe (a name, my.toml or my.py).'
    )
    data: Source = Field(
        None,
        description="For a recipe: data that decides picture size and number of classes; default: those of the recipe, "
        "or 28 x 28 grey and 10 classes.",
    )


NAME, CLASSES = 30, 50
"""Letters of a layer's name, and number of classes, that the text shows."""


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """The layers of a network; `about` are lines about the model file."""

    title: str
    layers: tuple[Layer, ...]
    about: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """The number of parameters of all layers."""
        return sum(layer.parameters for layer in self.layers)

    def to_dict(self) -> dict[str, Any]:
        """The layers and the number of parameters, for machines."""
        layers = [layer.model_dump() for layer in self.layers]
        return {"title": self.title, "parameters": self.parameters, "layers": layers}

    def __str__(self) -> str:
        width = terminal_width()
        rows = [[cut(layer.name, NAME), layer.kind, shape(layer.shape), layer.parameters] for layer in self.layers]
        table = fitted(rows, ["layer", "kind", "output shape", "parameters"], width, least=4)
        lines = [self.title, "", table, "", f"parameters: {self.parameters:,}"]
        return "\n".join([*lines, *(wrapped(line, width or 80) for line in self.about)])

    def __repr__(self) -> str:
        return f"<Summary of {self.title}: {counted(len(self.layers), 'layer')}, {self.parameters:,} parameters>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def run(options: Options, on_event: Listener) -> Summary:
    """Returns the layers. Raises ModelFileError for a damaged model file, RecipeError for a faulty recipe."""
    from tellapart.recipes.find import names

    model = getattr(options.model, "model", options.model)  # the model may be a Run
    text = str(getattr(model, "source", model))
    if text in names() or text.endswith((".toml", ".py")):
        return _of_recipe(options, on_event)
    from tellapart.classifier.classifier import Classifier
    from tellapart.classifier.model_file import read_model

    if isinstance(model, Classifier):
        record = model.record
    else:
        path = Path(find_model(model))
        text = str(path)
        record, _ = read_model(path / "model.keras" if path.is_dir() else path)
    return Summary(text, record.layers, tuple(_about(record)))


def _about(record: ModelRecord) -> list[str]:
    """Lines about a model file: classes, pictures, recipe, accuracy."""
    names = list(record.class_names)
    more = f" and {len(names) - CLASSES:,} more" if len(names) > CLASSES else ""
    lines = [f"{counted(len(names), 'class', 'classes')}: {', '.join(names[:CLASSES])}{more}"]
    lines.append(f"pictures: {record.preprocessing}")
    if record.recipe_name is not None:
        lines.append(f"recipe: {record.recipe_name}, trained {record.training.get('trained')}")
    if backbone := record.backbone:
        lines.append(
            f"pretrained backbone: {backbone['title']} (weights: {backbone['licence']}; {backbone['credit']}), SHA-256 "
            f"{backbone['sha256']}"
        )
    if record.test is not None:
        accuracy, count = record.test
        interval = record.metrics["test"].get("accuracy_interval")
        known = isinstance(interval, list) and len(interval) == 2
        measured = f"{percent(accuracy, interval)} ({percent_range(interval)})" if known else percent(accuracy)
        lines.append(f"test accuracy: {measured} on {counted(count, 'picture')}")
    return lines


def _of_recipe(options: Options, on_event: Listener) -> Summary:
    from tellapart.images.preprocessing import Preparation
    from tellapart.networks import backbones
    from tellapart.recipes.choose import choose_preparation
    from tellapart.recipes.find import find_recipe

    recipe = find_recipe(options.model).recipe
    if options.data is None:
        backbone = None if recipe.backbone is None else backbones.load(recipe.backbone).BACKBONE
        side, colour = (28, "grey") if backbone is None else (backbone.side, "rgb")
        preprocessing = Preparation(
            height=recipe.height or side, width=recipe.width or side, colour=recipe.colour or colour
        )
        classes = recipe.classes or 10
    else:
        collection = open_inferred(options.data, on_event)
        preprocessing, _ = choose_preparation(recipe, collection, collection.indices(None))
        classes = len(collection.class_names)
    from tellapart.classifier.network import describe_layers
    from tellapart.recipes.build import build_network

    layers = describe_layers(build_network(recipe, preprocessing.shape, classes))
    return Summary(f"{recipe.name} for {preprocessing} and {classes} classes", layers, ())
