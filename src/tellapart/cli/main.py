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
from tellapart.cli.completion import completer
from tellapart.errors import Stopped, TellapartError, UsageError, closest
from tellapart.progress import Listener, PlainLines

VERBS = "tellapart.verbs"  # imported only when a verb is called: its records need pydantic, --help does not

_COMMON = {
    "json": (bool, "Print the result as JSON."),
    "quiet": (bool, "Do not print notes and progress."),
    "verbose": (bool, "Print all decisions, epochs and metrics."),
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
        app(sys.argv[1:] or _half_typed())()
    except SystemExit as stop:
        _leave(stop)
        raise


def _half_typed() -> list[str]:
    """The words of the command line that the shell wants to complete; none if it does not ask."""
    return (os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS") or "").split()[1:]


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
        advice = _advice_on(error.option_name.lstrip("-"), context, flags)
        action = f"{advice.rstrip('?')}? Otherwise {see}" if advice.endswith("?") else advice or see
        return UsageError(f"{command}: unknown option {error.option_name}", "one of its options", action)
    return UsageError(f"{command}: {error.format_message()}", "arguments and options that --help lists", see)


def _advice_on(option: str, context: Any, flags: list[str]) -> str:
    """What to type instead of an option that does not exist; may be empty."""
    from tellapart import verbs

    if context is not None and context.info_name in verbs.names():
        advice = verbs.advice_on(option, verbs.load(context.info_name).Options)
        if advice:
            return advice
    match = closest(option, [flag.lstrip("-") for flag in flags if flag.startswith("--")])
    return f"did you mean --{match}?" if match else ""


def app(arguments: list[str]) -> typer.Typer:
    """The program with all verbs. Only the verb that `arguments` name is loaded, so that --help stays fast."""
    program = typer.Typer(
        name="tellapart",
        cls=_Program,
        help="From labelled pictures to an image classifier that you can trust, explain and deploy.",
        no_args_is_help=True,
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

    parameters.append(Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context))

    def command(context: typer.Context, **values: Any) -> None:
        common = {flag: values.pop(flag) for flag in _COMMON}
        # Defaults are left to the record, which then knows what was given.
        given = {name: value for name, value in values.items() if _is_given(context, name)}
        raise typer.Exit(_run(name, given, **common))

    command.__dict__["__signature__"] = Signature(parameters)  # which Typer reads
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _is_given(context: Any, name: str) -> bool:
    """Whether an option was typed, and is not only its default."""
    source = context.get_parameter_source(name)
    return source is None or "DEFAULT" not in source.name


def _parameter(field: str, info: Any) -> Parameter:
    from tellapart import verbs

    default = Parameter.empty if info.is_required() else info.get_default(call_default_factory=True)
    kind, complete = _kind(info.annotation, default), completer(verbs.completed_by(info))
    if verbs.is_argument(info):
        mark = typer.Argument(help=info.description, metavar=field.upper(), show_default=False, autocompletion=complete)
    else:
        mark = typer.Option(
            f"--{field.replace('_', '-')}",
            help=info.description,
            show_default=default not in (None, [], Parameter.empty),
            autocompletion=complete,
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


def _run(name: str, values: dict[str, Any], json: bool, quiet: bool, verbose: bool, debug: bool) -> int:
    """Run a verb, print its result and return the exit code. Errors are printed on stderr, without a traceback."""
    from tellapart import verbs

    listener = _listener(quiet, verbose)
    try:
        with listener as on_event:
            options = verbs.make_options(name, {key: value for key, value in values.items() if value is not None})
            result = verbs.load(name).run(options, on_event)
        if json:
            _print_json(result.to_dict())
        else:
            _print_result(result, verbose)
            if hasattr(result, "present"):
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


def _print_json(values: Any) -> None:
    from tellapart.verbs import write_out

    # If the stream is not UTF-8, only ASCII with JSON's own escapes is safe.
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    write_out("" if values is None else f"{json.dumps(values, indent=2, ensure_ascii=plain)}\n")


def _print_result(result: Any, verbose: bool) -> None:
    """Print a result as text, in colour on a terminal; with `verbose` all its details, if it has some."""
    from tellapart.verbs import write_out

    text = result.details() if verbose and hasattr(result, "details") else str(result)
    if text and sys.stdout.isatty():
        from tellapart.cli.paint import console_of, print_result

        print_result(text, console_of(sys.stdout), hasattr(result, "details"), getattr(result, "class_names", ()))
    else:
        write_out(f"{text}\n" if text else "")


def _failed(error: Exception, as_json: bool, debug: bool, code: int) -> int:
    if debug:
        traceback.print_exc()
    known = error.to_dict() if isinstance(error, TellapartError) else None
    if as_json:
        with contextlib.suppress(BrokenPipeError, TellapartError):  # stdout cannot be written: the code says enough
            _print_json(known or {"error": type(error).__name__, "given": str(error)})
    if known:
        _print_error(str(error) if isinstance(error, Stopped) else f"error: {error}")
    else:
        _print_error(
            f"error: {type(error).__name__}: {error}\n  this is a bug in tellapart, not a problem with your input\n"
            "  to do: run it again with --debug and report the output, with that of tellapart doctor"
        )
    return code


def _print_error(text: str) -> None:
    if not sys.stderr.isatty():
        print(text, file=sys.stderr)
        return
    from tellapart.cli.paint import console_of, print_error

    print_error(text, console_of(sys.stderr))


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


def _listener(quiet: bool, verbose: bool) -> Any:
    if quiet:
        return _Quiet()
    if not sys.stderr.isatty():
        return _Lines()
    from tellapart.cli.live import LiveView

    live = LiveView(verbose=verbose)
    return live if live.console.is_interactive and not live.console.is_dumb_terminal else _Lines()
