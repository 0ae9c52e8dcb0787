"""What is particular to EMNIST's files: its pictures are transposed, and a mapping file lists the characters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tellapart.data.tree import Tree
from tellapart.errors import DataError

UPRIGHT = "pictures: turned upright (EMNIST's files hold them transposed)"


def is_emnist(name: str) -> bool:
    """Return whether a file has one of the published names: `emnist-letters-train-images-idx3-ubyte`, `....csv`."""
    return name.rpartition("/")[2].lower().startswith("emnist-")


def upright(pictures: np.ndarray) -> np.ndarray:
    """Return pictures [n, height, width, ...] with rows and columns exchanged."""
    return np.swapaxes(pictures, 1, 2)


def characters(tree: Tree, name: str, labels: Sequence[int]) -> dict[int, str] | None:
    """Return the character of each label that occurs, from the mapping file of a file's part of EMNIST, or None.

    A line has a label and the code of its character; of letters whose cases are merged, two codes: the first names the
    class. Source: Cohen et al., EMNIST, 2017. Raises DataError for a label that the file does not list.
    """
    folder, _, base = name.rpartition("/")
    part = "-".join(base.lower().split("-")[:2])
    path = f"{folder}/{part}-mapping.txt" if folder else f"{part}-mapping.txt"
    if not tree.exists(path):
        return None
    listed = {}
    for line in tree.lines(path):
        numbers = line.split()
        if len(numbers) > 1 and all(number.isdecimal() for number in numbers) and int(numbers[1]) < 0x110000:
            listed[int(numbers[0])] = chr(int(numbers[1]))
    missing = next((label for label in sorted(set(labels)) if label not in listed), None)
    if missing is not None:
        raise DataError(f"{tree.describe(path)}: does not list the label {missing}", "a line for each label", "")
    return {label: listed[label] for label in sorted(set(labels))}
