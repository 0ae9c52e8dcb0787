"""The classifier: a trained network with its preprocessing and class names. It predicts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tellapart.classifier.calibration import TINY, normalised, tempered, threshold_for
from tellapart.classifier.given import Named, batches, is_batch, name_of, several
from tellapart.classifier.model_file import ONNX, OOD, ModelRecord, read_model, write_model
from tellapart.classifier.ood import OOD_THRESHOLD, OodDetector
from tellapart.classifier.runtime import OnnxRuntime, try_onnx
from tellapart.data.feeding import batch_for
from tellapart.data.pixel_store import Pixels
from tellapart.errors import ModelFileError, PictureError, UsageError
from tellapart.images.decode import pillow_warnings_off
from tellapart.images.grid import grid_means
from tellapart.images.preprocessing import Preparation
from tellapart.images.read import from_array, read_image
from tellapart.images.views import Views
from tellapart.images.views import tta_views as views_of
from tellapart.parallel import each
from tellapart.text import probability

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for one picture: `values` float32 [classes] are the probabilities, in the order of `class_names`.

    `threshold`, if any, is the probability below which the answer is "unsure". `ood_score`, if the model has an
    out-of-distribution detector, is the share of held-out pictures, 0..1, that are more like the training data.
    """

    source: str
    class_names: tuple[str, ...]
    values: np.ndarray
    threshold: float | None = None
    ood_score: float | None = None

    @property
    def label(self) -> str:
        """The name of the likeliest class."""
        return self.class_names[int(self.values.argmax())]

    @property
    def probability(self) -> float:
        """The probability of the likeliest class, 0..1."""
        return float(self.values.max())

    @property
    def unsure(self) -> bool:
        """Whether the probability is below the threshold, so that the answer is not reliable enough."""
        return self.threshold is not None and self.probability < self.threshold

    @property
    def answer(self) -> str:
        """The answer in words: the likeliest class, or `unsure, perhaps` that class."""
        return f"unsure, perhaps {self.label}" if self.unsure else self.label

    @property
    def out_of_distribution(self) -> bool:
        """Whether the picture is less like the training data than 99% of the held-out pictures."""
        return self.ood_score is not None and self.ood_score > OOD_THRESHOLD

    @property
    def probabilities(self) -> dict[str, float]:
        """The probability of every class, in class order."""
        return dict(zip(self.class_names, map(float, self.values), strict=True))

    def top(self, count: int) -> list[tuple[str, float]]:
        """The `count` likeliest classes with their probabilities, likeliest first."""
        order = np.argsort(-self.values, kind="stable")[:count]
        return [(self.class_names[i], float(self.values[i])) for i in order]

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """As JSON values; `top` limits the probabilities to the likeliest classes."""
        values: dict[str, Any] = {
            "source": self.source,
            "label": self.label,
            "probability": self.probability,
            "probabilities": dict(self.top(top)) if top else self.probabilities,
        }
        if self.threshold is not None:
            values["unsure"] = self.unsure
        if self.ood_score is not None:
            values |= {"ood_score": self.ood_score, "out_of_distribution": self.out_of_distribution}
        return values

    def __str__(self) -> str:
        answer = f"{self.answer} ({probability(self.probability)})"
        return f"{answer}, but the picture is out-of-distribution" if self.out_of_distribution else answer

    def __repr__(self) -> str:
        return f"<Prediction {self.source}: {self}>"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{escape(name)}</td><td>{probability(p)}</td></tr>" for name, p in self.top(5))
        return f"<b>{escape(str(self))}</b> {escape(self.source)}<table>{rows}</table>"


def _check_names(names: tuple[str, ...], width: int | None, source: str) -> None:
    """Raise ModelFileError where class names repeat, or do not fit a network of `width` outputs."""
    wanted = 2 if width == 1 else width  # a single output is for the second of two classes
    if len(set(names)) != len(names) or wanted not in (None, len(names)):
        raise ModelFileError(
            f"{source}: is damaged ({len(set(names))} different class names for a network of {width} outputs)",
            "the file as it was written",
            "copy it again from where it came, or train again",
        )


class Classifier:
    """Assigns pictures to classes. Prediction runs in ONNX Runtime and does not import Keras."""

    def __init__(
        self, record: ModelRecord, members: dict[str, bytes], source: str = "classifier", threads: int | None = None
    ) -> None:
        self.record, self.members, self.source = record, members, source
        self.runtime = OnnxRuntime(members[ONNX], source, threads)
        _check_names(record.class_names, self.runtime.width, source)
        self.ood_detector = OodDetector.from_bytes(members[OOD], source) if OOD in members else None
        """Scores how unlike the training data a picture is; None for a file without a detector."""
        self.views: Views = record.views
        """The TTA views of a picture that prediction averages."""
        self.measured_views: Views = record.measured_views or record.views
        """The views that confidence was calibrated with."""
        self.threshold = record.threshold
        """The probability below which an answer is "unsure", if any."""
        self.head: Callable[[np.ndarray], np.ndarray] | None = None
        """The last layer, for pictures whose features are known: those of the backbone of a training."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names, in the order of every vector of probabilities."""
        return self.record.class_names

    @property
    def classes_(self) -> np.ndarray:
        """The class names as an array of str [classes], in the order of `predict_proba`'s columns."""
        return np.array(self.class_names)

    @property
    def preprocessing(self) -> Preparation:
        """Turns any picture into the array that the network receives."""
        return self.record.preprocessing

    @cached_property
    def network(self) -> keras.Model:
        """The Keras network, from pixels 0..255 to its outputs; built on first use, which imports Keras."""
        from tellapart.classifier.network import from_members

        return from_members(self.members, self.source)

    def predict(
        self, pictures: Any, on_bad: Callable[[PictureError], None] | None = None
    ) -> Prediction | list[Prediction]:
        """Predict one picture or many.

        For one picture (a path, the bytes of a file, a Pillow image, or an array [height, width(, 1 or 3 or 4)] of
        values 0..255) returns a Prediction. For several (the path of a folder, an array [n, height, width, 1 or 3], or
        an iterable of pictures) returns a list. For a picture that cannot be read, raises PictureError; with `on_bad`,
        passes the error to it and leaves the picture out of the list.
        """
        if isinstance(pictures, np.ndarray) and not is_batch(pictures):
            return self.answers(("array",), self.prepared(pictures, "array")[np.newaxis])[0]
        if isinstance(pictures, np.ndarray) and self._is_prepared(pictures):
            return self.answers([f"array {i}" for i in range(len(pictures))], pictures)
        many = several(pictures)
        if many is None:
            name = name_of(pictures, None)
            with pillow_warnings_off():
                return self.answers((name,), self.prepared(pictures, name)[np.newaxis])[0]
        return list(self.predict_each(many, on_bad))

    def predict_proba(self, pictures: Any) -> np.ndarray:
        """Class probabilities float32 [n, classes], with columns in the order of `classes_`.

        `pictures` is what `predict` takes; one picture gives [1, classes]. Raises PictureError, which names the
        picture, for one that cannot be read.
        """
        answers = self.predict(pictures)
        rows = [answer.values for answer in ([answers] if isinstance(answers, Prediction) else answers)]
        return np.stack(rows) if rows else np.empty((0, len(self.class_names)), np.float32)

    def predict_each(
        self, pictures: Iterable[Any], on_bad: Callable[[PictureError], None] | None = None
    ) -> Iterator[Prediction]:
        """Predict pictures one after the other, in batches that are read in parallel; see `predict` for `on_bad`.

        Answers are yielded, and `on_bad` is called, in the order of the pictures.
        """
        for batch in batches(pictures, batch_for(self.preprocessing.shape)):
            with pillow_warnings_off():
                reads = list(each(self._read, batch))
            bad = [read for read in reads if isinstance(read, PictureError)]
            if bad and on_bad is None:
                raise bad[0]
            good = [read for read in reads if not isinstance(read, PictureError)]
            answers = self.answers([name for name, _ in good], np.stack([pixels for _, pixels in good])) if good else []
            remaining = iter(answers)
            for read in reads:
                if not isinstance(read, PictureError):
                    yield next(remaining)
                elif on_bad is not None:
                    on_bad(read)

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Probabilities float32 [n, classes] for preprocessed pictures, uint8 [n, *preprocessing.shape]."""
        return self._over_views(pixels, self.runtime(pixels))

    def probabilities_and_ood_scores(
        self, pixels: Pixels, known: np.ndarray | None = None, grid: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Probabilities as from `probabilities`, and OOD scores float [n] in 0..1; None without a detector.

        `known` float32 [n, features] are the features of the pictures, if the classifier has a `head` for them, and
        `grid` their `grid_means`, if they are known. With both, and without TTA views, no pixel is read.
        """
        if self.head is not None and known is not None and self.views == "none":
            answers = tempered(self.head(known), self.record.temperature)
            return answers, self._ood_scores(pixels, known, grid)
        pixels = pixels[:]
        if self.ood_detector is None or not self.runtime.has_features:
            return self.probabilities(pixels), None
        outputs, features = self.runtime.with_features(pixels)
        return self._over_views(pixels, outputs), self._ood_scores(pixels, features, grid)

    def with_views(self, views: Views) -> Classifier:
        """A copy of the classifier with other TTA views, see tellapart.images.views."""
        other = copy(self)
        other.views, other.measured_views = views, self.measured_views
        other.record = self.record.model_copy(update={"views": views, "measured_views": self.measured_views})
        return other

    def calibration_warning(self) -> str | None:
        """A note for the user if confidence was never calibrated, or was calibrated with other views; else None."""
        if self.record.training and not self.record.metrics:
            return "note: training was interrupted before confidence was calibrated; continue it with 'train --resume'"
        if self.views == self.measured_views:
            return None
        what = 'confidence and the "unsure" threshold were' if self.threshold is not None else "confidence was"
        return f"note: {what} calibrated with views={self.measured_views} and may be off with views={self.views}"

    def with_max_error_rate(self, share: float) -> Classifier:
        """A copy that answers "unsure" often enough for an error rate of at most `share`, 0..1, in its other answers.

        Error rates were measured on the validation split, with the views of the file. Raises UsageError where no
        threshold reaches this rate.
        """
        other = copy(self)
        other.threshold = threshold_for(share, self.record.threshold_tradeoffs).threshold
        other.record = self.record.model_copy(update={"threshold": other.threshold})
        return other

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the classifier to one `.keras` file, atomically. Raises UsageError for another suffix."""
        path = Path(path)
        if path.suffix != ".keras":
            raise UsageError(f"{path}: does not end in .keras", "a name such as model.keras", "")
        self.record = write_model(path, self.record, self.members)
        return path

    def __repr__(self) -> str:
        return f"<Classifier {self.source}: {len(self.class_names)} classes, pictures {self.preprocessing}>"

    def _is_prepared(self, pictures: np.ndarray) -> bool:
        """Whether an array is a stack of pictures that are preprocessed already."""
        if self.preprocessing.samples.for_array(pictures.dtype) is not None:
            return False
        return pictures.dtype == np.uint8 and pictures.ndim == 4 and pictures.shape[1:] == self.preprocessing.shape

    def _ood_scores(self, pixels: Pixels, features: np.ndarray, grid: np.ndarray | None) -> np.ndarray | None:
        """OOD scores float [n] in 0..1; None without a detector."""
        if self.ood_detector is None:
            return None
        return self.ood_detector(grid_means(pixels[:]) if grid is None else grid, features)

    def _over_views(self, pixels: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Probabilities float32 [n, classes] over all views; `outputs` are the network's for the unchanged pixels."""
        answers = to_class_probabilities(outputs)
        if self.views != "none":
            views = views_of(pixels, self.views)
            unchanged = (next(views)[0], answers)
            others = ((weight, to_class_probabilities(self.runtime(view))) for weight, view in views)
            answers = _averaged(chain([unchanged], others))
        return tempered(answers, self.record.temperature)

    def answers(self, names: Sequence[str], pixels: np.ndarray) -> list[Prediction]:
        """Predictions for preprocessed pictures, uint8 [n, *preprocessing.shape], with their names."""
        classes, threshold = self.record.class_names, self.threshold
        values, ood_scores = self.probabilities_and_ood_scores(pixels)
        scores = [None] * len(names) if ood_scores is None else ood_scores.tolist()
        return [
            Prediction(name, classes, row, threshold, score)
            for name, row, score in zip(names, values, scores, strict=True)
        ]

    def _read(self, numbered: tuple[int, Any]) -> tuple[str, np.ndarray] | PictureError:
        name = name_of(numbered[1], numbered[0])
        try:
            return name, self.prepared(numbered[1], name)
        except PictureError as error:
            return error

    def prepared(self, picture: Any, name: str) -> np.ndarray:
        """One picture, as `predict` takes it, as pixels uint8 [*preprocessing.shape].

        Raises PictureError, which has the name.
        """
        picture = picture.picture if isinstance(picture, Named) else picture
        preprocessing = self.preprocessing
        if isinstance(picture, np.ndarray):
            return preprocessing(from_array(picture, name, preprocessing.samples))
        return preprocessing(read_image(picture, name, preprocessing.least, preprocessing.samples))


def load_classifier(path: Any, *, threads: int | None = None) -> Classifier:
    """Load a classifier from a model file or a run folder; a Run or Classifier gives its own. Raises ModelFileError.

    `threads` compute each prediction: all processors, unless set.
    """
    loaded = getattr(path, "model", path)
    if isinstance(loaded, Classifier):
        return loaded
    path = Path(path).expanduser()
    if os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises where access is denied
        path = path / "model.keras"
    record, members = read_model(path)
    try_onnx(members[ONNX], str(path))
    return Classifier(record, members, source=str(path), threads=threads)


def to_class_probabilities(outputs: np.ndarray) -> np.ndarray:
    """Probabilities [n, classes] from a network's outputs; one sigmoid output p becomes the two columns 1 - p and p.

    float32 has no value between 1 - 2 ** -24 and 1. Where p is 1, the other class gets 2 ** -25 instead of 0.
    """
    if outputs.shape[1] != 1:
        return outputs
    return np.concatenate([np.maximum(1 - outputs, np.float32(2**-25)), outputs], axis=1)


def _averaged(answers: Iterable[tuple[float, np.ndarray]]) -> np.ndarray:
    """The weighted geometric mean of probabilities [n, classes], normalised to sum 1: the mean of the logits."""
    return normalised(sum(weight * np.log(np.maximum(values, TINY)) for weight, values in answers))
