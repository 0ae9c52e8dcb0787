"""Long columns of words in little memory: one block of bytes instead of an object for each word."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import numpy as np
import polars as pl

BATCH = 2**14
"""Words that are decoded at once when a column is iterated."""


class Words(Sequence[str]):
    """An immutable sequence of strings, stored as UTF-8; it is safe to read in forked processes, unlike Polars."""

    def __init__(self, data: bytes, ends: np.ndarray) -> None:
        """`ends` is where each word ends in `data`, int64 [count]."""
        self._data, self._ends = data, ends

    @classmethod
    def of(cls, words: Sequence[str] | pl.Series) -> Words:
        """Store words; file names may contain surrogates, for bytes that are not UTF-8."""
        if isinstance(words, pl.Series):
            sizes = words.str.len_bytes().to_numpy()
            return cls(str(words.str.join("").item() or "").encode(), np.cumsum(sizes, dtype=np.int64))
        encoded = [word.encode("utf-8", "surrogateescape") for word in words]
        sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
        return cls(b"".join(encoded), np.cumsum(sizes))

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        i = int(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"word {i} of {len(self):,}")
        i %= len(self)
        start = int(self._ends[i - 1]) if i else 0
        return self._data[start : int(self._ends[i])].decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[str]:
        start = 0
        for first in range(0, len(self), BATCH):
            for end in self._ends[first : first + BATCH].tolist():
                yield self._data[start:end].decode("utf-8", "surrogateescape")
                start = end

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Words):
            return self._data == other._data and np.array_equal(self._ends, other._ends)
        return isinstance(other, (list, tuple)) and len(other) == len(self) and all(map(str.__eq__, self, other))

    def __hash__(self) -> int:
        return hash(self._data)

    def __repr__(self) -> str:
        return f"<{len(self):,} words: {', '.join(self[:3])}{', ...' if len(self) > 3 else ''}>"


@dataclass(frozen=True)
class Columns(Mapping[str, Sequence[str | None]]):
    """The columns of a table by name; the values of a column become strings when they are asked for."""

    makers: Mapping[str, Callable[[], list[str | None]]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[str | None]:
        return self.makers[name]()

    def __contains__(self, name: object) -> bool:
        return name in self.makers

    def __iter__(self) -> Iterator[str]:
        return iter(self.makers)

    def __len__(self) -> int:
        return len(self.makers)
