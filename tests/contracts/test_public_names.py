"""The public names of tellapart: what `dir`, editors and type checkers see."""

import importlib
import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

import tellapart
from tellapart import errors, verbs

ROOT = Path(__file__).parent.parent.parent

CORRECT = """
import numpy as np
import tellapart

run = tellapart.train("digits", epochs=3, recipe="quick", set={"optimizer": "sgd"}, precision="float32")
print(run.evaluations["test"].accuracy, run.model, tellapart.__version__)
collection: tellapart.Collection = tellapart.open("digits")
tellapart.train((np.zeros((9, 8, 8), np.uint8), [0, 1, 2] * 3), max_error_rate="1%", runs="here")
tellapart.train(collection, set=["optimizer=sgd"], minutes=1, on_event=print)
for answer in tellapart.predict(run, ["a.png", b"bytes", np.zeros((8, 8))], top=3):
    print(answer.label)
try:
    tellapart.compare([run, "other.keras", tellapart.load(run.model)], split="test")
except tellapart.DataError as error:
    print(error.given, tellapart.evaluate(run.model, split="all").accuracy)
"""

WRONG = """
import tellapart

tellapart.train("digits", epoch=3)
run = tellapart.train("digits")
run.evalutions
tellapart.trian
"""


def mypy(path):
    """The lines that `mypy --strict` reports on a file that uses tellapart."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", str(path)]
    environment = os.environ | {"MYPYPATH": str(ROOT / "src")}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if ": error: " in line]


def test_a_type_checker_finds_wrong_names_and_accepts_right_ones(tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG)
    (tmp_path / "correct.py").write_text(CORRECT)
    reported = mypy(tmp_path / "wrong.py")
    assert len(reported) == 3, reported
    assert 'Unexpected keyword argument "epoch" for "train"' in reported[0]
    assert '"Run" has no attribute "evalutions"' in reported[1]
    assert 'Module has no attribute "trian"' in reported[2]
    assert mypy(tmp_path / "correct.py") == []


def load(name, path, monkeypatch):
    loader = SourceFileLoader(name, str(path))
    module = module_from_spec(spec_from_loader(name, loader))
    monkeypatch.setitem(sys.modules, name, module)  # pydantic and dataclasses look names up there
    loader.exec_module(module)
    return module


VERB = """
'''Greet the user.'''

from __future__ import annotations
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from pydantic import Field
from tellapart.verbs import Record, argument
from tellapart.verbs._options import Accepts, Source

class Options(Record):
    data: Source = argument(description="The pictures.")
    folder: Path = Field(Path("a"), description="A folder.")
    times: int | None = Field(None, description="How often.")
    names: list[str] = Field(default_factory=list, description="Names.")
    how: Literal["loud", "soft"] = Field("loud", description="How loud.")
    other: Annotated[Any, Accepts("float | Recipe", "a Recipe")] = Field(1.5, description="Something else.")

@dataclass
class Greeting:
    text: str

def run(options, on_event) -> Greeting:
    '''Returns the greeting.'''
"""


def test_a_new_verb_is_typed_from_its_own_file(tmp_path, monkeypatch):
    from tellapart.verbs import result_homes

    (tmp_path / "greet.py").write_text(VERB)
    stubs, greet = (
        load("stubs", ROOT / "scripts" / "stubs", monkeypatch),
        load("greet", tmp_path / "greet.py", monkeypatch),
    )
    assert result_homes(greet) == [("greet", "Greeting")]
    assert stubs.function("greet", greet, "Greeting") == (
        "def greet(\n"
        "    data: str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike],\n"
        "    *,\n"
        '    folder: str | PathLike[str] = "a",\n'
        "    times: int | None = None,\n"
        "    names: Sequence[str] = ...,\n"
        '    how: Literal["loud", "soft"] = "loud",\n'
        "    other: float | Recipe = 1.5,\n"
        "    on_event: Listener | None = None,\n"
        "    cancellation: Cancellation | None = None,\n"
        ") -> Greeting:\n"
        '    """Greet the user.\n\n'
        "    Returns the greeting.\n\n"
        "    data: The pictures. In Python also a Collection, or a tuple of arrays (pictures, labels).\n"
        "    folder: A folder.\n"
        "    times: How often.\n"
        "    names: Names.\n"
        "    how: How loud.\n"
        "    other: Something else. In Python also a Recipe.\n"
        "    on_event: Called with each note and progress event (tellapart.progress); default: print lines.\n"
        "    cancellation: A Cancellation, by which another thread can stop the work.\n"
        '    """\n'
    )


def test_an_option_of_any_type_must_say_what_it_accepts(tmp_path, monkeypatch):
    (tmp_path / "greet.py").write_text(VERB.replace("data: Source", "data: Any"))
    stubs = load("stubs", ROOT / "scripts" / "stubs", monkeypatch)
    with pytest.raises(SystemExit, match="say what the option 'data' accepts in Python"):
        stubs.function("greet", load("greet", tmp_path / "greet.py", monkeypatch), "Greeting")


def test_the_stub_is_up_to_date():
    done = subprocess.run([sys.executable, "scripts/stubs", "--check"], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_outdated_stub_names_the_command_that_writes_it(tmp_path, monkeypatch, capsys):
    stubs = load("stubs", ROOT / "scripts" / "stubs", monkeypatch)
    monkeypatch.setattr(stubs, "ROOT", tmp_path)
    monkeypatch.setattr(stubs, "STUB", tmp_path / "__init__.pyi")
    assert stubs.main(["--check"]) == 1
    assert "__init__.pyi is out of date: run scripts/stubs" in capsys.readouterr().err
    assert stubs.main([]) == 0
    assert stubs.main(["--check"]) == 0
    assert stubs.main(["--chek"]) == 2


def test_dir_lists_the_public_names_only():
    families = {name for name, value in vars(errors).items() if isinstance(value, type)} & set(dir(tellapart))
    assert "DataError" in families
    classes = {
        "Augmentation", "Cancellation", "Classifier", "Collection", "Comparison", "Evaluation", "Explanation",
        "Prediction", "Preparation", "Recipe", "Report", "Run",
    }  # fmt: skip
    assert set(dir(tellapart)) == {
        *verbs.python_names(),
        *classes,
        *families,
        "open",
        "load",
        "serve_app",
        "__version__",
    }
    importlib.import_module("tellapart.data.source")  # loading subpackages adds no names
    assert not {"data", "images", "errors", "verbs", "os", "sys"} & set(dir(tellapart))


def test_every_error_is_public():
    family = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert family <= set(dir(tellapart))


@pytest.mark.parametrize("name", dir(tellapart))
def test_every_public_name_can_be_loaded(name):
    assert getattr(tellapart, name) is not None


def test_few_lines_are_hidden_from_the_type_checker():
    lines = [line for path in (ROOT / "src").rglob("*.py") for line in path.read_text("utf-8").splitlines()]
    assert len([line for line in lines if "# type: ignore" in line]) <= 10
