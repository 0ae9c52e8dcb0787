"""A walk through the program in a terminal: what stays on the screen at 80 and at 40 columns, and in which colours."""

import json
import re

import pytest

from tests.terminal import run_in_terminal


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    folder = tmp_path_factory.mktemp("here")
    words = ["train", "digits", "--epochs", "3", "--name", "first"]
    return run_in_terminal(words, 80, folder=folder), folder / "runs"


def test_a_training_leaves_a_table_and_then_the_result(wide):
    screen, _ = wide
    assert screen.code == 0
    assert len(screen.lines) <= 20, screen.lines
    table = next(i for i, line in enumerate(screen.lines) if line.split()[:2] == ["epoch", "loss"])
    result = next(i for i, line in enumerate(screen.lines) if " right on 360 pictures it has never seen (" in line)
    assert table < result
    assert len(screen.lines) - result <= 8
    assert any(line.lstrip().startswith("best ") for line in screen.lines[table:result])
    assert re.search("[▁▂▃▄▅▆▇█]+  val accuracy, best in epoch", "\n".join(screen.lines))
    assert screen.lines[-1] == "report: runs/first/report.html"
    assert all(len(line) <= 80 for line in screen.lines)


def test_decisions_are_in_run_json_and_not_on_the_screen(wide):
    screen, runs = wide
    notes = json.loads((runs / "first" / "run.json").read_text())["notes"]
    for start in ("data: ", "split: ", "recipe: ", "pictures: ", "backend: "):
        assert any(note.startswith(start) for note in notes), start
        assert not any(line.startswith(start) for line in screen.lines), start


def test_colour_is_for_the_headline_and_the_best_epoch(wide):
    screen, _ = wide
    assert re.search(rb"\x1b\[1;32m[\d.]+ % right on", screen.raw)


def test_a_narrow_terminal_without_colour_shows_everything_with_verbose(wide):
    _, runs = wide
    words = ["train", "digits", "--epochs", "2", "--runs", str(runs), "--verbose"]
    screen = run_in_terminal(words, 40, environment={"NO_COLOR": "1"})
    assert screen.code == 0
    assert all(len(line) <= 40 for line in screen.lines)
    text = " ".join(screen.lines)
    for words in ("data: digits", "split: ", "backend: ", "balanced accuracy", "precision", "epoch 2/2"):
        assert words in text, words
    assert not re.search(rb"\x1b\[(?:\d;)*[349]\d", screen.raw), "no colour"


def test_an_error_is_red_and_names_our_flag():
    screen = run_in_terminal(["train", "digits", "--lr", "0.1"], 80)
    assert screen.code == 2
    assert "use --learning-rate" in "\n".join(screen.lines)
    assert b"\x1b[1;31merror:" in screen.raw
