"""Every verb, met by one suite: its sentence, its options, its help, and the same door in Python."""

import inspect

import pytest
from typer.testing import CliRunner

import tellapart
from tellapart import verbs
from tellapart.cli.main import app


@pytest.mark.parametrize("name", verbs.names())
def test_options_are_records_with_a_sentence_each(name):
    module = verbs.load(name)
    assert module.__doc__.split("\n")[0].endswith(".")
    assert issubclass(module.Options, verbs.Record)
    for field, info in module.Options.model_fields.items():
        assert info.description, field
        assert info.description.endswith("."), field


@pytest.mark.parametrize("name", verbs.names())
def test_help_shows_every_option(name):
    result = CliRunner().invoke(app([name]), [name, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for field, info in verbs.load(name).Options.model_fields.items():
        assert (field.upper() if verbs.is_argument(info) else f"--{field.replace('_', '-')}") in result.stdout
    assert "--json" in result.stdout


@pytest.mark.parametrize("name", verbs.python_names())
def test_the_python_door(name):
    function = getattr(tellapart, name)
    assert function.__name__ == name
    assert set(inspect.signature(function).parameters) == {
        *verbs.load(name).Options.model_fields,
        "on_event",
        "cancellation",
    }
    assert name in dir(tellapart)


def test_a_verb_for_the_terminal_only_has_a_name_that_is_taken_and_does_not_take_it():
    """`open` is a verb in a terminal, and opens data in Python; a verb must declare that it gives way."""
    taken = set(verbs.names()) & set(tellapart._HOMES)
    assert set(verbs.names()) - set(verbs.python_names()) == taken == {"open"}
    assert tellapart.open.__module__ == "tellapart.data.source"
    assert dir(tellapart).count("open") == 1


def test_an_unknown_verb_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = tellapart.trian
