"""tellapart: from labelled pictures to an image classifier that you can trust, explain and deploy.

    import tellapart

    run = tellapart.train("digits")                  # or a folder of class folders, a zip, a CSV ...
    print(run)
    classifier = tellapart.load(run.model)
    print(classifier.predict("photo.png"))           # six (97.1 %)

Each public name is loaded on first use, so importing tellapart is fast. Editors and type checkers read the stub
`__init__.pyi`; `scripts/stubs` writes it.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any

# From version 1.29 on ONNX Runtime sends telemetry, including hashes of networks, unless this is set before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

_HOMES = {
    "open": ("tellapart.data.source", "open_collection"),
    "load": ("tellapart.classifier.classifier", "load_classifier"),
    "serve_app": ("tellapart.serve.mounted", "serve_app"),
    "Cancellation": ("tellapart.cancel", "Cancellation"),
    "Collection": ("tellapart.data.collection", "Collection"),
    "Recipe": ("tellapart.recipes.recipe", "Recipe"),
    "Augmentation": ("tellapart.recipes.augmentation", "Augmentation"),
    "Preparation": ("tellapart.images.preprocessing", "Preparation"),
    "Classifier": ("tellapart.classifier.classifier", "Classifier"),
    "Prediction": ("tellapart.classifier.classifier", "Prediction"),
    "Evaluation": ("tellapart.evaluation.evaluation", "Evaluation"),
    "Run": ("tellapart.verbs.train", "Run"),
    "Report": ("tellapart.verbs.check", "Report"),
    "Explanation": ("tellapart.verbs._explanation", "Explanation"),
    "Comparison": ("tellapart.evaluation.comparison", "Comparison"),
}
"""The public classes and functions that are not verbs: their module, and their name in it."""

_HOMES |= {
    name: ("tellapart.errors", name)
    for name in (
        "TellapartError",
        "UsageError",
        "DataError",
        "PictureError",
        "RecipeError",
        "ModelFileError",
        "WeightsError",
        "DownloadError",
        "TrainingError",
        "OutOfMemoryError",
        "CheckpointError",
        "Stopped",
    )
}

_VERBS = frozenset(
    name.removesuffix(".py")
    for name in os.listdir(f"{__path__[0]}/verbs")  # noqa: PTH208  # importing pathlib would take longer than the rest
    if not name.startswith("_") and name.removesuffix(".py") not in _HOMES
)
"""The verbs that are functions. One that has the name of another public object is for the terminal only."""

__all__ = sorted([*_HOMES, *_VERBS, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        module, attribute = _HOMES[name]
        return getattr(importlib.import_module(module), attribute)
    if name == "__version__":
        from importlib.metadata import version

        return version("tellapart")
    if name in _VERBS:
        return importlib.import_module("tellapart.verbs").function(name)
    raise AttributeError(f"module 'tellapart' has no attribute {name!r}")


class _Door(ModuleType):
    """The import system sets each subpackage as an attribute. Where a verb has the same name, the verb keeps it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _VERBS:
            super().__setattr__(name, value)


def __dir__() -> list[str]:
    return list(__all__)


sys.modules[__name__].__class__ = _Door
