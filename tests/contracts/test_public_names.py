"""The public names of tellapart: what `dir`, editors and type checkers see."""

import importlib
import os
import subprocess
import sys
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


def test_the_stub_is_up_to_date():
    done = subprocess.run([sys.executable, "scripts/stubs", "--check"], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_outdated_stub_names_the_command_that_writes_it(tmp_path, monkeypatch, capsys):
    from importlib.machinery import SourceFileLoader

    stubs = SourceFileLoader("stubs", str(ROOT / "scripts" / "stubs")).load_module()
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
        "Augmentation", "Classifier", "Collection", "Comparison", "Evaluation", "Explanation", "Prediction",
        "Preparation", "Recipe", "Report", "Run",
    }  # fmt: skip
    assert set(dir(tellapart)) == {*verbs.names(), *classes, *families, "open", "load", "__version__"}
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
