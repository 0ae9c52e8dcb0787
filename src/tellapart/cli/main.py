"""The program `tellapart`."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperGroup

from tellapart import leaves
from tellapart.errors import Stopped, TellapartError, UsageError, closest
from tellapart.progress import Listener, PlainLines

VERBS = "tellapart.verbs"  # imported only when a verb is called: its records need pydantic, --help does not

_COMMON = {
    "json": (bool, "Print the result as JSON."),
    "quiet": (bool, "Do not print notes and progress."),
    "debug": (bool, "Print Python's traceback if something fails."),
}


def main() -> None:
    """Run the program with the arguments of this process."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # a stream that was closed, as for a daemon
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123  # stays open until the process ends
        # A file name that is not valid text must not stop the output.
        getattr(sys, name).reconfigure(errors="backslashreplace")
    # Pillow warns of odd tags and large pictures; we report problems with a picture in our own words.
    warnings.filterwarnings("ignore", module="PIL")
    warnings.filterwarnings("ignore", message=".*decompression bomb", category=Warning)
    try:
        app(sys.argv[1:])()
    except SystemExit as stop:
        _leave(stop)
        raise


def _leave(stop: SystemExit) -> None:
    """End the process at once if TensorFlow is loaded: its regular shutdown takes more than a second."""
    if "tensorflow" not in sys.modules or not isinstance(stop.code, int | None):
        return
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # the reader has closed it
            stream.flush()
    os._exit(stop.code or 0)


class _Program(TyperGroup):
    """Typer's program, with Typer's own errors printed like all others."""

    def main(self, args: Any = None, *rest: Any, **options: Any) -> Any:
        """Run a command line and end the process."""
        words = list(sys.argv[1:] if args is None else args)
        try:
            sys.exit(super().main(args, *rest, **options | {"standalone_mode": False}) or 0)
        except typer.Abort:
            sys.exit(1)
        except Exception as error:
            # Typer's own errors have this method; their classes move between its versions.
            if not hasattr(error, "format_message"):
                raise
            if not words:
                _show_help(error)
                sys.exit(2)
            sys.exit(_failed(_wrong_words(error), "--json" in words, False, 2))


def _show_help(error: Any) -> None:
    """Print the help, which Typer raises as an error when there are no arguments."""
    error.show()


def _wrong_words(error: Any) -> UsageError:
    """A UsageError for what Typer found wrong with a command line."""
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "tellapart")
    see = f"see {command} --help"
    if hasattr(error, "possibilities") and hasattr(error, "option_name"):  # an option that does not exist
        flags = [flag for parameter in context.command.params for flag in parameter.opts] if context else []
        match = closest(error.option_name.lstrip("-"), [flag.lstrip("-") for flag in flags if flag.startswith("--")])
        action = f"did you mean --{match}? Otherwise {see}" if match else see
        return UsageError(f"{command}: unknown option {error.option_name}", "one of its options", action)
    return UsageError(f"{command}: {error.format_message()}", "arguments and options that --help lists", see)


def app(arguments: list[str]) -> typer.Typer:
    """The program with all verbs. Only the verb that `arguments` name is loaded, so that --help stays fast."""
    program = typer.Typer(
        name="tellapart",
        cls=_Program,
        help="From labelled pictures to an image classifier that you can trust, explain and deploy.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    program.callback()(_program)
    named = next((word for word in arguments if not word.startswith("-")), None)
    for name in leaves.names(VERBS):
        help_text = leaves.card(VERBS, name)
        command = _command(name) if name == named else _placeholder
        program.command(name, help=help_text)(command)
    return program


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"tellapart {version('tellapart')}")
        raise typer.Exit()


def _program(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    pass


def _placeholder() -> None:
    """Take the place of a verb that is listed but not called."""


def _command(name: str) -> Callable[..., None]:
    """The verb as a function whose signature Typer reads to make arguments and flags."""
    from tellapart import verbs

    fields = verbs.load(name).Options.model_fields
    parameters = [_parameter(field, info) for field, info in fields.items()]
    parameters += [
        Parameter(
            flag,
            Parameter.KEYWORD_ONLY,
            default=False,
            annotation=Annotated[kind, typer.Option(f"--{flag}", help=text)],
        )
        for flag, (kind, text) in _COMMON.items()
    ]

    def command(**values: Any) -> None:
        common = {flag: values.pop(flag) for flag in _COMMON}
        raise typer.Exit(_run(name, values, **common))

    command.__dict__["__signature__"] = Signature(parameters)  # which Typer reads
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameter(field: str, info: Any) -> Parameter:
    from tellapart import verbs

    default = Parameter.empty if info.is_required() else info.get_default(call_default_factory=True)
    kind = _kind(info.annotation, default)
    if verbs.is_argument(info):
        mark = typer.Argument(help=info.description, metavar=field.upper(), show_default=False)
    else:
        mark = typer.Option(
            f"--{field.replace('_', '-')}",
            help=info.description,
            show_default=default not in (None, [], Parameter.empty),
            **_unchecked(info.annotation),
        )
    return Parameter(field, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, mark])


def _kind(annotation: Any, default: Any) -> Any:
    """The type that Typer parses: a field declared as Any is text on the command line."""
    if annotation is Any:
        return list[str] if isinstance(default, list) else str | None if default is None else str
    if get_origin(annotation) is list:
        return list[str]
    return annotation


def _unchecked(annotation: Any) -> dict[str, Any]:
    """Settings that let numbers and choices pass Typer unchecked: the record refuses wrong ones, in our own words."""
    kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not type(None)]
    if get_origin(annotation) is Literal or get_origin(kinds[0]) is Literal:
        choices = get_args(annotation) if get_origin(annotation) is Literal else get_args(kinds[0])
        return {"parser": lambda text: text, "metavar": f"<{'|'.join(choices)}>"}
    return {"parser": _number, "metavar": f"<{kinds[0].__name__}>"} if kinds[0] in (int, float) else {}


def _number(text: Any) -> Any:
    """The number that a text is, or else the text; a default, which is a number already, as it is."""
    for kind in (int, float) if isinstance(text, str) else ():
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def _run(name: str, values: dict[str, Any], json: bool, quiet: bool, debug: bool) -> int:
    """Run a verb, print its result and return the exit code. Errors are printed on stderr, without a traceback."""
    from tellapart import verbs

    listener = _listener(quiet)
    try:
        with listener as on_event:
            options = verbs.make_options(name, {key: value for key, value in values.items() if value is not None})
            result = verbs.load(name).run(options, on_event)
        _print(result.to_dict() if json else result, json)
        if not json and hasattr(result, "present"):
            result.present()
    except TellapartError as error:
        return _failed(error, json, debug, error.exit_code)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has stopped, as `head` does
        return 0
    except Exception as error:
        return _failed(error, json, debug, 1)
    return getattr(result, "exit_code", 0)


def _print(result: Any, as_json: bool) -> None:
    from tellapart.verbs import write_out

    # If the stream is not UTF-8, only ASCII with JSON's own escapes is safe.
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = json.dumps(result, indent=2, ensure_ascii=plain) if as_json else str(result)
    text = "" if result is None else text  # a verb that has printed its result already
    write_out(f"{text}\n" if text else "")


def _failed(error: Exception, as_json: bool, debug: bool, code: int) -> int:
    if debug:
        traceback.print_exc()
    known = error.to_dict() if isinstance(error, TellapartError) else None
    if as_json:
        with contextlib.suppress(BrokenPipeError, TellapartError):  # stdout cannot be written: the code says enough
            _print(known or {"error": type(error).__name__, "given": str(error)}, True)
    if known:
        print(error if isinstance(error, Stopped) else f"error: {error}", file=sys.stderr)
    else:
        print(
            f"error: {type(error).__name__}: {error}\n  this is a bug in tellapart, not a problem with your input\n"
            "  to do: run it again with --debug and report the output",
            file=sys.stderr,
        )
    return code


class _Quiet:
    """Print no events."""

    def __enter__(self) -> Listener:
        return lambda event: None

    def __exit__(self, *reason: object) -> None:
        pass


class _Lines:
    """Print events as plain lines on stderr."""

    def __enter__(self) -> Listener:
        return PlainLines(sys.stderr)

    def __exit__(self, *reason: object) -> None:
        pass


def _listener(quiet: bool) -> Any:
    if quiet:
        return _Quiet()
    if not sys.stderr.isatty():
        return _Lines()
    from tellapart.cli.bar import Bar

    return Bar()
