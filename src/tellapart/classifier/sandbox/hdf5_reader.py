"""Read an HDF5 file of weights and write its arrays to stdout: a program of its own, because the library that parses
such files is written in C and the files are untrusted.

The program reads the file's bytes on stdin. On stdout it writes, as `.npz`, the arrays and a table of their paths. With
`restricted` it first limits itself: it cannot open files or sockets, write files or start processes, and has limits of
memory and of 20 seconds of processor time. It does not import the tellapart package: it is started by its path,
isolated from the user's environment.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path += [*sys.argv[1:], str(Path(__file__).parent)]  # the library folders of the parent process

try:
    import h5py
    import numpy as np
except ImportError as error:
    if __name__ != "__main__":
        raise
    from restricted import CANNOT_START

    print(error, file=sys.stderr)
    sys.exit(CANNOT_START)

MOST_OBJECTS, MOST_DEPTH, MOST_TEXT = 20_000, 64, 8 * 2**20
"""Limits of a file: groups and arrays, nesting of groups, and bytes of text in attributes."""

SPARE_BYTES, SECONDS = 2**30, 20
"""Limits of this program: bytes in addition to six times the file's size, and seconds of processor time."""


class RefusedError(Exception):
    """The file contains something that weights do not need."""


def main() -> int:
    """Read stdin and write stdout; exit status REFUSED, and the reason as one line on stderr, for a bad file."""
    from restricted import CANNOT_START, REFUSED, restrict

    data = sys.stdin.buffer.read()
    try:
        _warm_up()
    except ImportError as error:
        print(error, file=sys.stderr)
        return int(CANNOT_START)
    restrict(SPARE_BYTES + 6 * len(data), SECONDS)
    try:
        arrays, table = read(data)
    except RefusedError as error:
        print(str(error)[:300], file=sys.stderr)
        return int(REFUSED)
    except Exception as error:  # h5py raises many types for a damaged file
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        print(f"it cannot be read ({reason})", file=sys.stderr)
        return int(REFUSED)
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, table=np.array(json.dumps(table)), **arrays)
    sys.stdout.buffer.write(out.getvalue())
    sys.stdout.buffer.flush()
    return 0


def _warm_up() -> None:
    """Make the libraries import everything now, while files can still be opened."""
    sample = io.BytesIO()
    with h5py.File(sample, "w") as file:
        file.attrs["text"] = "x"
        file["group/array"] = np.zeros(2, np.float32)
    np.savez(io.BytesIO(), allow_pickle=False, table=np.array("x"), **read(sample.getvalue())[0])


def read(data: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays by number, and a table: `arrays` maps paths to numbers, `attributes` maps paths to attributes with text.

    Raises RefusedError for soft and external links, for arrays that are filtered, virtual, external, not numeric or not
    stored in full, and beyond the limits above.
    """
    arrays: dict[str, np.ndarray] = {}
    table: dict[str, Any] = {"arrays": {}, "attributes": {}}
    seen: set[Any] = set()
    budget = [len(data), MOST_TEXT]

    def visit(group: h5py.Group, depth: int) -> None:
        if depth > MOST_DEPTH:
            raise RefusedError(f"groups are nested deeper than {MOST_DEPTH}")
        count(group)
        table["attributes"][group.name] = _text_attributes(group, budget)
        for raw in group.id:
            name = raw.decode("utf-8", "backslashreplace")
            path = f"{group.name.rstrip('/')}/{name}"
            if group.id.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
                raise RefusedError(f"{path} is a soft or external link")
            kind = h5py.h5o.get_info(group.id, raw).type
            if kind == h5py.h5o.TYPE_GROUP:
                visit(group[raw], depth + 1)
            elif kind == h5py.h5o.TYPE_DATASET:
                array = group[raw]
                count(array)
                table["arrays"][path] = str(len(arrays))
                table["attributes"][path] = _text_attributes(array, budget)
                arrays[str(len(arrays))] = _array(array, path, budget)
            else:
                raise RefusedError(f"{path} is not a group or an array")

    def count(item: Any) -> None:
        info = h5py.h5o.get_info(item.id)
        if (info.fileno, info.addr) in seen:
            raise RefusedError(f"{item.name} is linked twice")
        seen.add((info.fileno, info.addr))
        if len(seen) > MOST_OBJECTS:
            raise RefusedError(f"it contains more than {MOST_OBJECTS:,} groups and arrays")

    with h5py.File(io.BytesIO(data), "r") as file:
        visit(file["/"], 0)
    return arrays, table


def _array(array: h5py.Dataset, path: str, budget: list[int]) -> np.ndarray:
    layout = array.id.get_create_plist()
    kind = array.id.get_type()
    if kind.get_class() not in (h5py.h5t.FLOAT, h5py.h5t.INTEGER) or array.dtype.kind not in "fiu":
        raise RefusedError(f"{path} does not contain plain numbers")
    if layout.get_external_count() or layout.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT):
        raise RefusedError(f"{path} is stored in another file, or in chunks")
    if layout.get_nfilters():
        raise RefusedError(f"{path} is compressed")
    if len(array.shape or ()) > 8 or array.shape is None:
        raise RefusedError(f"{path} has the shape {array.shape}")
    declared = kind.get_size()
    if array.dtype.itemsize != declared:
        raise RefusedError(f"{path} stores numbers of {declared} bytes, which NumPy reads as {array.dtype.itemsize}")
    for size in array.shape:
        declared *= size
    if declared != array.id.get_storage_size():
        raise RefusedError(f"{path} declares {declared:,} bytes and stores {array.id.get_storage_size():,}")
    budget[0] -= declared
    if budget[0] < 0:
        raise RefusedError("its arrays declare more bytes than the file has")
    return np.asarray(array[()])


def _text_attributes(item: Any, budget: list[int]) -> dict[str, Any]:
    """The attributes that are texts or lists of texts."""
    attributes: dict[str, Any] = {}
    for name in item.attrs:
        attribute = h5py.h5a.open(item.id, name.encode())
        if attribute.get_type().get_class() != h5py.h5t.STRING:
            continue  # numbers are not needed; references are not followed
        budget[1] -= max(attribute.get_storage_size(), 1)
        if budget[1] < 0:
            raise RefusedError(f"its attributes contain more than {MOST_TEXT:,} bytes of text")
        value = item.attrs[name]
        values = value.ravel().tolist() if isinstance(value, np.ndarray) else [value]
        texts = [text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text) for text in values]
        budget[1] -= sum(map(len, texts))
        if budget[1] < 0:
            raise RefusedError(f"its attributes contain more than {MOST_TEXT:,} bytes of text")
        attributes[name] = texts if isinstance(value, np.ndarray) and value.ndim else texts[0]
    return attributes


if __name__ == "__main__":
    sys.exit(main())
