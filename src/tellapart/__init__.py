"""tellapart: from a person's labelled pictures to a classifier they can trust, explain and take elsewhere.

    import tellapart

    run = tellapart.train("digits")                  # or a folder of class folders, a zip, a CSV ...
    print(run)
    classifier = tellapart.load(run.model)
    print(classifier.predict("photo.png"))           # six (97.1%)

Every name here is loaded on first use, so the import costs nothing.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tellapart.classifier.classifier import Classifier as Classifier
    from tellapart.classifier.classifier import Prediction as Prediction
    from tellapart.classifier.classifier import load_classifier as load  # noqa: F401
    from tellapart.data.collection import Collection as Collection
    from tellapart.data.source import open_collection as open  # noqa: F401  # tellapart.open is the public name
    from tellapart.errors import TellapartError as TellapartError
    from tellapart.evaluation.comparison import Comparison as Comparison
    from tellapart.evaluation.evaluation import Evaluation as Evaluation
    from tellapart.images.preprocessing import Preparation as Preparation
    from tellapart.recipes.augmentation import Augmentation as Augmentation
    from tellapart.recipes.recipe import Recipe as Recipe
    from tellapart.verbs.check import Report as Report
    from tellapart.verbs.explain import Explanation as Explanation
    from tellapart.verbs.train import Run as Run

# From 1.29 on ONNX Runtime reports to its makers, hashes of networks included, unless it is told not to before it is
# imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {
    "open": ("tellapart.data.source", "open_collection"),
    "load": ("tellapart.classifier.classifier", "load_classifier"),
    "Collection": ("tellapart.data.collection", "Collection"),
    "Recipe": ("tellapart.recipes.recipe", "Recipe"),
    "Augmentation": ("tellapart.recipes.augmentation", "Augmentation"),
    "Preparation": ("tellapart.images.preparation", "Preparation"),
    "Classifier": ("tellapart.classifier.classifier", "Classifier"),
    "Prediction": ("tellapart.classifier.classifier", "Prediction"),
    "Evaluation": ("tellapart.evaluation.evaluation", "Evaluation"),
    "Run": ("tellapart.verbs.train", "Run"),
    "Report": ("tellapart.verbs.check", "Report"),
    "Explanation": ("tellapart.verbs.explain", "Explanation"),
    "Comparison": ("tellapart.evaluation.comparison", "Comparison"),
    "TellapartError": ("tellapart.errors", "TellapartError"),
}

_VERBS = frozenset(
    name.removesuffix(".py")
    for name in os.listdir(f"{__path__[0]}/verbs")  # noqa: PTH208  # pathlib would cost more than all the rest here
    if not name.startswith("_")
)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        home, inside = _HOMES[name]
        return getattr(importlib.import_module(home), inside)
    if name == "__version__":
        from importlib.metadata import version

        return version("tellapart")
    if name in _VERBS:
        return importlib.import_module("tellapart.verbs").function(name)
    raise AttributeError(f"module 'tellapart' has no attribute {name!r}")


class _Door(ModuleType):
    """The import system hangs each room on the package; where a verb has a room's name, the name is the verb's."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _VERBS:
            super().__setattr__(name, value)


def __dir__() -> list[str]:
    return sorted([*_HOMES, *_VERBS, "__version__"])


sys.modules[__name__].__class__ = _Door
