"""Open labelled pictures as a verb's options describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from tellapart.errors import DataError
from tellapart.progress import Listener, Note

if TYPE_CHECKING:
    from tellapart.data.collection import Collection
    from tellapart.data.layout import Said


def said_in(options: Any) -> Said:
    """What the options of a verb say about the layout of the data, without what they leave open."""
    from tellapart.data.layout import Said

    values = {name: getattr(options, name, None) for name in Said.__annotations__}
    return cast("Said", {name: value for name, value in values.items() if value is not None})


def open_data_of(options: Any, on_event: Listener) -> Collection:
    """Open the option `data`, with `classes` and the options of the layout. Raises UsageError and DataError."""
    from tellapart.data.source import open_collection

    return open_collection(options.data, options.classes, on_event, **said_in(options))


def open_inferred(source: Any, on_event: Listener) -> Collection:
    """Open data for an option that has no options for its layout. Raises UsageError and DataError."""
    from tellapart.data.source import open_collection

    try:
        return open_collection(source, None, on_event)
    except DataError as error:
        if not error.unclear:
            raise
        action = "give one of its folders, a table, or in Python a Collection: tellapart.open(..., label=...)"
        raise DataError(error.given, "data whose layout can be inferred", action) from error


def report_reading(collection: Collection, on_event: Listener) -> None:
    """Report how the data was read, and what is odd in it."""
    for line in collection.inferred:
        on_event(Note(line))
    for note in collection.notes:
        on_event(Note(f"note: {note}", warning=True))
