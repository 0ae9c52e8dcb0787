"""Folders in which each file is a choice, such as a verb or a recipe: list, import, read the docstring."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

from tellapart.errors import UsageError, did_you_mean


@cache
def names(package: str) -> tuple[str, ...]:
    """The names that a user types for the modules of `package`, with dashes for underscores."""
    return tuple(sorted(path.stem.replace("_", "-") for path in _folder(package).glob("[!_]*.py")))


def load(package: str, name: str, what: str) -> ModuleType:
    """Import the module for `name`. Raises UsageError; `what` is its kind in words, such as `a recipe`."""
    if name not in names(package):
        raise UsageError(f"{name!r} is not {what}", f"the name of {what}", did_you_mean(name, names(package)))
    return importlib.import_module(f"{package}.{name.replace('-', '_')}")


def card(package: str, name: str) -> str:
    """The docstring of a module, read without importing it."""
    text = (_folder(package) / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(text)) or ""


@cache
def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent
