"""Files that verbs write: checks before the work starts, and the writing of plots."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.errors import UsageError
from tellapart.progress import Listener, Note

OUTPUT_FOLDER = "tellapart-out"
"""The folder, in the current one, for files that verbs write without --output and that are not about one run."""

if TYPE_CHECKING:
    from tellapart.plots.plot import Plot


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
    from tellapart.files import free_path

    home = run / folder if run is not None and os.access(run, os.W_OK) else Path(OUTPUT_FOLDER)
    home.mkdir(exist_ok=True)
    return free_path(home / name)


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
        on_event(Note(f"no drawing written: cannot write to {Path.cwd()} ({error.strerror})", warning=True))
        return None
    return path
