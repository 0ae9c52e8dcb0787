"""What folders of pictures are: splits, portions, renderings, folders beside them or classes; with the reasons.

It starts with the root of the tree and replaces it, as often as a step of _folder_steps.py applies, by the folders in
it that are of one kind. What is left are folders whose own folders are classes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from tellapart.data.formats._folder_evidence import Folders, join
from tellapart.data.formats._folder_result import Place, Reading, Root, Source
from tellapart.data.formats._folder_splits import named_splits
from tellapart.data.formats._folder_steps import STEPS
from tellapart.data.formats._folder_words import is_container, is_mask, wraps
from tellapart.text import counted, listed, readable

SHOWN = 4
"""Classes whose inner folders are named."""


def read_folders(folders: Folders, source: Source) -> Reading:
    """Read folders. Raises DataError where two readings are about equally likely."""
    reading = Reading(folders, source)
    waiting, roots = deque([Root("")]), list[Root]()
    while waiting:
        root = waiting.popleft()
        found = None if root.kids is not None else _first(reading, root)
        if found is None:
            roots.append(root)
            continue
        if not waiting and not roots and len(found) == 1 and found[0].split is None:
            reading.base = found[0].path
        waiting.extendleft(reversed(found))
    for root in roots:
        for kid in folders.children(root.path) if root.kids is None else root.kids:
            _place(reading, root, kid)
    _report(reading)
    return reading


def _first(reading: Reading, root: Root) -> list[Root] | None:
    """Return the folders that replace a root by the first step that applies, or None if its folders are classes."""
    return next((found for step in STEPS if (found := step(reading, root)) is not None), None)


def _place(reading: Reading, root: Root, kid: str) -> None:
    """Give the folders in a class folder their class; of images and masks only the images."""
    folders, path = reading.folders, join(root.path, kid)
    place = Place(readable(kid), root.split, root.portion)
    splits = named_splits(folders, path) if root.split_inside else {}
    inside = folders.children(path)
    masks = [name for name in inside if is_mask(name)] if splits or any(map(is_container, inside)) else []
    reading.places[path] = place
    for name in inside:
        within = list(folders.within(join(path, name)))
        if name in masks:
            reading.skipped.update(within)
            reading.masks[name] += folders.count(join(path, name))
        else:
            reading.places.update(dict.fromkeys(within, replace(place, split=splits.get(name, root.split))))
    reading.split_folders.update(dict.fromkeys(splits))
    deeper = folders.structure(path).union(*(folders.structure(join(path, name)) for name in splits))
    others = [readable(name) for name in deeper if not (name in masks or name in splits or wraps(name, kid))]
    if others:
        reading.merged.setdefault(place.label, set()).update(others)


def _report(reading: Reading) -> None:
    """Add the lines about labels and splits, and notes about folders in a class folder named like another class."""
    labels = {place.label for place in reading.places.values()}
    odd = {label: sorted((inside & labels) - {label}) for label, inside in reading.merged.items()}
    for label, others in odd.items():
        if others:
            reading.notes.append(
                f"the class folder {label} contains folders named like other classes ({listed(others)}): their "
                f"pictures are in the class {label}"
            )
    deep = [label for label, inside in reading.merged.items() if len(inside) > 1]
    if len(deep) == 1 and len(reading.merged) == 1 and len(labels) > 1:
        reading.notes.append(
            f"only the class folder {deep[0]} contains folders ({listed(sorted(reading.merged[deep[0]]))}): their "
            f"pictures are in the class {deep[0]}"
        )
    lines = [f"label: from the folder names{_deeper(reading.merged)}"] if labels else []
    if reading.split_folders:
        lines.append(
            f"split: from the {'folders' if len(reading.split_folders) > 1 else 'folder'} "
            f"{listed(reading.split_folders)}"
        )
    for name, count in reading.masks.items():
        lines.append(f"skipped: {name} in the class folders ({counted(count, 'picture')})")
    reading.inferred[:0] = lines


def _deeper(merged: dict[str, set[str]]) -> str:
    """Return what was merged into what: `canis (latrans, lupus)`."""
    if not merged:
        return ""
    shown = [f"{label} ({listed(sorted(inside))})" for label, inside in sorted(merged.items())[:SHOWN]]
    more = f" and {len(merged) - SHOWN:,} more" if len(merged) > SHOWN else ""
    return (
        f"; folders inside were merged into them: {', '.join(shown)}{more}; --label parent takes the folder of each "
        "picture instead"
    )
