"""Read safetensors files: a length, a JSON table of arrays, and their raw numbers.

Source: github.com/huggingface/safetensors, README.md, "Format". As there, arrays may neither overlap nor leave gaps.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from tellapart.pretrained._numbers import (
    RefusedError,
    counted_shape,
    is_count,
    numbers_at,
    shown,
    stored_bytes,
    widened,
)

MOST_TABLE = 2**22
"""Bytes of the table. An array takes about 100."""

KINDS = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "uint8",
}  # fmt: skip


def is_safetensors(head: bytes, size: int) -> bool:
    """Whether a file of `size` bytes that starts with these 9 is one: its table fits in it, and starts with a brace."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size - 8


def read_safetensors(data: bytes) -> dict[str, np.ndarray]:
    """The arrays by name. Raises RefusedError."""
    length = int.from_bytes(data[:8], "little")
    if length > MOST_TABLE:
        raise RefusedError(f"its table of arrays has more than {MOST_TABLE:,} bytes")
    start, end = 8 + length, 0
    arrays = {}
    for first, last, name, entry in sorted(_entries(data[8:start]), key=lambda found: found[:3]):
        kind, shape = KINDS.get(str(entry.get("dtype")), ""), counted_shape(entry.get("shape"), name)
        if not kind:
            raise RefusedError(f"{shown(name)} has numbers of an unknown kind")
        if first != end or last - first != stored_bytes(shape, kind) or start + last > len(data):
            raise RefusedError(f"{shown(name)} overlaps another array, leaves a gap, or does not fit its place")
        arrays[name] = widened(numbers_at(data, kind, math.prod(shape), start + first).reshape(shape), kind)
        end = last
    if start + end != len(data):
        raise RefusedError("it has bytes that belong to no array")
    return arrays


def _entries(table: bytes) -> list[tuple[int, int, str, dict[str, Any]]]:
    """First and last place, name and description of each array."""
    try:
        described = json.loads(table, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError) as error:
        raise RefusedError("its table of arrays is not valid JSON") from error
    if not isinstance(described, dict):
        raise RefusedError("its table of arrays is not an object")
    described.pop("__metadata__", None)
    found = []
    for name, entry in described.items():
        places = entry.get("data_offsets") if isinstance(entry, dict) else None
        if not isinstance(places, list) or len(places) != 2 or not all(map(is_count, places)):
            raise RefusedError(f"{shown(name)} has no valid place")
        found.append((places[0], places[1], name, entry))
    return found


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise RefusedError("its table of arrays has a name twice")
    return table
