"""Steps in reading folders: each replaces a folder by the folders in it that are of one kind, or does not apply.

A step returns None if it does not apply. It reports what it decides, and raises DataError where two readings are about
equally likely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tellapart.data.formats._folder_evidence import in_common, join
from tellapart.data.formats._folder_result import Reading, Root
from tellapart.data.formats._folder_splits import classes_in, families, named_splits, splits_within
from tellapart.data.formats._folder_words import (
    carriers,
    is_container,
    is_mask,
    is_rendering,
    is_side,
    portions,
    wraps,
)
from tellapart.data.split_names import split_in_folder_name
from tellapart.errors import DataError
from tellapart.text import counted, listed, readable


def _splits_inside(reading: Reading, root: Root) -> list[Root] | None:
    """Splits within class folders: cat/train, cat/test, dog/train ..."""
    folders, kids = reading.folders, reading.folders.children(root.path)
    if root.split is not None or len(kids) < 2 or not splits_within(folders, root.path):
        return None
    within = [join(root.path, f"{kid}/{name}") for kid in kids for name in named_splits(folders, join(root.path, kid))]
    if names := in_common([folders.structure(path) for path in within]):
        raise _choose(reading, root, kids, names)
    return [replace(root, kids=tuple(kids), split_inside=True)]


def _splits(reading: Reading, root: Root) -> list[Root] | None:
    """Folders that are named after splits."""
    if root.split is not None:
        return None
    folders, kids = reading.folders, reading.folders.children(root.path)
    splits = named_splits(folders, root.path)
    deep = reading.structured(root.path, list(splits))
    others = [kid for kid in kids if kid not in splits]
    if not splits:
        return None
    if not deep:
        return _splits_without_classes(reading, root, splits, others)
    if [kid.lower() for kid in splits] == ["train"] and _train_is_a_class(reading, root, deep[0], others):
        return None
    if len(families(deep)) > 1:
        raise _choose(reading, root, deep, sorted(folders.structure(join(root.path, deep[0]))))
    deep = _without_placeholders(reading, root, deep, splits)
    reading.split_folders.update(dict.fromkeys(deep))
    roots = [replace(root, path=folders.inner(join(root.path, kid)), split=splits[kid]) for kid in deep]
    return roots + _outside(reading, root, deep, others)


def _without_placeholders(reading: Reading, root: Root, deep: list[str], splits: dict[str, str]) -> list[str]:
    """Return split folders without those whose only folder is not a class in training: test/unknown, as Keras asks."""
    inside = {kid: reading.folders.structure(join(root.path, kid)) for kid in deep}
    known = frozenset[str]().union(*(inside[kid] for kid in deep if splits[kid] == "train"))
    if len(known) < 2:
        return deep
    odd = {kid: min(inside[kid]) for kid in deep if len(inside[kid]) == 1 and not inside[kid] & known}
    for kid, name in odd.items():
        reading.skip(join(root.path, kid), f"in the folder {name}, which is not a class in training", odd=True)
    return [kid for kid in deep if kid not in odd]


def _splits_without_classes(
    reading: Reading, root: Root, splits: dict[str, str], others: list[str]
) -> list[Root] | None:
    """Folders named after splits that contain pictures directly: those have no labels, unless train is a class."""
    plain = [kid for kid in others if not is_side(kid)]
    deep = reading.structured(root.path, plain)
    if len(plain) == 1 and deep:
        _skip_sides(reading, root, others)
        return [replace(root, path=join(root.path, plain[0]))]
    if [kid.lower() for kid in splits] == ["train"] and plain:
        if len(plain) == 1:  # not next to bus and car
            reading.notes.append(
                f"the folders {listed([*splits, *plain])} are read as two classes; if {next(iter(splits))} is a split, "
                "its pictures have no labels"
            )
        return None
    if not deep and (len(plain) == 1 or (len(set(splits.values())) > 1 and plain)):
        raise DataError(
            f"{reading.source.path}: contains folders that are named after splits but have no class folders "
            f"({listed(splits)}), and also {listed(plain)}",
            "split folders that contain class folders, or class folders only",
            f"--label parent reads every folder as a class; or read some of the folders only: "
            f"{reading.source.command(join(root.path, plain[0]))}",
            unclear=True,
        )
    return [replace(root, kids=tuple(kid for kid in plain if not is_container(kid)))]


def _train_is_a_class(reading: Reading, root: Root, train: str, others: list[str]) -> bool:
    """Return whether `train` is a vehicle, by the other folders. Raises DataError if that is not clear."""
    folders = reading.folders
    inside = folders.structure(join(root.path, train))
    plain = [kid for kid in others if not is_side(kid) and kid not in inside]
    deep = reading.structured(root.path, plain)
    if not plain or any(inside & folders.structure(join(root.path, kid)) for kid in deep):
        return False
    if len(deep) > 1:
        return True
    raise DataError(
        f"{reading.source.path}: the folder {join(root.path, train)} is named after a split and contains the folders "
        f"{listed(sorted(inside))}; next to it are {listed(plain)}",
        "split folders (train, test) of class folders, or class folders only",
        f"read one folder only: {reading.source.command(join(root.path, train))}; or name every folder by its place: "
        "--label parent",
        unclear=True,
    )


def _outside(reading: Reading, root: Root, splits: list[str], others: list[str]) -> list[Root]:
    """Return class folders and copies next to split folders; skip the other folders there."""
    folders = reading.folders
    inside = [folders.structure(join(root.path, kid)) for kid in splits]
    classes = frozenset[str]().union(*inside)
    roots = []
    outside = [kid for kid in others if kid in classes]
    for kid in (kid for kid in others if kid not in classes):
        path = join(root.path, kid)
        structure = folders.structure(path)
        if structure.intersection(splits):
            roots.append(replace(root, path=folders.inner(path)))
            _report_copies(reading, root.path, folders.inner(path))
        elif structure:
            odd = not (is_mask(kid) or is_side(kid) or split_in_folder_name(kid))
            reading.skip(path, "in a folder that is not named after a split", odd=odd)
        else:
            reading.skip(path, "without labels", odd=not (is_side(kid) or split_in_folder_name(kid)))
    return [*roots, replace(root, kids=tuple(outside))] if outside else roots


def _report_copies(reading: Reading, of: str, copy: str) -> None:
    """Leave out the copies in a folder that repeats the ones next to it, and report how many there are."""
    copies = reading.copies_in(of, copy)
    reading.copies |= copies
    count = len(copies)
    rest = reading.folders.count(copy) - count
    more = f"; its {counted(rest, 'other picture')} were added" if rest else ""
    reading.inferred.append(
        f"repeated: {copy} contains the folders next to it again; {counted(count, 'picture')} with the same name and "
        f"size counted once{more}"
    )


def _around(reading: Reading, root: Root) -> list[Root] | None:
    """A folder around everything, such as flowers/ in flowers.zip; also images/ next to annotations/."""
    folders, kids = reading.folders, reading.folders.children(root.path)
    if len(kids) == 1:
        path = join(root.path, kids[0])
        deeper = folders.count(path) - len(folders.files(path))
        if root.split is None or wraps(kids[0], root.path.rpartition("/")[2]):
            if 2 * deeper > folders.count(path):
                return [replace(root, path=path)]
            return [replace(root, kids=())] if is_container(kids[0]) else None
        return None
    deep = reading.structured(root.path, kids)
    if len(deep) != 1 or len(structure := folders.structure(join(root.path, deep[0]))) < 2:
        return None
    bare = [kid for kid in kids if kid != deep[0]]
    others = is_container(deep[0]) or all(is_side(kid) or split_in_folder_name(kid) for kid in bare)
    if not others or structure.intersection(bare):
        return None
    for kid in bare:
        reading.skip(join(root.path, kid), "without labels", odd=not is_side(kid))
    return [replace(root, path=folders.inner(join(root.path, deep[0])))]


def _repeated(reading: Reading, root: Root) -> list[Root] | None:
    """A folder that contains the folders next to it again, as an archive unpacked into itself does."""
    folders, kids = reading.folders, reading.folders.children(root.path)
    found, names = dict[str, None](), frozenset(kids)
    for kid in kids:
        structure = folders.structure(join(root.path, kid))
        again = (structure & names) - {kid}
        if 2 * len(again) >= len(structure) and len(again) >= (1 if _repeats_the_name(reading, root, kid) else 2):
            found[kid] = None
    if not found or 2 * len(found) >= len(kids):
        return None
    roots = [replace(root, kids=tuple(kid for kid in kids if kid not in found))]
    for kid in found:
        copy = folders.inner(join(root.path, kid))
        if (is_mask(kid) or not reading.copies_in(root.path, copy)) and not _repeats_the_name(reading, root, kid):
            reading.skip(join(root.path, kid), "in folders named like those next to it", odd=not is_mask(kid))
            continue
        _report_copies(reading, root.path, copy)
        roots.append(replace(root, path=copy))
    return roots


def _repeats_the_name(reading: Reading, root: Root, kid: str) -> bool:
    """Return whether a folder has the name of the folder that it is in."""
    return kid.casefold() == (root.path or reading.source.path).rpartition("/")[2].casefold()


def _sharing(reading: Reading, root: Root) -> tuple[list[str], list[str]]:
    """Return the folders that have folders of the same names in them, and these names; both may be empty."""
    folders, kids = reading.folders, reading.folders.children(root.path)
    plain = [kid for kid in kids if not is_side(kid) or folders.structure(join(root.path, kid))]
    deep = reading.structured(root.path, plain)
    if len(deep) < 2 or 4 * len(deep) < 3 * len(plain):
        return [], []
    names = in_common([classes_in(folders, join(root.path, kid)) for kid in deep])
    if all(map(is_rendering, names)) and not all(map(is_rendering, deep)):  # cat/images, cat/masks, dog/images ...
        return [], []
    return (deep, names) if names else ([], [])


def _portions(reading: Reading, root: Root) -> list[Root] | None:
    """Numbered folders of the same classes, such as folds or cameras: they are merged."""
    deep, _ = _sharing(reading, root)
    word = carriers(deep)
    if word is None:
        return None
    reading.portion = word
    line = f"merged: {listed(deep)} contain the same classes; --group {word} keeps the pictures of each in one split"
    reading.inferred += [line] if line not in reading.inferred else []  # as in another split
    return [replace(root, path=reading.folders.inner(join(root.path, kid)), portion=kid) for kid in deep]


def _renderings(reading: Reading, root: Root) -> list[Root] | None:
    """Several renderings of the same classes: the pictures, if the others are masks, or the one of several copies.

    Raises DataError if the user has to choose.
    """
    folders = reading.folders
    deep, names = _sharing(reading, root)
    if not deep:
        return None
    pictures = [kid for kid in deep if not is_mask(kid)]
    if len(pictures) != 1 and (first := _original(reading, root, deep)):
        return [replace(root, path=first)]
    if len(pictures) != 1 or not is_rendering(folders.inner(join(root.path, pictures[0])).rpartition("/")[2]):
        raise _choose(reading, root, deep, names)
    for kid in (kid for kid in folders.children(root.path) if kid != pictures[0]):
        reading.skip(join(root.path, kid), f"that belong to those in {pictures[0]}", odd=kid not in deep)
    return [replace(root, path=folders.inner(join(root.path, pictures[0])))]


def _original(reading: Reading, root: Root, deep: list[str]) -> str | None:
    """Return the largest of several folders if all others are copies of it, which are then left out."""
    folders = reading.folders
    inner = sorted((folders.inner(join(root.path, kid)) for kid in deep), key=lambda path: -folders.count(path))
    copies = set[int]()
    for path in inner[1:]:
        copies |= (found := reading.copies_in(inner[0], path))
        if len(found) < folders.count(path):
            return None
    reading.copies |= copies
    only = "only has" if len(inner) == 2 else "only have"
    reading.inferred.append(f"repeated: {listed(inner[1:])} {only} copies of pictures in {inner[0]}")
    return inner[0]


def _choose(reading: Reading, root: Root, deep: list[str], names: list[str]) -> DataError:
    """Return the error for folders that contain folders of the same names."""
    folders, shown = reading.folders, [readable(kid) for kid in deep]
    first = join(root.path, deep[0])
    ways = [] if reading.source.is_archive else [f"{reading.source.command(first)} reads one of them"]
    if not any(folders.children(join(folders.inner(first), name)) for name in names):
        ways.append(f"--label parent takes the folder of each picture as its class ({listed(names)})")
    if set(names) & set(folders.children(first)):
        ways.append(f"--label grandparent takes the folder above that one ({listed(shown)})")
    return DataError(
        f"{reading.source.path}: {listed(shown)} contain folders of the same names ({listed(names)}), so two "
        "readings are possible",
        f"class folders: {listed(names)}, each in several renderings or portions; or {listed(shown)}",
        "; ".join(ways),
        unclear=True,
    )


def _by_letter(reading: Reading, root: Root) -> list[Root] | None:
    """Folders a, b, c ... of classes that begin with these letters."""
    folders, kids = reading.folders, reading.folders.children(root.path)
    if len(kids) < 3 or any(len(kid) > 1 or not kid.isalpha() for kid in kids):
        return None
    inside = {kid: folders.structure(join(root.path, kid)) for kid in kids}
    if not all(inside.values()) or not all(
        name.casefold().startswith(kid.casefold()) for kid, names in inside.items() for name in names
    ):
        return None
    reading.inferred.append(f"merged: {listed(kids)} contain classes that begin with these letters")
    return [replace(root, path=join(root.path, kid)) for kid in kids]


def _beside(reading: Reading, root: Root) -> list[Root] | None:
    """Folders that are not classes by their names: images and masks, portions, samples."""
    folders, kids = reading.folders, reading.folders.children(root.path)
    if reading.structured(root.path, kids):
        return None
    inner = [folders.inner(join(root.path, kid)).rpartition("/")[2] for kid in kids]
    if portions(kids) or (
        any(map(is_container, kids)) and all(is_container(kid) or is_side(kid) or is_mask(kid) for kid in inner)
    ):
        return [replace(root, kids=())]
    sides = dict.fromkeys(filter(is_side, kids))
    if not sides or len(kids) - len(sides) < 2:
        return None
    for kid in sides:
        reading.skip(join(root.path, kid), "in a folder that is not named like a class", odd=True)
    return [replace(root, kids=tuple(kid for kid in kids if kid not in sides))]


def _skip_sides(reading: Reading, root: Root, kids: Sequence[str]) -> None:
    for kid in filter(is_side, kids):
        reading.skip(join(root.path, kid), "without labels")


STEPS = (_splits_inside, _splits, _around, _repeated, _portions, _renderings, _by_letter, _beside)
"""The steps in the order in which they are tried."""
