"""Event files for TensorBoard: loss and accuracy of each epoch, named as Keras names them, and pictures at the end."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tellapart.progress import Epoch, Event, Listener, Note

FOLDER = "tensorboard"
"""The folder within a run."""

SPLITS = {"train": "", "validation": "val_"}
"""Folders of event files, as the callback of Keras names them, and the prefix of their metrics in history.csv."""


class EventFiles:
    """A listener that passes events on and writes the metrics of each epoch into `folder`/train and /validation.

    A training that is resumed replaces what an earlier process wrote about the epochs that it trains again. If a file
    cannot be written, that is reported once, and nothing more is written: it must not end a training.
    """

    def __init__(self, folder: Path, on_event: Listener) -> None:
        self.folder, self.on_event = folder, on_event
        self.writers: dict[str, Any] = {}
        self.failed = False
        self.first: int | None = None
        """The first epoch of this process, from 0."""

    def __call__(self, event: Event) -> None:
        """Pass an event on, and write the metrics of an epoch."""
        self.on_event(event)
        if isinstance(event, Epoch):
            self.first = event.number - 1 if self.first is None else self.first
            self._attempt(lambda: self._write(event))

    def close(self, pictures: Iterable[Path] = ()) -> None:
        """Add PNG files, each under its name without the suffix, and close the event files."""

        def finish() -> None:
            for path in pictures:
                if path.is_file():
                    self._add_picture(path)
            for writer in self.writers.values():
                writer.close()

        self._attempt(finish)

    def _attempt(self, write: Callable[[], None]) -> None:
        if self.failed:
            return
        try:
            write()
        except OSError as error:
            self.failed = True
            note = f"note: {self.folder}: event files cannot be written ({error.strerror or error})"
            self.on_event(Note(note, warning=True))

    def _write(self, epoch: Epoch) -> None:
        for split, prefix in SPLITS.items():
            values = {name: epoch.metrics.get(prefix + name) for name in ("loss", "accuracy")}
            known = [_scalar(f"epoch_{name}", value) for name, value in values.items() if value is not None]
            if known:
                self._add(split, known, epoch.number - 1)

    def _add(self, split: str, values: list[Any], step: int) -> None:
        """Write one event to the disk. tensorboardX's own queue would keep it for two minutes."""
        import time

        from tensorboardX.proto.event_pb2 import Event as Record
        from tensorboardX.proto.summary_pb2 import Summary

        writer = self._writer(split)
        writer.write_event(Record(wall_time=time.time(), step=step, summary=Summary(value=values)))
        writer.flush()

    def _writer(self, split: str) -> Any:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import Event as Record
        from tensorboardX.proto.event_pb2 import SessionLog

        if split not in self.writers:
            (self.folder / split).mkdir(parents=True, exist_ok=True)
            # TensorBoard reads the files of a folder by name; a run that is resumed within a second gets another one.
            first = self.first or 0
            self.writers[split] = EventsWriter(str(self.folder / split / "events"), f".{first:06}")
            if first:  # what is there of later epochs is not part of the curve
                session = SessionLog(status=SessionLog.START)
                self.writers[split].write_event(Record(step=first, session_log=session))
        return self.writers[split]

    def _add_picture(self, path: Path) -> None:
        from tensorboardX.proto.summary_pb2 import Summary

        data = path.read_bytes()
        width, height = struct.unpack(">II", data[16:24])  # in the header of every PNG file
        image = Summary.Image(encoded_image_string=data, width=width, height=height, colorspace=3)
        self._add("validation", [Summary.Value(tag=path.stem, image=image)], 0)


def _scalar(tag: str, value: float) -> Any:
    from tensorboardX.proto.summary_pb2 import Summary

    return Summary.Value(tag=tag, simple_value=value)
