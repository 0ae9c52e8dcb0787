"""Convert a Keras model that was trained elsewhere to a tellapart model with class names and preprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from tellapart.errors import UsageError, expected_value
from tellapart.progress import Listener, Note
from tellapart.verbs import Record, argument, check_output
from tellapart.verbs._options import ClassNames, Source

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier
    from tellapart.classifier.sandbox.keras_file import KerasFile
    from tellapart.images.preprocessing import Preparation

RANGES = {
    "0..255": (1.0, 0.0),
    "0..1": (1 / 255, 0.0),
    "-1..1": (1 / 127.5, -1.0),
    "-0.5..0.5": (1 / 255, -0.5),
}
"""Pixel ranges that networks are trained on, each with the scale and offset that map 0..255 to it."""

SAMPLES = 64
"""Pictures on which the ONNX copy is compared with Keras."""


class Options(Record):
    """The options of adopt."""

    model: Path = argument(description="A .keras or .h5 file of a whole model, written by Keras 2 or 3.")
    classes: ClassNames = Field(description="Text file with the class names in the order of the outputs, one per line.")
    preprocessing: list[str] = Field(
        default_factory=list,
        description=f"How its training prepared pictures, as NAME=VALUE; may be repeated. Names: range "
        f"({', '.join(RANGES)}), fit (stretch, crop, pad), resampling (nearest, bilinear, ...). Size and colour are "
        "those of the network's input.",
    )
    output: Path | None = Field(None, description="The file to write; default: the model's name with -adopted.keras.")
    data: Source = Field(
        None, description="Pictures on which to compare the ONNX copy with Keras; default: random pixels."
    )


@dataclass(frozen=True, eq=False)
class Adopted:
    """The path of the model file that was written, and the classifier in it, `model`."""

    path: Path
    model: Classifier

    def to_dict(self) -> dict[str, Any]:
        """The file, class names and preprocessing, for machines."""
        preprocessing = self.model.preprocessing.model_dump()
        return {"model": str(self.path), "classes": list(self.model.class_names), "preprocessing": preprocessing}

    def __str__(self) -> str:
        classifier = self.model
        return (
            f"{len(classifier.class_names)} classes, pictures {classifier.preprocessing}\nmodel: {self.path}\n"
            f"try it: tellapart predict {self.path} PICTURE, or on labelled pictures: "
            f"tellapart evaluate {self.path} DATA"
        )


def run(options: Options, on_event: Listener) -> Adopted:
    """Returns the new model file. Raises ModelFileError for a file that is not a plain Keras model, and UsageError for
    class names or preprocessing that do not fit the network.
    """
    from tellapart.classifier.make import ModelFacts, make_classifier
    from tellapart.classifier.sandbox.keras_file import read_keras_file

    path = options.output or options.model.with_name(f"{options.model.stem}-adopted.keras")
    # Without --output, and without the model's folder, `read_keras_file` reports the path of the model.
    if options.output is not None or options.model.parent.is_dir():
        check_output(path)
    if path.suffix != ".keras" or path.exists():
        reason = "already exists" if path.exists() else "does not end in .keras"
        raise UsageError(f"--output {path}: {reason}", "a new file name that ends in .keras", "")
    foreign = read_keras_file(options.model)
    names = _names(options.classes, foreign)
    preprocessing, scale, offset, reason = _preprocessing(options, foreign)
    on_event(Note(f"pictures: {preprocessing}, pixels {reason}"))
    if foreign.rescales and (scale, offset) != (1.0, 0.0):
        on_event(
            Note("note: the network rescales pixels too; give range only if its training also did both", warning=True)
        )
    activation = _activation(foreign)
    if activation:
        on_event(
            Note(f"note: its outputs are not probabilities ({foreign.ending}); a {activation} is added", warning=True)
        )
    samples = _samples(options, preprocessing, on_event)
    network = foreign.network(scale, offset, activation)
    classifier = make_classifier(network, ModelFacts(names, preprocessing), samples)
    classifier.save(path)
    classifier.source = str(path)
    return Adopted(path, classifier)


def _names(classes: Any, foreign: KerasFile) -> tuple[str, ...]:
    from tellapart.data.source import read_class_names

    names = tuple(read_class_names(classes) or ())
    outputs = foreign.outputs
    wanted = 2 if outputs == 1 else outputs
    if len(names) != wanted:
        kind = "one output (the probability of the second class)" if outputs == 1 else f"{outputs} outputs"
        raise UsageError(
            f"{classes}: has {len(names)} class names, but {foreign.name} has {kind}",
            f"{wanted} names, in the order of the outputs (Keras's flow_from_directory: folder names, sorted)",
            "",
        )
    repeated = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if repeated is not None:
        raise UsageError(
            f"{classes}: two classes are named {repeated!r}", "unique names", "make them differ, such as crane (bird)"
        )
    return names


def _preprocessing(options: Options, foreign: KerasFile) -> tuple[Preparation, float, float, str]:
    """The preprocessing, the scale and offset of pixels before the network, and the reason for them in words."""
    from tellapart.images.preprocessing import Preparation

    given: dict[str, str] = {}
    for text in options.preprocessing:
        name, sign, value = str(text).partition("=")
        known = ("range", "fit", "resampling")
        if not sign or name.strip() not in known:
            raise UsageError(f"--preprocessing {text}", "NAME=VALUE, where NAME is range, fit or resampling", "")
        given[name.strip()] = value.strip()
    span = given.pop("range", None)
    if span is None and not foreign.rescales:
        raise UsageError(
            f"{foreign.name}: does not state the range of pixels that it was trained on",
            f"--preprocessing range=... with one of {', '.join(RANGES)}",
            "look at its training code: rescale=1./255 or / 255 means 0..1",
        )
    if span is not None and span not in RANGES:
        raise UsageError(f"--preprocessing range={span}", f"one of {', '.join(RANGES)}", "")
    shape = foreign.spec.shape
    assert shape is not None
    values: dict[str, Any] = {"height": shape[0], "width": shape[1], "colour": "grey" if shape[2] == 1 else "rgb"}
    try:
        preprocessing = Preparation.model_validate(values | given)
    except ValidationError as error:
        first = error.errors()[0]
        field = Preparation.model_fields[str(first["loc"][0])]
        expected = expected_value(field.annotation, field.metadata, first)
        raise UsageError(f"--preprocessing {first['loc'][0]}={first['input']}", expected, "") from error
    scale, offset = RANGES[span or "0..255"]
    return preprocessing, scale, offset, f"{span} as given" if span else "0..255 (the network rescales them)"


def _activation(foreign: KerasFile) -> str | None:
    """The activation that turns the outputs into probabilities; None if they are. Raises UsageError if none does."""
    ending, outputs = foreign.ending, foreign.outputs
    if ending == "linear":
        return "sigmoid" if outputs == 1 else "softmax"
    if ending != ("sigmoid" if outputs == 1 else "softmax"):
        raise UsageError(
            f"{foreign.name}: its {outputs} outputs come from a {ending}",
            "one class per picture: a softmax over all classes, or one sigmoid for two classes",
            "",
        )
    return None


def _samples(options: Options, preprocessing: Preparation, on_event: Listener) -> np.ndarray:
    import numpy as np

    if options.data is None:
        return np.random.default_rng(0).integers(0, 256, (SAMPLES, *preprocessing.shape), np.uint8)
    from tellapart.data.feeding import prepare_pictures
    from tellapart.data.source import open_collection

    collection = open_collection(options.data, None, on_event)
    some = np.unique(np.linspace(0, len(collection) - 1, SAMPLES).astype(int))
    return np.asarray(prepare_pictures(collection, some, preprocessing, on_event).pixels[:])
