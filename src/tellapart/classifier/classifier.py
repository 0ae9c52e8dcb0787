"""A classifier: a trained network, the preparation and the class names. It predicts."""

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
from tellapart.classifier.model_file import ONNX, OOD, ModelRecord, read_model, write_model
from tellapart.classifier.ood import OOD_SHARE, OodDetector
from tellapart.classifier.runtime import OnnxRuntime, try_onnx
from tellapart.data.feeding import batch_for
from tellapart.data.tree import FolderTree, pictures_of
from tellapart.errors import ModelFileError, PictureError, UsageError
from tellapart.images.decode import pillow_warnings_off
from tellapart.images.preprocessing import Preparation
from tellapart.images.read import from_array, read_picture
from tellapart.images.views import Views, tta_views
from tellapart.parallel import each

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The answer for one picture: `values` float32 [classes] are the probabilities, in the order of `class_names`.

    `threshold` is the probability below which the answer is not given, if any. `novelty`, where the model can tell, is
    the share of ordinary pictures, 0..1, that are more like what it was taught than this one.
    """

    source: str
    class_names: tuple[str, ...]
    values: np.ndarray
    threshold: float | None = None
    ood_score: float | None = None

    @property
    def label(self) -> str:
        """The likeliest class, in words."""
        return self.class_names[int(self.values.argmax())]

    @property
    def probability(self) -> float:
        """The likeliest class's probability, 0..1."""
        return float(self.values.max())

    @property
    def unsure(self) -> bool:
        """Whether the probability is below the threshold, so that the answer should not be relied on."""
        return self.threshold is not None and self.probability < self.threshold

    @property
    def out_of_distribution(self) -> bool:
        """Whether the picture is less like what the model was taught than 99 % of ordinary ones."""
        return self.ood_score is not None and self.ood_score > OOD_SHARE

    @property
    def probabilities(self) -> dict[str, float]:
        """Every class's probability, in class order."""
        return dict(zip(self.class_names, map(float, self.values), strict=True))

    def top(self, count: int) -> list[tuple[str, float]]:
        """The `count` likeliest classes with their probabilities, the likeliest first."""
        order = np.argsort(-self.values, kind="stable")[:count]
        return [(self.class_names[i], float(self.values[i])) for i in order]

    def to_dict(self, top: int | None = None) -> dict[str, Any]:
        """For machines; `top` limits the probabilities to the likeliest."""
        found: dict[str, Any] = {
            "source": self.source,
            "label": self.label,
            "probability": self.probability,
            "probabilities": dict(self.top(top)) if top else self.probabilities,
        }
        if self.threshold is not None:
            found["unsure"] = self.unsure
        if self.ood_score is not None:
            found |= {"ood_score": self.ood_score, "out_of_distribution": self.out_of_distribution}
        return found

    def __str__(self) -> str:
        answer = f"{self.label} ({self.probability:.1%})"
        answer = f"unsure, perhaps {answer}" if self.unsure else answer
        return f"{answer}, but the picture is unlike those it was taught" if self.out_of_distribution else answer

    def __repr__(self) -> str:
        return f"<Prediction {self.source}: {self}>"

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{escape(name)}</td><td>{p:.1%}</td></tr>" for name, p in self.top(5))
        return f"<b>{escape(str(self))}</b> {escape(self.source)}<table>{rows}</table>"


def _check_names(names: tuple[str, ...], width: int | None, source: str) -> None:
    """Raise ModelFileError where class names are not those of so many outputs."""
    wanted = 2 if width == 1 else width  # one output is for the second of two classes
    if len(set(names)) != len(names) or wanted not in (None, len(names)):
        raise ModelFileError(
            f"{source}: is damaged ({len(set(names))} different class names for a network of {width} outputs)",
            "the file as it was written",
            "copy it again from where it came, or train anew",
        )


class Classifier:
    """Tells pictures apart. Prediction runs in ONNX Runtime and does not import Keras."""

    def __init__(self, record: ModelRecord, members: dict[str, bytes], source: str = "classifier") -> None:
        self.record, self.members, self.source = record, members, source
        self.runtime = OnnxRuntime(members[ONNX], source)
        _check_names(record.class_names, self.runtime.width, source)
        self.ood_detector = OodDetector.from_bytes(members[OOD], source) if OOD in members else None
        """Tells how far a picture is from what was taught, where the file has that."""
        self.views: Views = record.views
        """The looks at a picture that prediction averages."""
        self.measured_views: Views = record.measured_views or record.views
        """Those with which its confidence was measured."""
        self.threshold = record.threshold
        """The probability below which an answer is given as unsure, if any."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of every vector of probabilities."""
        return self.record.class_names

    @property
    def preprocessing(self) -> Preparation:
        """How any picture becomes what the network sees."""
        return self.record.preprocessing

    @cached_property
    def network(self) -> keras.Model:
        """The Keras network, rebuilt on first use (this imports Keras): pixels 0..255 in, its outputs out."""
        from tellapart.classifier.network import from_members

        return from_members(self.members, self.source)

    def predict(
        self, pictures: Any, on_bad: Callable[[PictureError], None] | None = None
    ) -> Prediction | list[Prediction]:
        """Predict one picture or many.

        `pictures` is a path, the bytes of a file, a Pillow image, or an array [height, width(, 1 or 3 or 4)] of values
        0..255: one Prediction. Or a folder's path, an array [n, height, width, 1 or 3], or an iterable of pictures: a
        list. A picture that cannot be read raises PictureError, or goes to `on_bad` and is left out of the list.
        """
        if isinstance(pictures, np.ndarray) and not _is_batch(pictures):
            return self._answers(("array",), self.preprocessing(from_array(pictures))[np.newaxis])[0]
        if isinstance(pictures, np.ndarray) and self._is_prepared(pictures):
            return self._answers([f"array {i}" for i in range(len(pictures))], pictures)
        many = several(pictures)
        if many is None:
            name = _name(pictures, None)
            with pillow_warnings_off():
                return self._answers((name,), self._prepared(pictures, name)[np.newaxis])[0]
        return list(self.predict_each(many, on_bad))

    def predict_each(
        self, pictures: Iterable[Any], on_bad: Callable[[PictureError], None] | None = None
    ) -> Iterator[Prediction]:
        """Predict pictures one after the other as they come, a batch at a time, reading in parallel."""
        for batch in _batches(pictures, batch_for(self.preprocessing.shape)):
            good: list[tuple[str, np.ndarray]] = []
            with pillow_warnings_off():
                reads = list(each(self._read, batch))
            for read in reads:
                if isinstance(read, PictureError):
                    if on_bad is None:
                        raise read
                    on_bad(read)
                else:
                    good.append(read)
            if good:
                yield from self._answers([name for name, _ in good], np.stack([pixels for _, pixels in good]))

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """Probabilities float32 [n, classes] for prepared pictures, uint8 [n, *preparation.shape]."""
        return self._of_all_looks(pixels, self.runtime(pixels))

    def judge(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The probabilities, and the novelty float [n] in 0..1 of each picture, where the model can tell it."""
        if self.ood_detector is None or not self.runtime.has_features:
            return self.probabilities(pixels), None
        outputs, features = self.runtime.with_features(pixels)
        return self._of_all_looks(pixels, outputs), self.ood_detector(pixels, features)

    def with_views(self, views: Views) -> Classifier:
        """The same classifier with other looks at a picture, see tellapart.images.views."""
        other = copy(self)
        other.views, other.measured_views = views, self.measured_views
        other.record = self.record.model_copy(update={"views": views, "measured_views": self.measured_views})
        return other

    def calibration_warning(self) -> str | None:
        """What has to be said where it looks at pictures in another way than when its confidence was measured, or where
        that never was.
        """
        if self.record.training and not self.record.metrics:
            return "note: its training was broken off before its confidence was measured: 'train --resume' goes on"
        if self.views == self.measured_views:
            return None
        what = 'its confidence, and what it calls "unsure",' if self.threshold is not None else "its confidence"
        return f"note: {what} was measured with views={self.measured_views}, and may be off with views={self.views}"

    def with_max_error_rate(self, share: float) -> Classifier:
        """The same classifier, answering "unsure" where that is needed to keep wrong answers at such a share.

        What that takes was measured on its validation split, with the views of the file. Raises UsageError where it
        cannot be promised.
        """
        other = copy(self)
        other.threshold = threshold_for(share, self.record.trades).threshold
        other.record = self.record.model_copy(update={"threshold": other.threshold})
        return other

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the classifier to one `.keras` file, wholly or not at all. Raises UsageError for another suffix."""
        path = Path(path)
        if path.suffix != ".keras":
            raise UsageError(f"{path}: does not end in .keras", "a name such as model.keras", "rename it")
        self.record = write_model(path, self.record, self.members)
        return path

    def __repr__(self) -> str:
        return f"<Classifier {self.source}: {len(self.class_names)} classes, pictures {self.preprocessing}>"

    def _is_prepared(self, pictures: np.ndarray) -> bool:
        """Whether an array needs nothing done to it: a stack of pictures as the network sees them."""
        return pictures.dtype == np.uint8 and pictures.ndim == 4 and pictures.shape[1:] == self.preprocessing.shape

    def _of_all_looks(self, pixels: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Probabilities float32 [n, classes] for pixels whose `outputs`, as they are, the network has given."""
        answers = spread(outputs)
        if self.views != "none":
            others = tta_views(pixels, self.views)
            first = (next(others)[0], answers)
            answers = _averaged(chain([first], ((weight, spread(self.runtime(look))) for weight, look in others)))
        return tempered(answers, self.record.temperature)

    def _answers(self, names: Sequence[str], pixels: np.ndarray) -> list[Prediction]:
        classes, threshold = self.record.class_names, self.threshold
        values, ood = self.judge(pixels)
        novelties = [None] * len(names) if ood is None else ood.tolist()
        return [
            Prediction(name, classes, row, threshold, new)
            for name, row, new in zip(names, values, novelties, strict=True)
        ]

    def _read(self, numbered: tuple[int, Any]) -> tuple[str, np.ndarray] | PictureError:
        name = _name(numbered[1], numbered[0])
        try:
            return name, self._prepared(numbered[1], name)
        except PictureError as error:
            return error

    def _prepared(self, picture: Any, name: str) -> np.ndarray:
        return self.preprocessing(read_picture(picture, name, self.preprocessing.least))


def load_classifier(path: Any) -> Classifier:
    """Load a model file, or the one in a run folder; a Run gives its own model. Raises ModelFileError."""
    classifier = getattr(path, "model", path)
    if isinstance(classifier, Classifier):
        return classifier
    path = Path(path).expanduser()
    if os.path.isdir(path):  # noqa: PTH112  # Path.is_dir raises where a path may not be looked at
        path = path / "model.keras"
    record, members = read_model(path)
    try_onnx(members[ONNX], str(path))
    return Classifier(record, members, source=str(path))


def spread(outputs: np.ndarray) -> np.ndarray:
    """Probabilities [n, classes] of a network's outputs; one sigmoid output p becomes the two columns 1 - p and p.

    Next to 1 float32 has no p between 1 - 2 ** -24 and 1: there half of that is left to the other class, not nothing.
    """
    if outputs.shape[1] != 1:
        return outputs
    return np.concatenate([np.maximum(1 - outputs, np.float32(2**-25)), outputs], axis=1)


def _averaged(answers: Iterable[tuple[float, np.ndarray]]) -> np.ndarray:
    """The geometric mean of weighted probabilities [n, classes]: that of the networks' logits, brought to sum 1."""
    return normalised(sum(weight * np.log(np.maximum(values, TINY)) for weight, values in answers))


def pictures_in(folder: Path) -> list[Path]:
    """The picture files below a folder, in name order, by the rules that training finds them by.

    Raises UsageError when there are none, DataError for a folder that cannot be read.
    """
    found = [folder / name for name in pictures_of(FolderTree(folder))]
    if not found:
        raise UsageError(f"{folder}: holds no pictures", "a folder with picture files", "check the path")
    return found


def _is_batch(array: np.ndarray) -> bool:
    return array.ndim == 4 or (array.ndim == 3 and array.shape[2] not in (1, 3, 4))


def several(pictures: Any) -> Iterable[Any] | None:
    """The pictures, where there may be several; None where it is one."""
    if isinstance(pictures, (str, os.PathLike)):
        return pictures_in(Path(pictures)) if os.path.isdir(pictures) else None  # noqa: PTH112  # as above
    if isinstance(pictures, (bytes, bytearray, memoryview)):
        return None
    if isinstance(pictures, np.ndarray) and not _is_batch(pictures):
        return None
    return pictures if isinstance(pictures, (np.ndarray, Sequence, Iterable)) else None


def _name(picture: Any, number: int | None) -> str:
    if isinstance(picture, (str, os.PathLike)):
        return os.fspath(picture)
    kind = "array" if isinstance(picture, np.ndarray) else "bytes" if isinstance(picture, bytes) else "picture"
    return kind if number is None else f"{kind} {number}"


def _batches(pictures: Iterable[Any], size: int) -> Iterator[list[tuple[int, Any]]]:
    batch: list[tuple[int, Any]] = []
    for numbered in enumerate(pictures):
        batch.append(numbered)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
