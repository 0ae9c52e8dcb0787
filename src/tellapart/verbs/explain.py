"""Explain predictions: heat maps over the picture, the nearest training pictures, or the layers of the network."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from tellapart.errors import PictureError, UsageError
from tellapart.progress import Listener, Progress
from tellapart.verbs import Record, argument, check_drawing, write_plot
from tellapart.verbs._explanation import NAMED, Explanation, Explanations
from tellapart.verbs._options import Model, Pictures, Source
from tellapart.verbs._pictures import as_list, expanded
from tellapart.verbs._runs import is_run, load_model

if TYPE_CHECKING:
    from tellapart.classifier.classifier import Classifier
    from tellapart.verbs._explaining import Explainer

FOLDER = "explanations"
"""The folder for drawings within the folder of a run."""


class Options(Record):
    """The options of explain."""

    model: Model = argument(description='A .keras file, a run folder, a run\'s name, or "last".')
    pictures: Pictures = argument(
        description='Picture files, folders of picture files, patterns such as "*.jpg", or - for standard input.'
    )
    label: str | None = Field(None, description="The class to explain; default: the predicted one.")
    layers: bool = Field(
        False, description="Draw the filters of the first layer and the feature maps of every layer instead."
    )
    kernel: str | None = Field(
        None,
        description="Convolve the picture with a kernel instead: vertical-edges, horizontal-edges, diagonal-edges, "
        "outlines, blur, sharpen, or the number, from 0, of a filter of the first layer.",
    )
    data: Source = Field(None, description="Where the training pictures are; default: where they were in training.")
    output: Path | None = Field(
        None,
        description="The PNG file to draw into, or for several pictures a folder; default: explanations/ in the run's "
        "folder, or tellapart-out/.",
    )

    _pictures = field_validator("pictures", mode="before")(as_list)


def run(options: Options, on_event: Listener) -> Explanation | Explanations:
    """Returns one Explanation for one picture, Explanations for several pictures and for a folder.

    Raises ModelFileError, UsageError, and for a single picture PictureError.
    """
    from tellapart.verbs._explaining import Explainer

    pictures = expanded(options.pictures)
    single = len(pictures) == len(options.pictures) == 1 and not _stands_for_several(options.pictures[0], pictures[0])
    _check_output(options.output, pictures, single)
    if options.layers and options.kernel is not None:
        raise UsageError("--layers and --kernel", "one of them", "")
    explainer = Explainer(load_model(options.model), options.data, on_event)
    if single:
        return _explained(explainer, pictures[0], options, _name(pictures[0], None), single)
    explanations: list[Explanation] = []
    bad: list[PictureError] = []
    for number, picture in enumerate(pictures):
        try:
            explanation = _explained(explainer, picture, options, _name(picture, number), single)
            drawn = len(explanations) >= NAMED and explanation.output and explanation.covering is not None
            explanations.append(replace(explanation, plot=None) if drawn else explanation)
        except PictureError as error:
            bad.append(error)
        on_event(Progress("explain", number + 1, len(pictures)))
    return Explanations(explanations, bad)


def _stands_for_several(given: Any, picture: Any) -> bool:
    """Whether the user gave a folder or a pattern, although it led to a single picture."""
    return isinstance(given, (str, Path)) and isinstance(picture, (str, Path)) and str(given) != str(picture)


def _check_output(output: Path | None, pictures: list[Any], single: bool) -> None:
    """Raise UsageError if `output` is not a PNG file for one picture, or cannot be a folder for several."""
    if single:
        check_drawing(output, *pictures)
    elif output is not None and output.suffix.lower() == ".png":
        raise UsageError(f"--output {output} with {len(pictures):,} pictures", "a folder", "")
    elif output is not None and os.path.exists(output) and not os.path.isdir(output):  # noqa: PTH110, PTH112
        raise UsageError(f"--output {output}: is not a folder", "a folder for several pictures", "")


def _name(picture: Any, number: int | None) -> str:
    """The name of a picture in the result: its path, or for an object what it is, numbered among several."""
    from tellapart.classifier.given import Named, name_of

    if isinstance(picture, (str, Path, Named)):
        return name_of(picture, number)
    return "picture" if number is None else f"picture {number}"


def _explained(explainer: Explainer, picture: Any, options: Options, name: str, single: bool) -> Explanation:
    """One picture explained and drawn. Raises PictureError if it cannot be read."""
    from tellapart.classifier.given import Named
    from tellapart.verbs._layer_drawings import draw_convolved, draw_layers

    read = explainer.read(picture.picture if isinstance(picture, Named) else picture, name)
    classifier = explainer.classifier
    label, picture = explainer.label(read, options.label), read.picture
    if options.kernel is not None:
        plot = draw_convolved(classifier, picture, options.kernel)
        explanation = Explanation(read.prediction, label, picture, None, None, None, (), [], plot, None)
    elif options.layers:
        plot = draw_layers(classifier, picture)
        explanation = Explanation(read.prediction, label, picture, None, None, None, (), [], plot, None)
    else:
        explanation = explainer.explain(read, label)
    assert explanation.plot is not None
    output = options.output if single else _within(options.output, name)
    path = write_plot(explanation.plot, output, _stem(name), explainer.on_event, _home(classifier), FOLDER)
    return replace(explanation, output=path)


def _stem(name: str) -> str:
    """The name of a drawing without its suffix."""
    return f"{Path(name).stem}-explained"


def _within(folder: Path | None, name: str) -> Path | None:
    """A free name for a drawing in the folder that the user named, which is created. Raises UsageError."""
    from tellapart.files import free_path, plain_name

    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output {folder}: cannot be created ({error.strerror})", "a folder", "") from error
    return free_path(folder / f"{plain_name(_stem(name))}.png")


def _home(classifier: Classifier) -> Path | None:
    """The folder of the run that a model file is in; None if it is in no run's folder."""
    folder = Path(classifier.source).parent
    return folder if is_run(folder) else None
