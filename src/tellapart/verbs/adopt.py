"""Convert a Keras model that was trained elsewhere to a tellapart model with class names and preprocessing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from tellapart.errors import UsageError, expected_value
from tellapart.progress import Listener, Note
from tellapart.verbs import Record, argument, check_output
from tellapart.verbs._data import open_inferred
from tellapart.verbs._options import ClassNames, Source

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier
    from tellapart.classifier.sandbox.keras_file import KerasFile, PixelScale
    from tellapart.images.preprocessing import Preparation

MEANS, DEVIATIONS = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pixels in 0..1, red, green and blue, as keras.applications and torchvision use them."""

RANGES: dict[str, tuple[Any, Any]] = {
    "0..255": (1.0, 0.0),
    "0..1": (1 / 255, 0.0),
    "-1..1": (1 / 127.5, -1.0),
    "-0.5..0.5": (1 / 255, -0.5),
    "torch": (tuple(1 / 255 / d for d in DEVIATIONS), tuple(-m / d for m, d in zip(MEANS, DEVIATIONS, strict=True))),
    "caffe": (1.0, (-103.939, -116.779, -123.68)),
}
"""Pixel ranges that networks are trained on, each with the scale and offset that map 0..255 to it.

torch and caffe are modes of Keras's `preprocess_input`: 0..1 minus ImageNet's means by its deviations (DenseNet, and
models from torchvision); and blue, green, red minus their means (VGG, ResNet 50 to 152).
"""

SAMPLES = 64
"""Pictures on which the ONNX copy is compared with Keras."""


class Options(Record):
    """The options of adopt."""

    model: Path = argument(description="A .keras or .h5 file of a whole model, written by Keras 2 or 3.")
    classes: ClassNames = Field(description="Text file with the class names in the order of the outputs, one per line.")
    preprocessing: list[str] = Field(
        default_factory=list,
        description=f"How its training prepared pictures, as NAME=VALUE; may be repeated. Names: range "
        f"({', '.join(RANGES)}), fit (stretch, crop, pad), resampling (nearest, bilinear, ...), and size (such as "
        "224x224) for a network that accepts any; otherwise size and colour are those of the network's input.",
    )
    preparation: list[str] = Field(default_factory=list, description="The same as --preprocessing.")
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
    from tellapart.classifier.sandbox.keras_file import PixelScale, read_keras_file

    path = options.output or options.model.with_name(f"{options.model.stem}-adopted.keras")
    # Without --output, and without the model's folder, `read_keras_file` reports the path of the model.
    if options.output is not None or options.model.parent.is_dir():
        check_output(path)
    if path.suffix != ".keras" or path.exists():
        reason = "already exists" if path.exists() else "does not end in .keras"
        raise UsageError(f"--output {path}: {reason}", "a new file name that ends in .keras", "")
    given = _given(options)
    size = _size(given.pop("size", None))
    foreign = read_keras_file(options.model, size)
    names = _names(options.classes, foreign, on_event)
    preprocessing, pixels, reason = _preprocessing(given, foreign)
    on_event(Note(f"pictures: {preprocessing}, pixels {reason}"))
    if foreign.rescales and pixels != PixelScale():
        on_event(
            Note("note: the network rescales pixels too; give range only if its training also did both", warning=True)
        )
    activation = _activation(foreign)
    if activation:
        on_event(
            Note(f"note: its outputs are not probabilities ({foreign.ending}); a {activation} is added", warning=True)
        )
    samples = _samples(options, preprocessing, on_event)
    network = foreign.network(pixels, activation)
    classifier = make_classifier(network, ModelFacts(names, preprocessing), samples)
    classifier.save(path)
    classifier.source = str(path)
    return Adopted(path, classifier)


def _names(classes: Any, foreign: KerasFile, on_event: Listener) -> tuple[str, ...]:
    from tellapart.data.source import read_class_names

    written = tuple(read_class_names(classes) or ())
    names = _without_numbers(written)
    if names != written:
        on_event(
            Note(f"note: the numbers before the class names are left out: {written[0]!r} is {names[0]!r}", warning=True)
        )
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


_NUMBERED = re.compile(r"(\d+)\s*[\s:;,.)=-]\s*(\S.*)")


def _without_numbers(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names without the numbers that count the lines from 0 or 1, as in Teachable Machine's `labels.txt`.

    Lines in another order are sorted by their numbers.
    """
    matches = [_NUMBERED.fullmatch(name) for name in names]
    numbered = {int(match[1]): match[2] for match in matches if match}
    first = min(numbered, default=0)
    if len(names) < 2 or len(numbered) < len(names) or first > 1 or max(numbered) != first + len(names) - 1:
        return names
    return tuple(numbered[number] for number in sorted(numbered))


def _given(options: Options) -> dict[str, str]:
    """What the options say about preprocessing, by name."""
    given: dict[str, str] = {}
    for text in (*options.preprocessing, *options.preparation):
        name, sign, value = str(text).partition("=")
        if not sign or name.strip() not in ("range", "fit", "resampling", "size"):
            raise UsageError(f"--preprocessing {text}", "NAME=VALUE, where NAME is range, fit, resampling or size", "")
        given[name.strip()] = value.strip()
    return given


def _size(text: str | None) -> tuple[int, int] | None:
    """Height and width of an option such as 224x224 or 224."""
    if text is None:
        return None
    sizes = [int(word) if word.strip().isdecimal() else 0 for word in text.lower().split("x")]
    if len(sizes) > 2 or not all(1 <= size <= 4096 for size in sizes):
        raise UsageError(f"--preprocessing size={text}", "height and width from 1 to 4096, such as 224x224", "")
    return sizes[0], sizes[-1]


def _preprocessing(given: dict[str, str], foreign: KerasFile) -> tuple[Preparation, PixelScale, str]:
    """The preprocessing, what happens to pixels before the network, and the reason for it in words."""
    from tellapart.classifier.sandbox.keras_file import PixelScale
    from tellapart.images.preprocessing import Preparation

    span = given.pop("range", None)
    if span is None and not foreign.rescales:
        raise UsageError(
            f"{foreign.name}: does not state the range of pixels that it was trained on",
            f"--preprocessing range=... with one of {', '.join(RANGES)}",
            "look at its training code: rescale=1./255 or / 255 means 0..1; preprocess_input of MobileNet, Inception, "
            "Xception, NASNet or ResNetV2 means -1..1, of DenseNet torch, of VGG and ResNet50 caffe",
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
    if isinstance(offset, tuple) and shape[2] != len(offset):
        raise UsageError(f"--preprocessing range={span}", "for a network of RGB pictures; this one takes grey ones", "")
    pixels = PixelScale(scale, offset, reverses=span == "caffe")
    return preprocessing, pixels, f"{span} as given" if span else "0..255 (the network rescales them)"


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

    collection = open_inferred(options.data, on_event)
    some = np.unique(np.linspace(0, len(collection) - 1, SAMPLES).astype(int))
    return np.asarray(prepare_pictures(collection, some, preprocessing, on_event).pixels[:])
