"""Reads an HDF5 file of weights and gives its arrays on: a program of its own, because the library that parses such
files is in C and the files may come from anybody.

It takes the file's bytes on stdin and writes on stdout, as `.npz`, the arrays and a table of where they stood. Before
it looks at a byte it takes from itself, by `restricted`, what the system lets it: opening any further file or socket,
writing files, starting processes, memory beyond a bound, 20 seconds of a processor. It imports nothing of tellapart: it
is started by its path, isolated from the user's environment.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path += [*sys.argv[1:], str(Path(__file__).parent)]  # where whoever starts it finds its libraries

import h5py
import numpy as np

MOST_OBJECTS, MOST_DEPTH, MOST_WORDS = 20_000, 64, 8 * 2**20
"""Groups and arrays in a file, groups within each other, and bytes of words in attributes."""

SPARE_BYTES, SECONDS = 2**30, 20


class RefusedError(Exception):
    """The file holds what weights do not need."""


def main() -> int:
    """Read stdin, write stdout; what is wrong with the file goes to stderr as one line, with exit status 3."""
    from restricted import restrict

    data = sys.stdin.buffer.read()
    _warm_up()
    restrict(SPARE_BYTES + 6 * len(data), SECONDS)
    try:
        arrays, table = read(data)
    except RefusedError as error:
        print(str(error)[:300], file=sys.stderr)
        return 3
    except Exception as error:  # the library's own complaint about a damaged file
        print(
            f"it cannot be read ({str(error).splitlines()[0][:200] if str(error) else type(error).__name__})",
            file=sys.stderr,
        )
        return 3
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, table=np.array(json.dumps(table)), **arrays)
    sys.stdout.buffer.write(out.getvalue())
    sys.stdout.buffer.flush()
    return 0


def _warm_up() -> None:
    """Import what the libraries import late, while files can still be opened."""
    sample = io.BytesIO()
    with h5py.File(sample, "w") as file:
        file.attrs["words"] = "x"
        file["group/array"] = np.zeros(2, np.float32)
    np.savez(io.BytesIO(), allow_pickle=False, table=np.array("x"), **read(sample.getvalue())[0])


def read(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays by number, and the table: `arrays` from path to number, `words` from path to attributes.

    Raises RefusedError for links that are not plain, arrays that are filtered, virtual, kept elsewhere, of types other
    than numbers or not stored in full, and for more of anything than a network's weights have.
    """
    arrays: dict[str, np.ndarray] = {}
    table: dict[str, Any] = {"arrays": {}, "words": {}}
    seen: set[Any] = set()
    budget = [len(data), MOST_WORDS]

    def visit(group: h5py.Group, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise RefusedError(f"groups are nested deeper than {MOST_DEPTH}")
        known(group)
        table["words"][group.name] = _words(group, budget)
        for raw in group.id:
            name = raw.decode("utf-8", "backslashreplace")
            path = f"{group.name.rstrip('/')}/{name}"
            if group.id.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
                raise RefusedError(f"{path} is a link to elsewhere")
            kind = h5py.h5o.get_info(group.id, raw).type
            if kind == h5py.h5o.TYPE_GROUP:
                visit(group[raw], depth + 1)
            elif kind == h5py.h5o.TYPE_DATASET:
                array = group[raw]
                known(array)
                table["arrays"][path] = str(len(arrays))
                table["words"][path] = _words(array, budget)
                arrays[str(len(arrays))] = _array(array, path, budget)
            else:
                raise RefusedError(f"{path} is neither a group nor an array")

    def known(one: Any) -> None:
        info = h5py.h5o.get_info(one.id)
        if (info.fileno, info.addr) in seen:
            raise RefusedError(f"{one.name} is reached by two ways")
        seen.add((info.fileno, info.addr))
        if len(seen) > MOST_OBJECTS:
            raise RefusedError(f"it holds more than {MOST_OBJECTS:,} groups and arrays")

    with h5py.File(io.BytesIO(data), "r") as file:
        visit(file["/"], 0)
    return arrays, table


def _array(array: h5py.Dataset, path: str, budget: list[int]) -> np.ndarray:
    layout = array.id.get_create_plist()
    kind = array.id.get_type()
    if kind.get_class() not in (h5py.h5t.FLOAT, h5py.h5t.INTEGER) or array.dtype.kind not in "fiu":
        raise RefusedError(f"{path} does not hold plain numbers")
    if layout.get_external_count() or layout.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT):
        raise RefusedError(f"{path} is kept in another file, or in pieces")
    if layout.get_nfilters():
        raise RefusedError(f"{path} is compressed")
    if len(array.shape or ()) > 8 or array.shape is None:
        raise RefusedError(f"{path} has the shape {array.shape}")
    declared = kind.get_size()
    if array.dtype.itemsize != declared:
        raise RefusedError(f"{path} holds numbers of {declared} bytes, which become {array.dtype.itemsize}")
    for size in array.shape:
        declared *= size
    if declared != array.id.get_storage_size():
        raise RefusedError(f"{path} declares {declared:,} bytes and stores {array.id.get_storage_size():,}")
    budget[0] -= declared
    if budget[0] < 0:
        raise RefusedError("its arrays declare more bytes than it has")
    return np.asarray(array[()])


def _words(one: Any, budget: list[int]) -> dict[str, Any]:
    """The attributes that are words, or lists of them."""
    found: dict[str, Any] = {}
    for name in one.attrs:
        attribute = h5py.h5a.open(one.id, name.encode())
        if attribute.get_type().get_class() != h5py.h5t.STRING:
            continue  # numbers say nothing that is needed here; references are not followed
        budget[1] -= max(attribute.get_storage_size(), 1)
        if budget[1] < 0:
            raise RefusedError(f"its attributes hold more than {MOST_WORDS:,} bytes of words")
        value = one.attrs[name]
        values = value.ravel().tolist() if isinstance(value, np.ndarray) else [value]
        words = [word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word) for word in values]
        budget[1] -= sum(map(len, words))
        if budget[1] < 0:
            raise RefusedError(f"its attributes hold more than {MOST_WORDS:,} bytes of words")
        found[name] = words if isinstance(value, np.ndarray) and value.ndim else words[0]
    return found


if __name__ == "__main__":
    sys.exit(main())
