"""runs, and runs by name: what is found, in which order, and what an unknown name is answered with."""

import json
import os
import shutil
from pathlib import Path

import pytest

import tellapart
from tellapart.errors import ModelFileError, UsageError
from tellapart.progress import silent
from tellapart.verbs._interrupted import _folder
from tellapart.verbs._runs import find_model, find_run, read_run
from tests.conftest import stripes


@pytest.fixture
def runs(stripes_run, tmp_path, monkeypatch):
    """A folder with a finished, an interrupted, a failed and a damaged run, in this order of their start."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "runs"
    for number, name in enumerate(("photos-001", "deep/photos-002", "digits-003", "digits-004"), 1):
        shutil.copytree(stripes_run.path, home / name)
        _edit(home / name, started=f"2026-01-0{number}T10:00:00+00:00", finished=f"2026-01-0{number}T11:00:00+00:00")
    for name, status in (("deep/photos-002", "stopped"), ("digits-003", "failed")):
        (home / name / "model.keras").unlink()
        (home / name / "report.html").unlink()
        _edit(
            home / name, status=status, results={}, reason={"given": "the loss is NaN"}, resumable=status == "stopped"
        )
    (home / "digits-004" / "run.json").write_text('{"half')
    return home


def _edit(folder, **changes):
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | changes))


def test_a_line_per_run_with_what_to_do(runs, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    found = tellapart.runs(on_event=silent)
    assert [row.state for row in found.rows] == ["damaged", "done", "interrupted", "failed"]
    lines = str(found).splitlines()
    assert lines[0].split() == ["run", "accuracy", "date", "state", "data"]
    assert lines[2].startswith("photos-001 ")
    assert lines[2].rstrip().endswith("done         stripes")
    assert "% (" in lines[2]
    assert "deep/photos-002  -" in lines[3]
    about = "\n".join(lines[5:])
    assert "digits-004: is not a run folder (run.json: it cannot be read" in about
    resume = "  resume it with 'tellapart train --resume runs/deep/photos-002'"
    assert f"deep/photos-002: interrupted, 6 epochs done\n{resume}\n" in about
    assert "digits-003: failed, 6 epochs done; the loss is NaN" in about
    assert repr(found) == "<RunList of runs: 4 runs>"
    assert found._repr_html_().startswith("<pre>run ")
    values = json.loads(json.dumps(found.to_dict()))
    assert values[1]["accuracy_interval"][0] <= values[1]["accuracy"] == read_run(runs / "photos-001").accuracy
    assert values[2]["resume"] == "tellapart train --resume runs/deep/photos-002"
    assert values[3]["resume"] is None
    assert "it cannot be read" in values[0]["reason"]


@pytest.mark.parametrize("width", (80, 40))
def test_the_list_fits_a_terminal(runs, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = str(tellapart.runs(on_event=silent)).splitlines()
    commands = [
        line for line in lines if "'tellapart train --resume " in line
    ]  # not broken, so that they can be pasted
    assert len(commands) == 1
    assert max(len(line) for line in lines if line not in commands) <= width
    assert any(line.startswith("photos-001") for line in lines)


def test_a_folder_without_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(tellapart.runs(on_event=silent)) == "no runs in runs; 'tellapart train DATA' makes the first"
    with pytest.raises(UsageError, match="--runs nowhere: is not a folder"):
        tellapart.runs(runs="nowhere", on_event=silent)


def test_a_run_is_found_by_its_name(runs):
    assert find_run("photos-001") == Path("runs/photos-001")
    assert find_run("deep/photos-002") == find_run("photos-002") == Path("runs/deep/photos-002")
    assert find_run("photos-001/model.keras") == Path("runs/photos-001/model.keras")
    assert find_run(str(runs / "digits-003")) == runs / "digits-003"
    assert find_run(runs) is not None
    answer = tellapart.predict("photos-001", stripes(1)[0][0], on_event=silent)[0]
    assert answer.label == "across"
    assert tellapart.summary("photos-001", on_event=silent).title == "runs/photos-001"


def test_a_run_in_the_current_folder_comes_first_but_pictures_do_not_hide_a_run(runs, tmp_path):
    (tmp_path / "photos-001").mkdir()
    assert find_run("photos-001") == Path("runs/photos-001")
    assert find_run("./photos-001") == find_run(tmp_path / "photos-001").relative_to(tmp_path) == Path("photos-001")
    (tmp_path / "photos-001" / "model.keras").touch()
    assert find_run("photos-001") == Path("photos-001")
    (tmp_path / "pictures").mkdir()
    assert find_run("pictures") == Path("pictures")


def test_last_is_the_run_that_finished_last(runs, stripes_run):
    os.utime(runs / "photos-001" / "model.keras", (2e9, 2e9))
    assert find_model("last") == Path("runs/photos-001")
    shutil.rmtree(runs)
    with pytest.raises(ModelFileError, match=r"last: no run in runs. has a model.keras"):
        find_run("last")


def test_an_unknown_name_is_answered_with_similar_ones(runs):
    with pytest.raises(ModelFileError, match="photos-01: does not exist, and is not the name of a run") as caught:
        find_run("photos-01")
    assert caught.value.action == "did you mean photos-001 or photos-002? ('tellapart runs' lists 2 more)"
    with pytest.raises(ModelFileError) as caught:
        tellapart.evaluate("xyz", on_event=silent)
    assert caught.value.action == "the runs are digits-003, digits-004, photos-001, photos-002"
    shutil.copytree(runs / "photos-001", runs / "other" / "photos-002")
    with pytest.raises(ModelFileError, match="photos-002: is the name of 2 runs") as caught:
        find_run("photos-002")
    assert caught.value.action == "name runs/deep/photos-002, runs/other/photos-002"


def test_a_run_without_a_model_says_why(runs):
    with pytest.raises(
        UsageError, match=r"runs.deep.photos-002: has no model yet \(interrupted, 6 epochs done\)"
    ) as caught:
        tellapart.predict("photos-002", stripes(1)[0][0], on_event=silent)
    assert caught.value.action == "resume it with 'tellapart train --resume runs/deep/photos-002'"


def test_resume_finds_runs_by_name_in_their_folder(runs):
    assert _folder("photos-002", runs) == runs / "deep" / "photos-002"
    assert _folder("last", runs) == runs / "deep" / "photos-002"  # digits-003 diverged, and would again
    with pytest.raises(UsageError, match="--resume photo: does not exist, and is not the name of a run"):
        tellapart.train(resume="photo", on_event=silent)
