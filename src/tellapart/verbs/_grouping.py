"""The groups of a verb's data: as `--group` says, or found in the pictures, and what is reported about them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from tellapart.errors import UsageError
from tellapart.progress import Listener, Note
from tellapart.text import percent

if TYPE_CHECKING:
    from tellapart.data.collection import Collection
    from tellapart.data.feeding import Prepared
    from tellapart.data.found_groups import FoundGroups
    from tellapart.data.split_table import SplitTable

AUTO, NONE = "auto", "none"
"""Values of --group: find the groups in the pictures, as by default, or have none besides those of the data."""

WORTH_A_WARNING = 0.01
"""The share of a split from which on pictures with relatives in training are reported."""

Group = Annotated[
    str | None,
    Field(
        description="Pictures of one group stay in one split: a column of the table; a regular expression for file "
        "names, such as 'subject(\\d+)'; time (taken within a minute of each other); order (successive pictures that "
        "are alike); or none. Default: auto, which looks for groups in names, times and order."
    ),
]
"""The option --group."""


def with_given_groups(collection: Collection, group: str | None) -> Collection:
    """The collection with the groups that can be made before its pictures are read. Raises UsageError."""
    from tellapart.data.found_groups import ORDER, TIME, groups_by_time
    from tellapart.data.groups import grouped, with_groups

    if group in collection.columns:
        return grouped(collection, str(group))
    if group in (None, AUTO, ORDER):
        return collection
    if group == NONE:
        return replace(collection, groups=None)
    if group != TIME:
        return grouped(collection, str(group))
    bursts = groups_by_time(collection)
    if bursts is None:
        raise UsageError(
            f"--group time: most files of {collection.source} contain no time, neither in their EXIF data nor in "
            "their names",
            "photos with a date and time",
            "",
        )
    return with_groups(collection, bursts, TIME)


def with_found_groups(
    collection: Collection, data: Prepared, group: str | None, on_event: Listener
) -> tuple[Collection, FoundGroups | None]:
    """The collection with groups that were found in its pictures, and what was found but is too weak to decide.

    Groups that the data or the caller gives are kept as they are.
    """
    from tellapart.data.found_groups import ORDER, find_groups, groups_by_order, in_words
    from tellapart.data.groups import with_groups

    if group == ORDER and ORDER not in collection.columns:
        ordered = groups_by_order(collection, data)
        return with_groups(collection, ordered.groups, ORDER), None
    if collection.groups is not None or group not in (None, AUTO):
        return collection, None
    found = find_groups(collection, data)
    if found is None or not (found.is_strong and found.can_split(collection)):
        return collection, found
    words = in_words(found, collection)
    on_event(Note(words))
    return replace(with_groups(collection, found.groups, found.by), inferred=(*collection.inferred, words)), None


def warn_of_relatives(
    collection: Collection, found: FoundGroups, split_table: SplitTable, on_event: Listener
) -> Collection:
    """Warn of pictures with relatives in training, by groups for which there is only some evidence.

    Returns the collection with the warning among its notes, if there is one.
    """
    import numpy as np

    training = np.unique(found.groups[split_table.indices("train")])
    for split in ("test", "validation"):
        indices = split_table.indices(split)
        related = int(np.isin(found.groups[indices], training).sum())
        if related and related >= WORTH_A_WARNING * len(indices):
            share = percent(related / len(indices), digits=0)
            words = (
                f"{related:,} of {len(indices):,} {split} pictures ({share}) may belong together with training "
                f"pictures, by {found.because} ({found.reason}): metrics may be too good; --group '{found.by}' keeps "
                "them together, --group none says that they are independent"
            )
            on_event(Note(f"note: {words}", warning=True))
            return replace(collection, notes=(*collection.notes, words))
    return collection
