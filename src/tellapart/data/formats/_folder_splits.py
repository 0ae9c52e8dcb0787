"""Which of the folders in a folder are splits, by their names, their siblings and what they have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tellapart.data.formats._folder_evidence import Folders, join
from tellapart.data.formats._folder_words import MASKS, SIDE
from tellapart.data.split_names import SplitWord, split_in_folder_name, words_of

MOST_NAMES = 100
"""Folders with a split in their names, at most, that are compared with each other."""


def named_splits(folders: Folders, path: str) -> dict[str, str]:
    """Return the split of each folder in `path` that is one.

    A name with other words is that of a split if another name has the same words and another split (seg_train and
    seg_test), or if both contain folders of the same names: test_tube may be a class.
    """
    kids = folders.children(path)
    words = {kid: word for kid in kids if (word := split_in_folder_name(kid))}
    of_rest: dict[tuple[str, ...], set[str]] = {}
    for word in words.values():
        of_rest.setdefault(word.rest, set()).add(word.split)
    found = {kid: word.split for kid, word in words.items() if not word.rest or len(of_rest[word.rest]) > 1}
    if len(words) <= MOST_NAMES:
        found = _sharing(folders, path, words) | found
    if words and "train" not in found.values() and len(words) <= MOST_NAMES:
        found = _without_a_word(folders, path, words) or found
    return _with_validation(found)


def _sharing(folders: Folders, path: str, words: dict[str, SplitWord]) -> dict[str, str]:
    """Return the folders with the names of different splits and two folders of the same names or more in each."""
    named = {kid: word for kid, word in words.items() if not (SIDE | MASKS).intersection(word.rest)}  # train_masks
    inside = {kid: folders.structure(join(path, kid)) for kid in named}
    return {
        kid: word.split for kid, word in named.items()
        if any(word.split != other.split and len(inside[kid] & inside[name]) >= 2 for name, other in named.items())
    }  # fmt: skip


def _without_a_word(folders: Folders, path: str, words: Mapping[str, SplitWord]) -> dict[str, str]:
    """Return the splits of folders of which one has no split in its name: rps, rps-test-set and rps-validation."""
    rests = {word.rest for word in words.values()}
    if len(rests) != 1 or any(word.split == "train" for word in words.values()):
        return {}
    rest = rests.pop()
    for name in (kid for kid in folders.children(path) if tuple(words_of(kid)) == rest):
        inside = folders.structure(join(path, name))
        if any(len(inside & folders.structure(join(path, kid))) >= 2 for kid in words):
            return {name: "train", **{kid: word.split for kid, word in words.items()}}
    return {}


def classes_in(folders: Folders, path: str) -> frozenset[str]:
    """Return the names of the folders in a folder, or in the split folders in it: those of classes."""
    inner = folders.inner(path)
    splits = [folders.structure(join(inner, kid)) for kid in named_splits(folders, inner)]
    return frozenset[str]().union(*splits) or folders.structure(path)


def families(splits: Sequence[str]) -> list[list[str]]:
    """Return split folders by the other words in their names, where they have several splits: train_gray, test_gray."""
    found: dict[tuple[str, ...], list[str]] = {}
    for kid in splits:
        word = split_in_folder_name(kid)
        found.setdefault(word.rest if word else (), []).append(kid)
    return [
        kids for kids in found.values() if len({getattr(split_in_folder_name(kid), "split", "") for kid in kids}) > 1
    ]


def _with_validation(splits: dict[str, str]) -> dict[str, str]:
    """Return splits in which `eval` is the validation split, if there is another test split and no validation."""
    evaluation = [kid for kid in splits if {"eval", "evaluation", "holdout"}.intersection(words_of(kid))]
    others = {split for kid, split in splits.items() if kid not in evaluation}
    if "test" in others and "validation" not in others:
        return splits | dict.fromkeys(evaluation, "validation")
    return splits


def splits_within(folders: Folders, path: str) -> bool:
    """Return whether more than half of the pictures are in split folders of class folders: cat/train, cat/test."""
    found: set[str] = set()
    count = 0
    for kid in folders.children(path):
        if (word := split_in_folder_name(kid)) and not word.rest:
            continue
        for name, split in named_splits(folders, join(path, kid)).items():
            found.add(split)
            count += folders.count(join(path, f"{kid}/{name}"))
    return len(found) > 1 and 2 * count > folders.count(path)


def splits_of_folders(folders: Folders) -> dict[str, tuple[str, str]]:
    """Return split and name of the split folder that each folder is, or is in; folders in none are left out."""
    found: dict[str, tuple[str, str]] = {}
    for folder in folders.within(""):
        splits = {} if folder in found else named_splits(folders, folder)
        for kid in folders.children(folder):
            split = found.get(folder) or ((splits[kid], kid) if kid in splits else None)
            if split is not None:
                found[join(folder, kid)] = split
    return found
