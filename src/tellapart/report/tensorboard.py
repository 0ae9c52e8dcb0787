"""Event files for TensorBoard: loss and accuracy of each epoch, named as Keras names them, and pictures at the end."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tellapart.progress import Epoch, Event

FOLDER = "tensorboard"
"""The folder within a run."""

SPLITS = {"train": "", "validation": "val_"}
"""Folders of event files, as the callback of Keras names them, and the prefix of their metrics in history.csv."""


class EventFiles:
    """A listener that writes the metrics of each epoch into `folder`/train and `folder`/validation.

    `done` epochs were finished by earlier processes; what these wrote about later epochs is replaced.
    """

    def __init__(self, folder: Path, done: int) -> None:
        self.folder, self.done = folder, done
        self.writers: dict[str, Any] = {}

    def __call__(self, event: Event) -> None:
        """Write the metrics of an epoch; ignore other events."""
        if isinstance(event, Epoch):
            for split, prefix in SPLITS.items():
                for name in ("loss", "accuracy"):
                    if (value := event.metrics.get(prefix + name)) is not None:
                        self._writer(split).add_scalar(f"epoch_{name}", value, event.number - 1)
                if split in self.writers:
                    self.writers[split].flush()

    def close(self, pictures: Iterable[Path] = ()) -> None:
        """Add PNG files, each under its name without the suffix, and close the event files."""
        for path in pictures:
            if path.is_file():
                self._add_picture(path)
        for writer in self.writers.values():
            writer.close()

    def _writer(self, split: str) -> Any:
        from tensorboardX import SummaryWriter

        if split not in self.writers:
            purge = {"purge_step": self.done} if self.done else {}
            # TensorBoard reads the files of a folder by name; a run that is resumed within a second gets another one.
            self.writers[split] = SummaryWriter(str(self.folder / split), filename_suffix=f".{self.done:06}", **purge)
        return self.writers[split]

    def _add_picture(self, path: Path) -> None:
        from tensorboardX.proto.summary_pb2 import Summary

        data = path.read_bytes()
        width, height = struct.unpack(">II", data[16:24])  # in the header of every PNG file
        image = Summary.Image(encoded_image_string=data, width=width, height=height, colorspace=3)
        self._writer("validation").file_writer.add_summary(Summary(value=[Summary.Value(tag=path.stem, image=image)]))
