import json
import os
import socket
import subprocess
import sys

import pytest
from PIL import Image
from typer.testing import CliRunner

from tellapart.cli.main import app
from tests.conftest import stripes, write_folder

pytestmark = pytest.mark.usefixtures("sketched")


def tellapart(*words):
    return CliRunner().invoke(app(list(words)), list(words), env={"COLUMNS": "200"})


def test_the_program_lists_its_verbs_and_its_version():
    result = tellapart("--help")
    assert result.exit_code == 0
    for name in ("train", "evaluate", "predict", "show", "summary", "recipes", "datasets", "formats"):
        assert name in result.stdout
    assert tellapart("--version").stdout.startswith("tellapart 0.")
    assert tellapart("nosuch").exit_code == 2
    assert tellapart("train").exit_code == 2


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("somebody reaches for the network")

    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_train_evaluate_and_predict_speak_json_and_to_nobody_else(tmp_path, no_network):
    folder = write_folder(tmp_path / "data", 60)
    words = ("train", str(folder), "--recipe", "dense", "--epochs", "1", "--runs", str(tmp_path / "runs"), "--json")
    result = tellapart(*words)
    assert result.exit_code == 0, result.stderr
    trained = json.loads(result.stdout)
    assert "epoch 1/1" in result.stderr
    measured = json.loads(tellapart("evaluate", trained["model"], str(folder), "--json", "--quiet").stdout)
    assert {key: measured[key] for key in trained["results"]["test"]} == trained["results"]["test"] | {
        "test_evaluations": 2
    }
    assert {"confusion", "classes"} <= set(measured)
    result = tellapart("predict", trained["run"], str(folder / "down"), "--json", "--top", "2", "--quiet")
    answers = json.loads(result.stdout)
    assert len(answers) == 20
    assert result.stderr == ""
    assert answers[0]["source"].endswith("001.png")


def test_the_program_as_a_process_is_clean_and_closes_pipes(tmp_path):
    """stdout holds the result only; a reader that goes away is no error; no start-up noise on stderr."""
    folder = write_folder(tmp_path / "data", 60)
    command = [sys.executable, "-m", "tellapart", "train", str(folder), "--recipe", "dense", "--epochs", "1"]
    done = subprocess.run([*command, "--runs", str(tmp_path / "runs")], capture_output=True, text=True, check=True)
    assert " % right on 12 pictures it has never seen (" in done.stdout.splitlines()[0]
    assert len(done.stdout.splitlines()) <= 8
    starts = ("data:", "label:", "split:", "pictures:", "recipe:", "backend:", "epoch", "train:", "read", "note: ")
    assert all(line.startswith(starts) for line in done.stderr.splitlines()), done.stderr
    piped = subprocess.run(
        f"{sys.executable} -m tellapart recipes quick | head -1", shell=True, capture_output=True, text=True
    )
    assert piped.returncode == 0
    assert "Traceback" not in piped.stderr


def test_a_fault_of_ours_is_said_without_a_traceback(monkeypatch):
    from tellapart.verbs import formats

    def fail(options, on_event):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(formats, "run", fail)
    result = tellapart("formats")
    assert result.exit_code == 1
    assert "ZeroDivisionError: oops" in result.stderr
    assert "--debug" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Traceback" in tellapart("formats", "--debug").stderr


def test_environment_is_untouched():
    before = dict(os.environ)
    tellapart("formats")
    assert dict(os.environ) == before


def test_closed_streams_are_no_fault():
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        command = f"{sys.executable} -m tellapart formats {closed}"
        done = subprocess.run(command, shell=True, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, ""), closed


def test_pictures_that_cannot_be_read_are_named_however_quiet(stripes_run, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"nonsense")
    result = tellapart("predict", str(stripes_run.path), str(tmp_path / "bad.jpg"), "--quiet")
    assert result.exit_code == 1
    assert result.stdout == f"{tmp_path / 'bad.jpg'}: is not a picture of a known format\n"


def test_json_is_json_whatever_the_terminal_writes(stripes_run, tmp_path):
    picture = tmp_path / "caf\u00e9.png"
    Image.fromarray(stripes(1)[0][0, :, :, 0]).save(picture)
    for encoding in ("cp1252", "utf-8"):
        done = subprocess.run(
            [sys.executable, "-m", "tellapart", "predict", str(stripes_run.path), str(picture), "--json"],
            capture_output=True, check=True, env=os.environ | {"PYTHONIOENCODING": encoding},
        )  # fmt: skip
        assert json.loads(done.stdout.decode("utf-8"))[0]["source"].endswith("caf\u00e9.png")
