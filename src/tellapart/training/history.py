"""Write the history of a training as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from tellapart.files import write_text
from tellapart.progress import Listener, Note
from tellapart.training.run_folder import HISTORY


def write_history(folder: Path, history: Sequence[dict[str, float]], on_event: Listener) -> bool:
    """Write history.csv into a folder, a row an epoch; return whether that was possible. A failure is reported."""
    buffer = io.StringIO()
    names = {name for row in history for name in row}
    last = [name for name in ("seconds", "size") if name in names]
    metrics = sorted(names - {"epoch", *last})
    writer = csv.DictWriter(buffer, fieldnames=["epoch", *metrics, *last], lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    path = folder / HISTORY
    try:
        write_text(path, buffer.getvalue())
    except OSError as error:
        size = len(buffer.getvalue())
        on_event(Note(f"note: {path}: {size:,} bytes cannot be written ({error.strerror})", warning=True))
        return False
    return True
