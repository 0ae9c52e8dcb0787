"""The pictures that a user names: files, folders, patterns, standard input, or objects in Python."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tellapart.errors import UsageError
from tellapart.text import quoted

STDIN = "-"
"""The name for one picture whose bytes come from standard input."""

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def as_list(value: Any) -> list[Any]:
    """The option `pictures` as a list; the path of a folder stays one item."""
    if isinstance(value, (str, Path)):
        return [value]
    if isinstance(value, (list, tuple)):
        return list(value)
    from tellapart.classifier.given import several

    many = several(value)
    return [value] if many is None else list(many)


def expanded(pictures: list[Any]) -> list[Any]:
    """The single pictures: folders are replaced by their pictures, patterns such as `*.jpg` by the matching files.

    `-` becomes the bytes of standard input. Raises UsageError if there are no pictures, for a pattern that matches
    nothing, and for an address such as https://...; DataError for a folder that cannot be read.
    """
    single = [one for picture in pictures for one in _each(picture)]
    if not single:
        raise UsageError("no pictures given", "at least one picture file or folder", "")
    return single


def _each(picture: Any) -> Iterator[Any]:
    from tellapart.classifier.given import Named, pictures_in

    if not isinstance(picture, (str, Path)):
        yield picture
        return
    text = str(picture)
    if os.path.isdir(picture):  # noqa: PTH112  # Path.is_dir may raise
        yield from map(str, pictures_in(Path(picture)))
    elif text == STDIN:
        yield Named(_from_stdin(), "standard input")
    elif os.path.exists(picture):  # noqa: PTH110  # a file whose name contains brackets is not a pattern
        yield picture
    elif _ADDRESS.match(text):
        raise UsageError(
            f"{text}: is an internet address, and tellapart does not download pictures",
            "picture files or folders on this machine",
            f"download it first, or pipe it in: curl -s {quoted(text)} | tellapart predict RUN -",
        )
    elif glob.has_magic(text):
        yield from _matches(text)
    else:
        yield picture  # reading it reports that it does not exist


def _matches(pattern: str) -> Iterator[Any]:
    """The files that a pattern matches, and the pictures in the folders that it matches."""
    from tellapart.classifier.given import pictures_in

    places = sorted(glob.glob(os.path.expanduser(pattern), recursive=True))  # noqa: PTH111, PTH207  # as a shell does
    if not places:
        raise UsageError(f"{pattern}: matches no file", "a pattern that matches picture files", "check the path")
    for place in places:
        if os.path.isdir(place):  # noqa: PTH112
            yield from map(str, pictures_in(Path(place)))
        else:
            yield place


def _from_stdin() -> bytes:
    """The bytes of standard input. Raises UsageError for a terminal, and if there are none."""
    from tellapart.images.read import MAX_BYTES

    stream = getattr(sys.stdin, "buffer", None)
    data = b"" if stream is None or sys.stdin.isatty() else stream.read(MAX_BYTES + 1)
    if not data:
        raise UsageError(
            "-: standard input is empty", "the bytes of one picture", "for instance tellapart predict RUN - < new.jpg"
        )
    if len(data) > MAX_BYTES:
        raise UsageError(f"-: standard input is larger than {MAX_BYTES // 2**20} MiB", "the bytes of one picture", "")
    return bytes(data)
