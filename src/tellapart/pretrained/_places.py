"""Where the file of a backbone's weights may be: our folders, installed packages, the caches of other libraries."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tellapart.data.datasets import cache_folder
from tellapart.networks.backbones import WeightsFile

HUB_FILE = "model.safetensors"


@dataclass(frozen=True)
class Place:
    """A file that exists and may be `file`, and its source in words.

    `sha256` is the hash that the file must have according to its place, where `file` has none.
    """

    file: WeightsFile
    path: Path
    source: str
    sha256: str = ""


def places(files: Iterable[WeightsFile]) -> Iterator[Place]:
    """Existing files with the right names, in the order in which they are tried. Nothing is imported or read."""
    for source, paths in _SOURCES:
        for file in files:
            for path in paths(file):
                if _is_file(path):
                    blob = path.resolve().name if paths is _hub else ""
                    yield Place(
                        file, path, source.format(file=file), blob if re.fullmatch("[0-9a-f]{64}", blob) else ""
                    )


def own_folder() -> Path:
    """The folder of downloaded weights, in the cache."""
    return cache_folder() / "weights"


def _data(file: WeightsFile) -> Iterator[Path]:
    if home := os.environ.get("TELLAPART_DATA"):
        yield Path(home, "weights", file.name)


def _package(file: WeightsFile) -> Iterator[Path]:
    """The file in an installed package, which is found without importing it."""
    if not file.package:
        return
    try:
        spec = importlib.util.find_spec(re.sub(r"[-.]", "_", file.package))
    except (ImportError, ValueError):
        return
    for folder in (spec.submodule_search_locations if spec else None) or ():
        yield Path(folder, file.inside)


def _cache(file: WeightsFile) -> Iterator[Path]:
    yield own_folder() / file.name


def _keras(file: WeightsFile) -> Iterator[Path]:
    if file.keras:
        yield Path(os.environ.get("KERAS_HOME") or _home() / ".keras", "models", file.keras)


def _hub(file: WeightsFile) -> Iterator[Path]:
    """Every snapshot of a repository in the Hugging Face hub's cache; the file is a link to one named by its hash."""
    if file.hub:
        folder = _hub_cache() / f"models--{file.hub.replace('/', '--')}" / "snapshots"
        yield from sorted(folder.glob(f"*/{HUB_FILE}"))


def _hub_cache() -> Path:
    if cache := os.environ.get("HF_HUB_CACHE"):
        return Path(cache)
    return Path(os.environ.get("HF_HOME") or _caches() / "huggingface", "hub")


def _torch(file: WeightsFile) -> Iterator[Path]:
    if file.torch:
        yield Path(os.environ.get("TORCH_HOME") or _caches() / "torch", "hub", "checkpoints", file.torch)


def _caches() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or _home() / ".cache")


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # no home folder can be determined
        return Path("~")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that cannot be searched
        return False


_SOURCES: tuple[tuple[str, Callable[[WeightsFile], Iterator[Path]]], ...] = (
    ("$TELLAPART_DATA/weights", _data),
    ("the package {file.package}", _package),
    ("the cache of tellapart", _cache),
    ("the cache of Keras", _keras),
    ("the cache of the Hugging Face hub", _hub),
    ("the cache of torch hub", _torch),
)
