"""The verbs: what a user can ask for. Each file in this folder is one verb.

A verb is a module whose docstring's first line says what it does, with

    class Options(Record)                        its options: each field with a type, a default and a description
    def run(options, on_event) -> Result         the work; `Result` has `to_dict()` for machines and `str()` for people

and, if wanted, on the result: `exit_code`; `class_names`, which a terminal colours; `details()`, a longer text for
--verbose, if the first line of `str()` is a headline; `present()`, which the terminal calls after it printed the
result, except with --json.

`TERMINAL_ONLY = True` in the module keeps a verb out of Python, because tellapart already has a function or class of
that name. Positional arguments are fields made with `argument(...)`. A field that takes several kinds of objects in
Python is declared with a type from `tellapart.verbs._options`, such as `data: Source`, or with
`Annotated[Any, Accepts("...")]`. `instead` in `Options` names options of other tools, and what to type instead.

The command line, the Python functions, their help and the stub `tellapart/__init__.pyi` (written by `scripts/stubs`)
are all made from `Options` and from `run`'s return annotation. tests/contracts/test_verbs.py tests every file in this
folder. Verbs do not import verbs: shared code is in `_name.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from tellapart import leaves
from tellapart.verbs._options import Record as Record
from tellapart.verbs._options import advice_on as advice_on
from tellapart.verbs._options import argument as argument
from tellapart.verbs._options import completed_by as completed_by
from tellapart.verbs._options import is_argument as is_argument
from tellapart.verbs._options import make_record
from tellapart.verbs._options import share as share
from tellapart.verbs._output import check_drawing as check_drawing
from tellapart.verbs._output import check_output as check_output
from tellapart.verbs._output import write_out as write_out
from tellapart.verbs._output import write_plot as write_plot
from tellapart.verbs._python import default_text as default_text
from tellapart.verbs._python import documentation as documentation
from tellapart.verbs._python import make_function
from tellapart.verbs._python import result_homes as result_homes
from tellapart.verbs._python import signature as signature


def names() -> tuple[str, ...]:
    """The names of all verbs."""
    return leaves.names(__name__)


def python_names() -> tuple[str, ...]:
    """The names of the verbs that are functions of `tellapart`: all but those for the terminal only."""
    return tuple(name for name in names() if not getattr(load(name), "TERMINAL_ONLY", False))


def load(name: str) -> ModuleType:
    """Import the module of a verb."""
    return leaves.load(__name__, name, "a verb")


def make_options(verb: str, values: dict[str, Any]) -> Record:
    """Build the options record of a verb. Raises UsageError that names the option and what it accepts."""
    return make_record(verb, load(verb).Options, values)


def function(name: str) -> Callable[..., Any]:
    """A verb as a Python function: arguments by position, options by keyword, progress as lines on stdout."""
    return make_function(name, load(name))
