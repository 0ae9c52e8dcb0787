"""What a person can ask for: one file a verb, found by listing this folder.

A verb is a module whose docstring's first line says what it does, with

    class Options(Record)                        what may be asked, each field with its type, default and one sentence
    def run(options, on_event) -> result         the story; `result` has `to_dict()` for machines and `str()` for people

and if wanted `exit_code` on the result. Positional arguments are fields made with `argument(...)`. The command line,
the Python API and everything else take flags, signatures and help from `Options`. tests/contracts/test_verbs.py meets
every file of this folder.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tellapart import leaves
from tellapart.errors import UsageError, did_you_mean
from tellapart.progress import Listener, Note, PlainLines

if TYPE_CHECKING:
    from tellapart.plots.plot import Plot


class Record(BaseModel):
    """A verb's options."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    @field_validator("*")
    @classmethod
    def _at_home(cls, value: Any) -> Any:
        """A path below `~` in one's home: not every shell sees to that, and Python does not."""
        return value.expanduser() if isinstance(value, Path) and value.parts[:1] == ("~",) else value


def argument(default: Any = ..., **options: Any) -> Any:
    """A field that is given by its position, not by a flag."""
    return Field(default, json_schema_extra={"argument": True}, **options)


def share(value: Any) -> float | None:
    """A share that a person wrote as `1%` or `0.01`. Raises ValueError unless it is above 0 and below 1."""
    if value is None:
        return None
    text = str(value).strip()
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = -1.0
    if not 0 < number < 1:
        raise ValueError("a share between 0 and 1, such as 1% or 0.01")
    return number


def check_output(output: Path | None, option: str = "output") -> None:
    """Raise UsageError where a file that is to be written cannot be: before the work, not after it."""
    if output is None:
        return
    if not os.path.isdir(output.parent):  # noqa: PTH112  # Path.is_dir raises where a path may not be looked at
        raise UsageError(f"--{option} {output}: its folder does not exist", "an existing folder", "make it first")
    if os.path.isdir(output):  # noqa: PTH112
        raise UsageError(f"--{option} {output}: is a folder", "the name of a file to write", "name a file in it")
    if not os.access(output.parent, os.W_OK):
        raise UsageError(
            f"--{option} {output}: its folder cannot be written to", "a folder that can be written to", "name another"
        )


def check_drawing(output: Path | None, *pictures: Any) -> None:
    """Raise UsageError where a drawing cannot be written, or would take the place of one of the pictures."""
    check_output(output)
    if output is None:
        return
    if output.suffix.lower() != ".png":
        raise UsageError(f"--output {output}: is not named as a PNG file", "a name that ends in .png", "name it so")
    there = os.path.exists  # Path.exists raises where a path may not be looked at
    named = [one for one in pictures if isinstance(one, (str, Path)) and there(one) and there(output)]
    if any(output.samefile(one) for one in named):
        raise UsageError(f"--output {output}: is the picture itself", "a file of its own", "name another")


def write_plot(plot: Plot, output: Path | None, stem: str, on_event: Listener) -> Path | None:
    """Write a drawing to `output`, or where a person stands under the next free name of `stem`; where it lies then.

    Raises UsageError where `output` cannot be written; says so, and gives None, where a folder nobody named cannot.
    """
    from tellapart.files import free_path, plain_name

    path = output or free_path(Path(f"{plain_name(stem)}.png"))
    try:
        plot.save(path)
    except OSError as error:
        if output is not None:
            raise UsageError(
                f"--output {path}: cannot be written ({error.strerror})", "a PNG file to write", "name another"
            ) from error
        on_event(Note(f"nothing is drawn: {Path.cwd()} cannot be written to ({error.strerror})"))
        return None
    return path


def is_argument(field: Any) -> bool:
    """Whether a field was made with `argument`."""
    return bool(field.json_schema_extra and field.json_schema_extra.get("argument"))


def names() -> tuple[str, ...]:
    """All verbs by name."""
    return leaves.names(__name__)


def load(name: str) -> ModuleType:
    """The module of a verb."""
    return leaves.load(__name__, name, "a verb")


def make_options(verb: str, values: dict[str, Any]) -> Record:
    """The options record of a verb. Raises UsageError that names the option and what may stand there."""
    record = load(verb).Options
    try:
        return record(**values)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]) if first["loc"] else verb
        if first["type"] == "extra_forbidden":
            raise UsageError(
                f"{verb} has no option {option!r}", "one of its options", did_you_mean(option, record.model_fields)
            ) from error
        if first["type"] == "missing":
            raise UsageError(
                f"{verb}: {option} is missing", record.model_fields[option].description, "give it"
            ) from error
        raise UsageError(f"{option} = {first['input']!r}", first["msg"], "correct the value") from error


def function(name: str) -> Callable[..., Any]:
    """A verb as a Python function: arguments by position, options by keyword, progress as lines on stdout."""
    module = load(name)
    fields = module.Options.model_fields
    positional = [field for field, info in fields.items() if is_argument(info)]

    def call(*arguments: Any, on_event: Listener | None = None, **options: Any) -> Any:
        if len(arguments) > len(positional):
            raise UsageError(
                f"{name} got {len(arguments)} arguments", f"{', '.join(positional)}", "give options by name"
            )
        values = dict(zip(positional, arguments, strict=False)) | options
        return module.run(make_options(name, values), on_event or PlainLines(sys.stdout))

    call.__name__ = call.__qualname__ = name
    call.__doc__ = _documentation(module)
    call.__signature__ = _signature(fields)  # type: ignore[attr-defined]  # inspect reads it
    return call


_OBJECTS = {
    "data": " In Python also a Collection, or (pictures, labels) as arrays.",
    "model": " In Python also a Classifier.",
    "models": " In Python a list; also of Classifiers.",
    "pictures": " In Python one or a list; also bytes, Pillow images or arrays.",
    "recipe": " In Python also a Recipe.",
    "set": " In Python also a mapping.",
    "classes": " In Python also a list of names.",
}
"""What fields take in Python beside the text that the command line takes."""


def _documentation(module: ModuleType) -> str:
    fields = module.Options.model_fields
    lines = [(module.__doc__ or "").strip(), "", inspect.getdoc(module.run) or "", ""]
    for field, info in fields.items():
        lines.append(f"{field}: {info.description}{'' if info.annotation is Path else _OBJECTS.get(field, '')}")
    lines += ["on_event: who hears of notes and progress (tellapart.progress); by default lines on stdout"]
    return "\n".join(lines)


def _signature(fields: dict[str, Any]) -> inspect.Signature:
    empty, parameters = inspect.Parameter.empty, []
    for field, info in fields.items():
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if is_argument(info) else inspect.Parameter.KEYWORD_ONLY
        default = empty if info.is_required() else info.get_default(call_default_factory=True)
        parameters.append(inspect.Parameter(field, kind, default=default, annotation=info.annotation))
    parameters.append(inspect.Parameter("on_event", inspect.Parameter.KEYWORD_ONLY, default=None))
    return inspect.Signature(parameters)
