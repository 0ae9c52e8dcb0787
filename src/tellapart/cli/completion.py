"""What the shell offers for a half-typed word: runs, recipes, backbones, data sets, and files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

RUNS = Path("runs")


def completer(kind: str) -> Callable[[str], list[str]] | None:
    """The function that Typer calls with a half-typed word.

    `kind` says what the option takes: `model`, `recipe`, `backbone` or `data`.
    """
    words = {"model": _models, "recipe": _recipes, "backbone": _backbones, "data": _data}.get(kind)
    if words is None:
        return None

    def complete(incomplete: str) -> list[str]:
        return sorted(word for word in words(incomplete) if word.startswith(incomplete))

    return complete


def _models(incomplete: str) -> Iterator[str]:
    """Runs, by name and by path; model files."""
    for run in RUNS.glob("*/run.json"):
        yield run.parent.name
        yield str(run.parent)
    yield from _files(incomplete, ".keras")


def _recipes(incomplete: str) -> Iterator[str]:
    from tellapart import leaves

    yield "auto"
    yield from leaves.names("tellapart.recipes.library")
    yield from _files(incomplete, ".toml", ".py")


def _backbones(incomplete: str) -> Iterator[str]:
    from tellapart import leaves

    yield "none"
    yield from leaves.names("tellapart.networks.backbones")


def _data(incomplete: str) -> Iterator[str]:
    from tellapart import leaves

    yield from leaves.names("tellapart.data.datasets")
    yield from _files(incomplete)


def _files(incomplete: str, *suffixes: str) -> Iterator[str]:
    """Folders and files that begin like the word; with `suffixes` only such files."""
    start = Path(incomplete)
    folder = start if incomplete.endswith("/") else start.parent
    prefix = "" if str(folder) == "." and not incomplete.startswith(".") else f"{str(folder).rstrip('/')}/"
    try:
        entries = list(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") and not start.name.startswith("."):
            continue
        if entry.is_dir():
            yield f"{prefix}{entry.name}/"
        elif not suffixes or entry.suffix.lower() in suffixes:
            yield f"{prefix}{entry.name}"
