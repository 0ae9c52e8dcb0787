"""The notes of a run: passed on to the listener, and kept in run.json."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tellapart.errors import CheckpointError, UsageError
from tellapart.progress import Event, Listener, Note

if TYPE_CHECKING:
    from tellapart.training.run_folder import RunFolder


class Notes:
    """A listener that passes all events on and keeps the texts of the notes."""

    def __init__(self, on_event: Listener) -> None:
        self.on_event, self.texts = on_event, list[str]()

    def __call__(self, event: Event) -> None:
        """Pass an event on."""
        if isinstance(event, Note):
            self.texts.append(event.text)
        self.on_event(event)

    def record(self) -> dict[str, list[str]]:
        """The notes as an entry of run.json."""
        return {"notes": list(self.texts)}

    @contextmanager
    def kept_in(self, folder: RunFolder) -> Iterator[None]:
        """Continue the notes in run.json; when the block ends, in whatever way, write them there."""
        self.texts[:0] = folder.read().get("notes", [])
        try:
            yield
        finally:
            with suppress(CheckpointError, UsageError):  # the folder was removed, or the disk is full
                folder.write(folder.read() | self.record())
