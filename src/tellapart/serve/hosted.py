"""The models of a service: each a file that was loaded and warmed up, and is replaced when the file is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tellapart.classifier.classifier import Classifier, load_classifier
from tellapart.errors import ModelFileError, TellapartError, UsageError, did_you_mean
from tellapart.files import sha256_of_file
from tellapart.serve.refusal import Refusal

VERSION_DIGITS = 12
"""Digits of the SHA-256 of a model file that name its version."""


@dataclass(frozen=True, eq=False)
class Hosted:
    """A model that is ready to answer.

    Attributes:
        name: in addresses and answers.
        sha256: of the model file, in hexadecimal; empty for a classifier that did not come from a file.
        classifier: the classifier.
    """

    name: str
    sha256: str
    classifier: Classifier

    @property
    def version(self) -> str:
        """The first digits of the SHA-256: another file is another version."""
        return self.sha256[:VERSION_DIGITS] or "1"


@dataclass(frozen=True)
class ModelPlace:
    """A model file and the name that its model has in the service."""

    name: str
    path: Path

    def stamp(self) -> tuple[int, int, int]:
        """What changes when the file is replaced. Raises OSError."""
        about = self.path.stat()
        return about.st_mtime_ns, about.st_size, about.st_ino


def load_hosted(place: ModelPlace) -> Hosted:
    """Load a model file and predict a first picture with it, so that the first request does not wait for that.

    Raises ModelFileError for a file that is not a model, or that changes meanwhile.
    """
    before = sha256_of_file(place.path)
    classifier = load_classifier(place.path, threads=1)
    if sha256_of_file(place.path) != before:
        raise ModelFileError(f"{place.path}: changes while it is read", "a file that is complete", "try again")
    return warmed(Hosted(place.name, before, classifier))


def warmed(hosted: Hosted) -> Hosted:
    """The model, after a prediction of a black picture."""
    shape = hosted.classifier.preprocessing.shape
    hosted.classifier.answers(("warm-up",), np.zeros((1, *shape), np.uint8))
    return hosted


class Models(Mapping[str, Hosted]):
    """The models of a service by name. The first one answers where a request names none.

    `places` are the files that `refresh` loads again; models without a place stay as they are.
    """

    def __init__(self, models: list[Hosted], places: list[ModelPlace] | None = None) -> None:
        names = [model.name for model in models]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageError(f"two models are called {twice!r}", "different names", "name them: NAME=FILE")
        self._models = {model.name: model for model in models}
        self._places = places or []
        self._stamps = {place.name: _stamp(place) for place in self._places}

    def __getitem__(self, name: str) -> Hosted:
        return self._models[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def find(self, name: str | None) -> Hosted:
        """The model of a name, or the first one. Raises Refusal (404)."""
        if name is None:
            return next(iter(self._models.values()))
        if name not in self._models:
            hint = did_you_mean(name, tuple(self._models))
            raise Refusal(404, f"unknown model {name!r}" + (f": {hint}" if hint else ""), "unknown model")
        return self._models[name]

    def refresh(self, report: Callable[[str], None]) -> None:
        """Load model files that were replaced since. The model before stays where a new file is refused.

        `report` gets a sentence for each. A file that is still being written is refused too, and looked at again when
        it changes.
        """
        for place in self._places:
            stamp = _stamp(place)
            if stamp is None or stamp == self._stamps[place.name]:
                continue
            self._stamps[place.name] = stamp
            before = self._models[place.name]
            try:
                after = load_hosted(place)
            except (TellapartError, OSError) as error:
                reason = error.given if isinstance(error, TellapartError) else str(error)
                report(f"model {place.name}: the new file is refused ({reason}); version {before.version} stays")
                continue
            if after.sha256 != before.sha256:
                self._models[place.name] = after
                report(f"model {place.name}: version {after.version} replaces {before.version}")


def _stamp(place: ModelPlace) -> tuple[int, int, int] | None:
    """The stamp of a file; None while it is missing, as between removing it and putting a new one in its place."""
    try:
        return place.stamp()
    except OSError:
        return None
