"""What verbs write: checks of file names before the work starts, plots, and text on stdout."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.errors import TellapartError, UsageError
from tellapart.progress import Listener, Note

if TYPE_CHECKING:
    from tellapart.plots.plot import Plot


class OutputError(TellapartError):
    """Standard output cannot be written, for instance because the disk behind it is full."""

    exit_code = 1


def check_output(output: Path | None, option: str = "output") -> None:
    """Raise UsageError, before the work starts, if the file `output` cannot be written."""
    if output is None:
        return
    if not os.path.isdir(output.parent):  # noqa: PTH112  # Path.is_dir raises for a path without read permission
        raise UsageError(f"--{option} {output}: its folder does not exist", "an existing folder", "create it first")
    if os.path.isdir(output):  # noqa: PTH112
        raise UsageError(f"--{option} {output}: is a folder", "the name of a file to write", "")
    if not os.access(output.parent, os.W_OK):
        raise UsageError(f"--{option} {output}: its folder is not writable", "a writable folder", "")


def default_output(name: str, run: Path | None = None, folder: str = "") -> Path:
    """Where a verb writes the file `name` by default: in the folder of the run it is about, or in tellapart-out/.

    In the run's folder it is written into `folder`, if one is named. Returns a free path. The folder is created. Raises
    OSError if it cannot be created.
    """
    from tellapart.files import OUTPUT_FOLDER, free_path

    home = run / folder if run is not None and os.access(run, os.W_OK) else Path(OUTPUT_FOLDER)
    home.mkdir(exist_ok=True)
    return free_path(home / name)


def write_out(text: str) -> None:
    """Write text to stdout at once. Raises OutputError if that is not possible, BrokenPipeError if its reader stopped.

    After an error, whatever is written to stdout is dropped, so that no second error follows when the process ends.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        drop_stdout()
        # Windows reports a pipe without reader as an invalid argument.
        if isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL):
            raise BrokenPipeError from error
        raise OutputError(
            f"the output cannot be written ({error.strerror or error})",
            "a file, pipe or terminal that can be written",
            "free disk space, or send the output elsewhere" if error.errno == errno.ENOSPC else "",
        ) from error


def drop_stdout() -> None:
    """Send the rest of stdout to nowhere."""
    handle = os.open(os.devnull, os.O_WRONLY)
    os.dup2(handle, sys.stdout.fileno())
    os.close(handle)


def check_drawing(output: Path | None, *pictures: Any) -> None:
    """Raise UsageError if a drawing cannot be written to `output` or would overwrite one of the input `pictures`."""
    check_output(output)
    if output is None:
        return
    if output.suffix.lower() != ".png":
        raise UsageError(f"--output {output}: must end in .png", "the name of a PNG file", "")
    exists = os.path.exists  # Path.exists raises for a path without read permission
    files = [path for path in pictures if isinstance(path, (str, Path)) and exists(path) and exists(output)]
    if any(output.samefile(path) for path in files):
        raise UsageError(f"--output {output}: is the input picture", "another file name", "")


def write_plot(
    plot: Plot, output: Path | None, stem: str, on_event: Listener, run: Path | None = None, folder: str = ""
) -> Path | None:
    """Write a plot to `output`, or by default to a free name of `stem`, see `default_output` for `run` and `folder`.

    Returns the path. Raises UsageError if `output` cannot be written. If only the default place cannot be written to,
    emits a note and returns None.
    """
    from tellapart.files import plain_name

    try:
        path = output or default_output(f"{plain_name(stem)}.png", run, folder)
        plot.save(path)
    except OSError as error:
        if output is not None:
            raise UsageError(
                f"--output {output}: cannot be written ({error.strerror})", "a PNG file that can be written", ""
            ) from error
        place = Path(error.filename).parent if isinstance(error.filename, str) else Path.cwd()
        on_event(Note(f"no drawing written: cannot write to {place} ({error.strerror})", warning=True))
        return None
    return path
