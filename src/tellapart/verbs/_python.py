"""A verb as a Python function: its signature, its documentation, and the call."""

from __future__ import annotations

import ast
import inspect
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from tellapart.cancel import Cancellation
from tellapart.errors import UsageError
from tellapart.progress import Listener, PlainLines
from tellapart.verbs._options import Accepts, is_argument, make_record


def make_function(name: str, module: ModuleType) -> Callable[..., Any]:
    """The function `tellapart.<name>`: arguments by position, options by keyword, progress as lines on stdout."""
    fields = module.Options.model_fields
    positional = [field for field, info in fields.items() if is_argument(info)]

    def call(
        *arguments: Any,
        on_event: Listener | None = None,
        cancellation: Cancellation | None = None,
        **options: Any,
    ) -> Any:
        if len(arguments) > len(positional):
            raise UsageError(
                f"{name} got {len(arguments)} positional arguments",
                f"at most {len(positional)}: {', '.join(positional)}" if positional else "options by name only",
                "pass options by name",
            )
        values = dict(zip(positional, arguments, strict=False)) | options
        record = make_record(name, module.Options, values)
        listener = on_event or _default_listener()
        if cancellation is None:
            return module.run(record, listener)
        if "cancellation" in inspect.signature(module.run).parameters:  # the verb saves what it has before it stops
            return module.run(record, listener, cancellation)
        return module.run(record, cancellation.listener(listener))

    call.__name__ = call.__qualname__ = name
    call.__doc__ = documentation(module)
    call.__dict__["__signature__"] = signature(module)  # which `inspect` and `help` read
    return call


def _default_listener() -> Listener:
    """One output that updates in a notebook, else lines on stdout."""
    from tellapart.notebook import NotebookView, show_in_notebook

    show = show_in_notebook()
    return NotebookView(show) if show is not None else PlainLines(sys.stdout)


def documentation(module: ModuleType) -> str:
    """The docstring of a verb's function: what it does, what it raises, and a line for each option."""
    lines = [(module.__doc__ or "").strip(), "", inspect.getdoc(module.run) or "", ""]
    for field, info in module.Options.model_fields.items():
        also = next((f" In Python also {accepts.also}." for accepts in _accepts(info) if accepts.also), "")
        lines.append(f"{field}: {info.description}{also}")
    lines.append("on_event: Called with each note and progress event (tellapart.progress); default: print lines.")
    lines.append("cancellation: A Cancellation, by which another thread can stop the work.")
    return "\n".join(lines)


def signature(module: ModuleType) -> inspect.Signature:
    """The signature of a verb's function. Annotations are text; `scripts/stubs` writes the stub from it."""
    empty, parameters = inspect.Parameter.empty, []
    for field, info in module.Options.model_fields.items():
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD if is_argument(info) else inspect.Parameter.KEYWORD_ONLY
        default = empty if info.is_required() else info.get_default(call_default_factory=True)
        parameters.append(inspect.Parameter(field, kind, default=default, annotation=python_type(info)))
    for name, annotation in (("on_event", "Listener | None"), ("cancellation", "Cancellation | None")):
        parameters.append(inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation))
    return inspect.Signature(parameters, return_annotation=module.run.__annotations__["return"])


def python_type(info: FieldInfo) -> str:
    """The type of an option in Python, as text: the declared `Accepts`, or else its annotation."""
    text = next((accepts.types for accepts in _accepts(info)), None) or _type_text(info.annotation)
    optional = not info.is_required() and info.default is None and "None" not in text.split(" | ")
    return f"{text} | None" if optional else text


def result_homes(module: ModuleType) -> list[tuple[str, str]]:
    """Module and name of each class that a verb may return, found without importing it.

    Raises TypeError unless `run` is annotated with classes that the verb's module defines or imports.
    """
    annotation = str(module.run.__annotations__.get("return"))
    tree = ast.parse(inspect.getsource(module))
    homes = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            homes[node.name] = module.__name__, node.name
        if isinstance(node, ast.ImportFrom) and node.module:
            homes |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
    missing = [name for name in annotation.split(" | ") if name not in homes]
    if missing:
        raise TypeError(f"{module.__name__}.run: the return annotation {missing[0]!r} is not a class of that module")
    return [homes[name] for name in annotation.split(" | ")]


def default_text(default: Any) -> str:
    """The default of an option as Python source; `...` for lists and other objects."""
    if isinstance(default, (str, Path)):
        return json.dumps(str(default))
    return repr(default) if default is None or isinstance(default, (bool, int, float)) else "..."


def _accepts(info: FieldInfo) -> list[Accepts]:
    return [item for item in info.metadata if isinstance(item, Accepts)]


def _type_text(annotation: Any) -> str:
    if annotation is type(None):
        return "None"
    if annotation is Path:
        return "str | PathLike[str]"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " | ".join(_type_text(argument) for argument in arguments)
    if origin is Literal:
        return f"Literal[{', '.join(json.dumps(value) for value in arguments)}]"
    if origin is list:
        return f"Sequence[{_type_text(arguments[0])}]"
    return str(annotation.__name__)
