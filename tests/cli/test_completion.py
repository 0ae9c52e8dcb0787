"""What the shell offers for half-typed words."""

import os
import subprocess
import sys

import pytest

from tellapart.cli.completion import completer


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("photos-quick-001", "photos-quick-002"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text("{}")
    (tmp_path / "photos").mkdir()
    (tmp_path / "mine.toml").write_text("")
    return tmp_path


def test_runs_recipes_and_data(here):
    assert completer("model")("photos-q") == ["photos-quick-001", "photos-quick-002"]
    assert completer("model")("runs/") == [
        "runs/photos-quick-001",
        "runs/photos-quick-001/",
        *completer("model")("runs/photos-quick-002"),
    ]
    assert completer("recipe")("qu") == ["quick", "quick-94"]
    assert completer("recipe")("m") == ["mine.toml"]
    assert completer("backbone")("efficientnet-l") == [f"efficientnet-lite{number}" for number in range(3)]
    assert "none" in completer("backbone")("")
    assert completer("data")("ph") == ["photos/"]
    assert "mnist" in completer("data")("m")
    assert completer("") is None


@pytest.mark.parametrize(
    ("words", "offered"),
    (("tellapart tr", "train"), ("tellapart train dig", "digits"), ("tellapart train digits --recipe qu", "quick-94")),
)
def test_bash_is_answered(here, words, offered):
    count = str(len(words.split()) - 1)
    asked = {"_TELLAPART_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": count}
    code = "import sys; sys.argv = ['tellapart']; from tellapart.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | asked)
    assert offered in done.stdout.split(), (done.stdout, done.stderr)
