"""Make a tellapart model of a Keras model that was trained elsewhere, by giving it class names and a preparation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError

from tellapart.errors import UsageError
from tellapart.progress import Listener, Note
from tellapart.verbs import Record, argument, check_output

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
"""What a network expects pixels to lie in, with the factor and the sum that bring 0..255 there."""

SAMPLES = 64


class Options(Record):
    """What may be asked of adopt."""

    model: Path = argument(description="A .keras or .h5 file that Keras (2 or 3) wrote, the whole model.")
    classes: Any = Field(description="Text file with the class names in the order of the outputs, one a line.")
    preprocessing: list[Any] = Field(
        default_factory=list,
        description=f"How its pictures were prepared, as NAME=VALUE; may be repeated: range ({', '.join(RANGES)}), fit "
        "(stretch, crop, pad), resampling (nearest, bilinear, ...); size and colour are the network's.",
    )
    output: Path | None = Field(None, description="The file to write; default: the model's name with -adopted.keras.")
    data: Any = Field(
        None, description="Pictures to compare Keras's answers with the written model's on; default: random pixels."
    )


@dataclass(frozen=True, eq=False)
class Adopted:
    """The file that was written, and the classifier in it."""

    path: Path
    classifier: Classifier

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        preprocessing = self.classifier.preprocessing.model_dump()
        return {"model": str(self.path), "classes": list(self.classifier.class_names), "preprocessing": preprocessing}

    def __str__(self) -> str:
        found = self.classifier
        return (
            f"{len(found.class_names)} classes, pictures {found.preprocessing}\nmodel: {self.path}\n"
            f"try it: tellapart predict {self.path} PICTURE, or on labelled pictures: "
            f"tellapart evaluate {self.path} DATA"
        )


def run(options: Options, on_event: Listener) -> Adopted:
    """Adopt. Raises ModelFileError for a file that is not a plain Keras model, UsageError for what does not fit it."""
    from tellapart.classifier.make import ModelFacts, make_classifier
    from tellapart.classifier.sandbox.keras_file import read_keras_file

    path = options.output or options.model.with_name(f"{options.model.stem}-adopted.keras")
    if options.output is not None or options.model.parent.is_dir():  # or the model's own path is what is wrong
        check_output(path)
    if path.suffix != ".keras" or path.exists():
        reason = "is there already" if path.exists() else "does not end in .keras"
        raise UsageError(f"--output {path}: {reason}", "a new name that ends in .keras", "name another")
    foreign = read_keras_file(options.model)
    names = _names(options.classes, foreign)
    preprocessing, scale, offset, reason = _preparation(options, foreign)
    on_event(Note(f"pictures: {preprocessing}, pixels {reason}"))
    if foreign.rescales and (scale, offset) != (1.0, 0.0):
        on_event(Note("note: the network rescales pixels itself as well: give a range only if its training did both"))
    activation = _activation(foreign)
    if activation:
        on_event(Note(f"note: its outputs are no probabilities ({foreign.ending}): a {activation} is put behind them"))
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
        kind = "one output, for the second of two classes" if outputs == 1 else f"{outputs} outputs"
        raise UsageError(
            f"{classes}: has {len(names)} class names, and {foreign.name} {kind}",
            f"{wanted} names, in the order of the outputs (Keras's flow_from_directory: folder names, sorted)",
            "correct the list",
        )
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise UsageError(
            f"{classes}: two classes are named {twice!r}", "each name once", "tell them apart, such as crane (bird)"
        )
    return names


def _preparation(options: Options, foreign: KerasFile) -> tuple[Preparation, float, float, str]:
    """The preparation, what is done to pixels in front of the network, and why."""
    from tellapart.images.preprocessing import Preparation

    given: dict[str, str] = {}
    for text in options.preprocessing:
        name, sign, value = str(text).partition("=")
        known = ("range", "fit", "resampling")
        if not sign or name.strip() not in known:
            raise UsageError(f"--preparation {text}", f"NAME=VALUE with a name of {', '.join(known)}", "correct it")
        given[name.strip()] = value.strip()
    span = given.pop("range", None)
    if span is None and not foreign.rescales:
        raise UsageError(
            f"{foreign.name}: does not say which range of pixels it was trained on",
            f"--preparation range=... with one of {', '.join(RANGES)}",
            "see what its training did to pixels: rescale=1./255 or / 255 is 0..1",
        )
    if span is not None and span not in RANGES:
        raise UsageError(f"--preparation range={span}", f"one of {', '.join(RANGES)}", "correct it")
    shape = foreign.spec.shape
    assert shape is not None
    values: dict[str, Any] = {"height": shape[0], "width": shape[1], "colour": "grey" if shape[2] == 1 else "rgb"}
    try:
        preprocessing = Preparation.model_validate(values | given)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"--preparation {first['loc'][0]}={first['input']}", first["msg"], "correct it") from error
    scale, offset = RANGES[span or "0..255"]
    return preprocessing, scale, offset, f"{span} as given" if span else "0..255: it rescales them itself"


def _activation(foreign: KerasFile) -> str | None:
    """What has to be put behind the outputs to make them probabilities. Raises UsageError where they never are."""
    ending, outputs = foreign.ending, foreign.outputs
    if ending == "linear":
        return "sigmoid" if outputs == 1 else "softmax"
    if ending != ("sigmoid" if outputs == 1 else "softmax"):
        raise UsageError(
            f"{foreign.name}: its {outputs} outputs come from a {ending}",
            "one class a picture: a softmax over the classes, or one sigmoid for two",
            "train a network for that",
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
