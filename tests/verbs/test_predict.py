"""predict: lines with a summary, files, streams, patterns, standard input, and a grid in a notebook."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import tellapart
from tellapart.classifier.classifier import Prediction
from tellapart.cli.main import app
from tellapart.errors import PictureError, UsageError
from tellapart.progress import Note, Progress, silent
from tellapart.verbs._predictions import Predictions, csv_file
from tests.conftest import stripes, write_folder

NAMES = ("across", "down", "squares")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Six pictures and a file that is not a picture."""
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "data", 6)
    (tmp_path / "data" / "down" / "bad.png").write_bytes(b"nonsense")
    return Path("data")


def answer(source, label, p, **more):
    values = np.full(3, (1 - p) / 2, np.float32)
    values[NAMES.index(label)] = p
    return Prediction(source, NAMES, values, **more)


def test_lines_are_aligned_and_a_summary_ends_them(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    entries = [
        answer("a.png", "down", 0.9731),
        answer("long/name.png", "across", 1.0, ood_score=0.999),
        PictureError("bad.png", "is cut off"),
        answer("c.png", "squares", 0.45, threshold=0.5),
    ]
    assert str(Predictions(entries)).splitlines() == [
        "a.png          down                      97.3 %",
        "long/name.png  across                   >99.9 %  out-of-distribution",
        "bad.png: is cut off",
        "c.png          unsure, perhaps squares   45.0 %",
        "4 pictures: 1 across, 1 down, 1 unsure; 1 out-of-distribution; 1 could not be read",
    ]
    assert repr(Predictions(entries)) == f"<Predictions: {Predictions(entries).tally}>"
    assert str(Predictions(entries[:1], top=2)).splitlines() == [
        "a.png: down (97.3 %)", "  down     97.3 %", "  across    1.3 %",
    ]  # fmt: skip
    two = str(Predictions(entries[:2], top=2)).splitlines()
    assert two[0] == "a.png          down     97.3 %  across    1.3 %"


def test_a_terminal_cuts_long_names_in_the_middle(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    entries = [answer(f"{'very-' * 12}long-{i}.png", "down", 0.9) for i in range(2)]
    lines = str(Predictions(entries)).splitlines()
    assert max(map(len, lines)) <= 50
    assert lines[1].startswith("very-very")
    assert "-long-1.png  down" in lines[1]


def test_many_classes_are_not_all_counted():
    names = tuple(f"class {i:02d}" for i in range(30))
    entries = [Prediction("x", names, np.eye(30, dtype=np.float32)[i]) for i in (*range(30), 7)]
    text = str(Predictions(entries).tally)
    assert text.startswith("31 pictures: 2 class 07, 1 class 00")
    assert text.endswith("20 in 20 other classes")


def test_the_order_of_the_pictures_is_kept(stripes_run, folder):
    found = tellapart.predict(stripes_run, folder, on_event=silent)
    sources = [Path(value["source"]).name for value in found.to_dict()]
    assert sources == ["000.png", "003.png", "001.png", "004.png", "bad.png", "002.png", "005.png"]
    assert (len(found), len(found.bad), found.exit_code) == (6, 1, 1)
    assert str(found).splitlines()[-1].endswith("; 1 could not be read")


def test_csv_has_a_row_per_picture_and_a_column_per_class(stripes_run, folder, tmp_path):
    found = tellapart.predict(stripes_run, folder, csv="out.csv", max_error_rate=None, on_event=silent)
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()))
    assert list(rows[0])[:6] == ["source", "label", "probability", *NAMES]
    assert [Path(row["source"]).name for row in rows][4] == "bad.png"
    assert rows[4]["error"] == "is not a picture of a known format"
    assert rows[4]["label"] == rows[4]["across"] == ""
    for row, one in zip(rows[:4], found, strict=False):
        assert row["label"] == one.label
        assert float(row["probability"]) == pytest.approx(one.probability)
        assert float(row["down"]) == pytest.approx(one.probabilities["down"], rel=1e-5)
        assert row["out_of_distribution"] == str(one.out_of_distribution).lower()
    assert str(found).splitlines() == [str(found.tally), "written: out.csv"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_csv_quotes_names_and_keeps_columns_apart(stripes_run, tmp_path):
    names = ('a "b", c', "label", "down")
    classifier = tellapart.load(stripes_run.path)
    classifier.record = classifier.record.model_copy(update={"class_names": names})
    classifier.ood_detector, classifier.threshold = None, 0.5
    with csv_file(tmp_path / "a.csv", classifier) as table:
        table.add(Prediction("x, y.png", names, np.array([0.25, 0.5, 0.25], np.float32), 0.6))
    (row,) = csv.DictReader((tmp_path / "a.csv").read_text().splitlines())
    assert row == {
        "source": "x, y.png", "label": "label", "probability": "0.5", 'a "b", c': "0.25", "class:label": "0.5",
        "down": "0.25", "unsure": "true", "error": "",
    }  # fmt: skip


def test_a_csv_file_that_cannot_be_written(stripes_run, folder, tmp_path):
    with pytest.raises(UsageError, match=r"--csv nowhere.a\.csv: its folder does not exist"):
        tellapart.predict(stripes_run, folder, csv="nowhere/a.csv", on_event=silent)
    picture = tmp_path / "data" / "down" / "001.png"
    before = picture.read_bytes()
    with pytest.raises(UsageError, match=r"001\.png: is one of the pictures"):
        tellapart.predict(stripes_run, folder, csv=picture, on_event=silent)
    assert picture.read_bytes() == before


def test_json_lines_come_one_per_picture(stripes_run, folder, capsys):
    events = []
    found = tellapart.predict(stripes_run, folder, jsonl=True, top=1, on_event=events.append)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [Path(line["source"]).name for line in lines][:2] == ["000.png", "003.png"]
    assert lines[0]["label"] == "across"
    assert list(lines[0]["probabilities"]) == ["across"]
    assert lines[4] == {"source": str(folder / "down" / "bad.png"), "error": "is not a picture of a known format"}
    assert (len(lines), len(found), found.exit_code, str(found), found.to_dict()) == (7, 0, 1, "", None)
    assert any(note.text.startswith("7 pictures: ") for note in events if isinstance(note, Note))
    assert [event.done for event in events if isinstance(event, Progress)] == list(range(1, 8))


def test_json_lines_are_all_of_stdout_even_with_json(stripes_run, folder):
    words = ["predict", str(stripes_run.path), "data/across", "--jsonl", "--json"]
    result = CliRunner().invoke(app(words), words)
    assert [json.loads(line)["label"] for line in result.stdout.splitlines()] == ["across", "across"]


def test_patterns_that_the_shell_left_alone(stripes_run, folder):
    found = tellapart.predict(stripes_run, ["data/*/00[01].png", "data/sq*"], on_event=silent)
    assert [Path(one.source).name for one in found] == ["000.png", "001.png", "002.png", "005.png"]
    deep = tellapart.predict(stripes_run, "**/005.png", on_event=silent)
    assert [one.source for one in deep] == ["data/squares/005.png"]
    with pytest.raises(UsageError, match=r"data/\*\.jpg: matches no file"):
        tellapart.predict(stripes_run, ["data/across/000.png", "data/*.jpg"], on_event=silent)
    Path("data/across/000.png").rename("data/a[1].png")
    assert tellapart.predict(stripes_run, "data/a[1].png", on_event=silent)[0].label == "across"


@pytest.mark.parametrize("address", ("https://example.com/a.png", "http:/example.com/a.png", "s3://bucket/a.png"))
def test_addresses_are_not_fetched(stripes_run, address):
    words = ["predict", str(stripes_run.path), address]
    result = CliRunner().invoke(app(words), words)
    assert result.exit_code == 2
    assert f"{address}: is an internet address, and tellapart does not download pictures" in result.stderr
    assert f"curl -s {address} | tellapart predict RUN -" in result.stderr


def test_a_picture_from_standard_input(stripes_run, folder):
    command = [sys.executable, "-m", "tellapart", "predict", str(stripes_run.path), "-", "--quiet"]
    data = Path("data/down/001.png").read_bytes()
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    assert done.stdout.decode().startswith("standard input: down (")


def test_standard_input_without_a_picture(stripes_run, monkeypatch):
    for data, error in ((b"", UsageError), (b"nonsense", None)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        if error:
            with pytest.raises(error, match="-: standard input is empty"):
                tellapart.predict(stripes_run, "-", on_event=silent)
        else:
            found = tellapart.predict(stripes_run, "-", on_event=silent)
            assert str(found) == "standard input: is not a picture of a known format"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, as on Linux")
@pytest.mark.parametrize("option", ("--jsonl", "--json"))
def test_a_full_disk_behind_stdout_is_not_a_bug(stripes_run, folder, option):
    command = [sys.executable, "-m", "tellapart", "predict", str(stripes_run.path), "data/across", option, "--quiet"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the output cannot be written (No space left on device)")
    assert "bug" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_a_reader_that_stops_is_not_an_error(stripes_run, folder):
    command = f"{sys.executable} -m tellapart predict {stripes_run.path} data data data --jsonl --quiet | head -1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stderr == ""
    assert json.loads(done.stdout)["label"] == "across"


def test_a_notebook_shows_a_grid_of_pictures(stripes_run, folder, tmp_path):
    turned = Image.fromarray(np.zeros((400, 800), np.uint8))
    exif = turned.getexif()
    exif[0x0112] = 6  # turned by a quarter
    turned.save(tmp_path / "data" / "across" / "<b>.jpg", exif=exif)
    found = tellapart.predict(stripes_run, folder, on_event=silent)
    html = found._repr_html_()
    assert html.count("<img ") == 7
    assert '<img src="data:image/png;base64,' in html
    assert 'width="80" height="160"' in html  # upright, and no larger than a thumbnail
    assert "&lt;b&gt;.jpg" in html
    assert "<b>.jpg" not in html
    assert "could not be read:" in html
    assert "bad.png: is not a picture of a known format" in html


def test_the_grid_has_pictures_in_memory_and_survives_missing_files(stripes_run, folder):
    found = tellapart.predict(stripes_run, stripes(70)[0], on_event=silent)
    html = found._repr_html_()
    assert html.count("<img ") == 60
    assert "and 10 more pictures" in html
    one = tellapart.predict(stripes_run, "data/across/000.png", on_event=silent)
    Path("data/across/000.png").unlink()
    assert "does not exist" in one._repr_html_()
