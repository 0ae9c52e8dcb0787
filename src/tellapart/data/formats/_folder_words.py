"""Words in the names of folders that are not classes: renderings, folders with something else, numbered folders."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from tellapart.data.split_names import CONTAINERS, PORTIONS, split_in_folder_name, words_in, words_of

SIDE = words_in(
    "meta metadata pred preds predict prediction predictions annotation annotations annots thumbnail thumbnails thumbs "
    "preview previews sample samples example examples unlabeled unlabelled masks submission submissions docs "
    "screenshots plots"
)
"""Words for folders next to the pictures of a collection, with something else in them."""

MASKS = words_in(
    "mask masks label labels annotation annotations gt groundtruth truth bbox bboxes xml xmls trimap trimaps "
    "segmentation segmentations contours attributes"
)
"""Words for what is drawn or written about pictures."""

RENDERINGS = (
    CONTAINERS
    | MASKS
    | words_in(
        "color colour colored rgb gray grey grayscale greyscale bw segmented depth edges infrared ir thermal nir raw "
        "original originals processed augmented augmentation resized cropped denoised enhanced background ground "
        "foreground"
    )
)
"""Words for renderings of the same pictures."""

CARRIERS = PORTIONS | words_in(
    "subject person patient user participant volunteer camera cam session day site hospital scene video clip lot "
    "station domain device client"
)
"""Words for folders, with a number each, that each contain pictures of the same classes."""

_UNNAMED = (re.compile(r"(19|20)\d\d([-_.]?)[01]\d\2[0-3]\d"), re.compile(r"[1-9]\d\d[A-Z0-9_]{5}"))
"""Days, and the folders that cameras make."""


_MASK = re.compile(rf"[ _.-](?:{'|'.join(sorted(MASKS))})(?:[ _-]?\d{{1,3}})?\.\w{{1,5}}$", re.IGNORECASE)
"""The end of a file's name that has the name of another file and a word for what was drawn on it."""

_LONGEST = 32
"""Characters at the end of a name that are searched for that: archives may have names of any length."""


class Numbered(NamedTuple):
    """A name in two: its words without the last number, and the number."""

    stem: tuple[str, ...]
    number: int


@lru_cache(4096)
def numbered(name: str) -> Numbered | None:
    """Return the words of a name that ends in a number, or in `part 1 of 3`; None for other names."""
    words = words_of(name)
    if len(words) < 2 or not re.fullmatch(r"[0-9]{1,9}", words[-1]):
        return None
    return Numbered(tuple(words[:-1]), int(words[-1]))


def is_container(name: str) -> bool:
    """Return whether a name only says that there are pictures in the folder: `images`, `my_dataset_2`."""
    words = [word for word in words_of(name) if not word.isdigit() and word not in ("my", "all", "the")]
    return bool(words) and all(word in CONTAINERS for word in words)


def is_side(name: str) -> bool:
    """Return whether a name has a word for something else than labelled pictures, and no other but a split's."""
    return bool(SIDE.intersection(words_of(name)))


def is_rendering(name: str) -> bool:
    """Return whether all words of a name are words for renderings of pictures."""
    words = [word for word in words_of(name) if not word.isdigit()]
    return bool(words) and all(word in RENDERINGS for word in words)


def is_mask(name: str) -> bool:
    """Return whether a name is one for what is drawn or written about pictures."""
    return is_rendering(name) and bool(MASKS.intersection(words_of(name)))


def masks_beside(names: Sequence[str]) -> list[str]:
    """Return the files named after another file in their folder and a mask: `benign (1)_mask.png`."""
    found = [(name, name[: -len(match[0])]) for name in names if (match := _MASK.search(name[-_LONGEST:]))]
    stems = {name.rpartition(".")[0] for name in names} if found else ()
    return [name for name, stem in found if stem in stems]


def wraps(name: str, parent: str) -> bool:
    """Return whether a folder in `parent` is not a level of its own: it repeats name or split, or is `images`."""
    if name.casefold() == parent.casefold() or is_container(name):
        return True
    inner, outer = split_in_folder_name(name), split_in_folder_name(parent)
    return inner is not None and outer is not None and inner.split == outer.split


def portions(names: list[str]) -> bool:
    """Return whether several names are those of portions of one collection: `images_001`, `part-2`, days, 100CANON."""
    if len(names) > 1 and any(all(pattern.fullmatch(name) for name in names) for pattern in _UNNAMED):
        return True
    found = [numbered(name) for name in names]
    stems = {item.stem for item in found if item}
    if len(names) < 2 or None in found or len(stems) != 1:
        return False
    return bool((CONTAINERS | PORTIONS).intersection(next(iter(stems))))


def carriers(names: list[str]) -> str | None:
    """Return the word for what several folders are, if they differ in a number only: `fold` for fold_0 and fold_1."""
    found = [numbered(name) for name in names]
    stems = {item.stem for item in found if item}
    if len(names) < 2 or None in found or len(stems) != 1:
        return None
    return next((word for word in reversed(next(iter(stems))) if word in CARRIERS | CONTAINERS), None)
