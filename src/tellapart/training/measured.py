"""Measurements of this machine that are made once: numbers by name, in the cache folder."""

from __future__ import annotations

import json
from pathlib import Path

from tellapart.data.datasets import cache_folder
from tellapart.files import write_json

FILE = "measured.json"


def recall(name: str) -> float | None:
    """The number remembered under this name, or None."""
    value = _all().get(name)
    return float(value) if isinstance(value, (int, float)) else None


def remember(name: str, value: float) -> None:
    """Keep a number. If it cannot be written, it is measured again next time."""
    try:
        _path().parent.mkdir(parents=True, exist_ok=True)
        write_json(_path(), _all() | {name: round(value, 3)})
    except OSError:
        pass


def _path() -> Path:
    return cache_folder() / FILE


def _all() -> dict[str, object]:
    try:
        known = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
