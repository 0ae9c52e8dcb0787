"""The options that describe a layout: recorded in run.json, used again by evaluate, explain and --config, and shown."""

import json
import shutil

import pytest
from typer.testing import CliRunner

import tellapart
from tellapart.cli.main import app
from tellapart.errors import DataError, UsageError
from tellapart.progress import silent
from tellapart.training.run_folder import RunFolder
from tests.conftest import write_folder
from tests.resuming import broken, train

pytestmark = pytest.mark.usefixtures("sketched")

PATTERN = r"(across|down|squares)\.\d+"


def flat(folder, count=60, mark=".", seed=0):
    """Stripes in one folder, named after their classes."""
    made = write_folder(folder.with_name(f"{folder.name}-classes"), count, seed=seed)
    folder.mkdir(parents=True)
    for path in sorted(made.rglob("*.png")):
        shutil.move(path, folder / f"{path.parent.name}{mark}{path.name}")
    return folder


@pytest.fixture
def run(tmp_path):
    return train(flat(tmp_path / "data"), tmp_path / "runs", label=PATTERN)


def test_the_label_is_recorded_and_found_again(run, tmp_path):
    record = RunFolder(run.path).read()
    assert record["options"]["label"] == PATTERN
    assert record["inferred"] == [f"label: from the path of each picture, pattern {PATTERN}"] == list(run.inferred)
    assert tellapart.evaluate(run, on_event=silent).count == 12
    assert f"--label '{PATTERN}'" in (run.path / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")
    explained = tellapart.explain(
        run, sorted((tmp_path / "data").iterdir())[0], output=tmp_path / "e.png", on_event=silent
    )
    assert explained[0].nearest if isinstance(explained, list) else explained
    again = tellapart.train(config=run.path, runs=tmp_path / "runs", on_event=silent)
    assert again.model.class_names == run.model.class_names


def test_other_data_is_read_in_the_same_way_where_it_has_to_be(run, tmp_path):
    notes = []
    other = flat(tmp_path / "other", 30, seed=7)
    assert tellapart.evaluate(run, other, on_event=notes.append).count == 30
    words = f"note: {other} is read with the layout of the training: --label '{PATTERN}'"
    assert words in [getattr(note, "text", "") for note in notes]
    notes.clear()
    assert tellapart.evaluate(run, write_folder(tmp_path / "sorted", 30, seed=5), on_event=notes.append).count == 30
    assert not any("layout of the training" in getattr(note, "text", "") for note in notes)


def test_other_data_in_another_layout(run, tmp_path):
    other = flat(tmp_path / "other", 30, mark="-", seed=7)
    with pytest.raises(DataError, match="outside class folders") as caught:
        tellapart.evaluate(run, other, on_event=silent)
    assert "--label" in caught.value.action
    evaluated = tellapart.evaluate(run, other, label=r"(\w+)-\d+", on_event=silent)
    assert evaluated.count == 30
    assert evaluated.to_dict()["inferred"] == [r"label: from the path of each picture, pattern (\w+)-\d+"]
    assert evaluated.to_dict()["notes"] == []


def test_a_pattern_of_a_model_without_its_run_is_not_used(run, tmp_path):
    model = shutil.copy(run.model_path, tmp_path / "model.keras")
    with pytest.raises(DataError, match="outside class folders"):
        tellapart.evaluate(model, flat(tmp_path / "other", 30, seed=7), on_event=silent)


def test_a_collection_that_was_opened_with_a_label(tmp_path, monkeypatch):
    collection = tellapart.open(flat(tmp_path / "data"), label=PATTERN)
    broken(monkeypatch, 1, collection, tmp_path / "runs")
    (path,) = (tmp_path / "runs").iterdir()
    assert RunFolder(path).read()["options"]["label"] == PATTERN
    resumed = tellapart.train(collection, resume=path, on_event=silent)
    assert tellapart.evaluate(resumed, on_event=silent).count == 12


def test_show_and_check_print_what_was_inferred(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "x" / "seg_train", 12)
    write_folder(tmp_path / "x" / "seg_test", 12, seed=1)
    write_folder(tmp_path / "y" / "down", 3)
    shutil.move(tmp_path / "y" / "down" / "down", tmp_path / "x" / "pred")
    lines = [
        "label: from the folder names",
        "split: from the folders seg_test and seg_train",
        "skipped: pred (1 picture without labels)",
    ]
    shown = tellapart.show(tmp_path / "x", pictures=0, on_event=silent)
    assert all(line in str(shown) for line in lines)
    assert shown.to_dict()["inferred"] == lines
    checked = tellapart.check(tmp_path / "x", skip_labels=True, output=tmp_path / "c.html", on_event=silent)
    assert (checked.to_dict()["inferred"], checked.to_dict()["notes"]) == (lines, [])


def test_the_command_for_a_clean_manifest_has_the_options(tmp_path):
    data = flat(tmp_path / "data", 30)
    shutil.copy(data / "down.001.png", data / "down.999.png")
    report = tellapart.check(data, label=PATTERN, skip_labels=True, output=tmp_path / "c.html", on_event=silent)
    assert f"--label '{PATTERN}'" in report.to_dict()["manifest_command"]


def test_the_command_line(tmp_path):
    words = ["show", str(flat(tmp_path / "data", 30)), "--pictures", "0", "--label", PATTERN, "--json"]
    result = CliRunner().invoke(app(words), words)
    assert json.loads(result.stdout)["classes"].keys() == {"across", "down", "squares"}
    words = ["show", "digits", "--label", "parent"]
    result = CliRunner().invoke(app(words), words)
    assert "--label parent with the data set digits" in result.output


def test_a_layout_that_no_format_can_use(tmp_path):
    with pytest.raises(UsageError, match=r"--images jpg: not possible for"):
        tellapart.open(write_folder(tmp_path / "x"), images="jpg")


def test_options_for_data_without_options_for_its_layout(run, tmp_path):
    other = flat(tmp_path / "other", 30, seed=7)
    with pytest.raises(DataError, match="or in Python a Collection"):
        tellapart.summary("photos", data=other, on_event=silent)
    with pytest.raises(DataError, match="or in Python a Collection"):
        tellapart.evaluate(run, ood=other, on_event=silent)
    assert tellapart.summary("photos", data=tellapart.open(other, label=PATTERN), on_event=silent).parameters
