"""Explain predictions: heat maps and the nearest training pictures, with what several pictures share made once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.errors import TellapartError, UsageError, did_you_mean
from tellapart.progress import Listener, Note
from tellapart.verbs._explanation import Explanation

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier, Prediction
    from tellapart.data.collection import Collection
    from tellapart.data.feeding import Prepared
    from tellapart.explanation.heat import HeatMaps
    from tellapart.explanation.neighbours import Neighbour

OWN = 512
"""The longer side, in pixels, of the user's own picture in a drawing; smaller pictures keep their size."""

INCHES = 2.4
"""The width of a picture in a drawing, of which an inch is 120 pixels."""


@dataclass(frozen=True)
class Read:
    """One picture that is to be explained: its own pixels, the preprocessed ones, and the prediction."""

    own: np.ndarray
    picture: np.ndarray
    prediction: Prediction


@dataclass(frozen=True, eq=False)
class Explainer:
    """Explains predictions of a classifier. `source` is where the training pictures are; None: where training had them.

    What cannot be made, such as heat maps without convolutions, is reported once with `on_event`.
    """

    classifier: Classifier
    source: Any
    on_event: Listener

    def read(self, picture: Any, name: str) -> Read:
        """Read and predict one picture. Raises PictureError."""
        from tellapart.images.read import read_picture
        from tellapart.images.write import within

        preprocessing = self.classifier.preprocessing
        samples = preprocessing.samples
        prepared = preprocessing(read_picture(picture, name, preprocessing.least, samples))
        own = within(read_picture(picture, name, (OWN, OWN), samples), OWN)
        return Read(own, prepared, self.classifier.answers((name,), prepared[None])[0])

    def explain(self, read: Read, label: str) -> Explanation:
        """Explain what supports the class `label`, one of the model's."""
        import numpy as np

        from tellapart.explanation.heat import agreement, occlusion
        from tellapart.explanation.overlaid import under_heat
        from tellapart.plots.pictures import PictureGrid

        classifier, picture = self.classifier, read.picture
        position = classifier.class_names.index(label)
        maps = self._maps
        heat = None if maps is None else maps(picture[None], np.array([position]))[0]
        covering = occlusion(classifier.probabilities, picture, position)
        agreed = agreement(heat, covering) if heat is not None and heat.any() and covering.any() else None
        near = self._neighbours(picture)
        shown = [(read.own, "the picture"), (picture, "as the network sees it")]
        for values, title in ((heat, f"evidence for {label}"), (covering, "drop when covered")):
            if values is not None:
                shown.append((under_heat(read.own, values, classifier.preprocessing, OWN), title))
        shown += [(self._training_picture(one), f"{one.label} {one.similarity:.2f}") for one in near]
        pixels, titles = [pixels for pixels, _ in shown], [title for _, title in shown]
        plot = PictureGrid(pixels, titles, columns=4 if heat is not None else 3, inches=INCHES)
        layers = () if maps is None else maps.layers
        return Explanation(read.prediction, label, picture, heat, covering, agreed, layers, near, plot, None)

    def label(self, read: Read, label: str | None) -> str:
        """The class to explain: `label`, or the predicted one. Raises UsageError for an unknown class."""
        names = self.classifier.class_names
        if label is not None and label not in names:
            listed = f"one of {', '.join(names[:20])}"
            given = f"--label {label}: the model does not have this class"
            raise UsageError(given, listed, did_you_mean(label, names))
        return read.prediction.label if label is None else label

    @cached_property
    def _maps(self) -> HeatMaps | None:
        """The gradients' heat maps; None, with a note, for a network that has none."""
        from tellapart.explanation.heat import HeatMaps

        try:
            return HeatMaps(self.classifier.network)
        except LookupError as error:
            note = f"gradients: none ({error}); covering regions of the picture still works"
            self.on_event(Note(note, warning=True))
            return None

    def _neighbours(self, picture: np.ndarray) -> list[Neighbour]:
        """The nearest training pictures; none if those are not known."""
        from tellapart.explanation.neighbours import nearest

        if self._training is None:
            return []
        train, collection = self._training
        keys = [collection.keys[int(i)] for i in train.indices]
        return nearest(self.classifier, picture, train, keys, [collection.label(int(i)) for i in train.indices])

    def _training_picture(self, near: Neighbour) -> np.ndarray:
        """The user's own picture of a neighbour; what the network sees of it if it cannot be read any more."""
        import numpy as np

        from tellapart.images.write import within

        assert self._training is not None
        train, collection = self._training
        try:
            return within(collection.read(int(train.indices[near.row]), (OWN, OWN)), OWN)
        except (TellapartError, OSError):
            return np.asarray(train.pixels[near.row])

    @cached_property
    def _training(self) -> tuple[Prepared, Collection] | None:
        """A sample of the training pictures, and their collection; None, with a note, if they are not found."""
        import numpy as np

        from tellapart.data.feeding import prepare_pictures
        from tellapart.data.source import open_collection
        from tellapart.evaluation.unseen import Provenance, own_data, recorded_layout
        from tellapart.explanation.neighbours import PICTURES

        classifier, source = self.classifier, self.source
        if not classifier.runtime.has_features:
            return None
        try:
            source = own_data(classifier, fetched=False) if source is None else source
            layout = recorded_layout(classifier) if isinstance(source, (str, Path)) else {}
            collection = open_collection(source, classifier.record.trained_names, self.on_event, **layout)
            split_table = Provenance(classifier, collection).split_table
        except TellapartError as error:
            note = f"nearest training pictures: none ({error.given}); --data names where they are now"
            self.on_event(Note(note, warning=True))
            return None
        if split_table is None:
            note = f"nearest training pictures: none ({source} has changed since training)"
            self.on_event(Note(note, warning=True))
            return None
        indices = split_table.indices("train")
        chosen = np.sort(np.random.default_rng(0).permutation(indices)[:PICTURES])
        task = "read training pictures"
        return prepare_pictures(collection, chosen, classifier.preprocessing, self.on_event, task), collection
