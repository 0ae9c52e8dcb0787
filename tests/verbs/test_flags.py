"""Options of train that change a recipe's fields, repeat a run, name it, or belong to other tools."""

import json

import pytest
from typer.testing import CliRunner

import tellapart
from tellapart.cli.main import app
from tellapart.errors import UsageError
from tellapart.progress import silent
from tellapart.verbs._config import with_config
from tellapart.verbs._train_options import Options
from tests.conftest import write_folder

pytestmark = pytest.mark.usefixtures("sketched")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "stripes", 60)


@pytest.fixture(scope="module")
def first(folder, tmp_path_factory):
    asked = {"recipe": "dense", "epochs": 2, "batch": 8, "size": 10, "learning_rate": 0.002, "patience": 7}
    runs = tmp_path_factory.mktemp("runs")
    return tellapart.train(folder, runs=runs, name="first", seed=3, tensorboard=True, on_event=silent, **asked)


def record(run):
    return json.loads((run.path / "run.json").read_text())


def test_flags_change_the_recipe(first):
    recipe = record(first)["recipe"]
    assert [recipe[name] for name in ("batch_size", "learning_rate", "patience")] == [8, 0.002, 7]
    assert (recipe["height"], recipe["width"]) == (10, 10)
    assert record(first)["preprocessing"]["height"] == 10


def test_a_run_has_the_name_that_was_given_and_is_not_overwritten(first, folder):
    assert first.path.name == "first"
    with pytest.raises(UsageError, match="first exists already"):
        tellapart.train(folder, runs=first.path.parent, name="first", on_event=silent)
    for name in ("a/b", "..", "x y", "last"):
        with pytest.raises(UsageError, match="name = ") as caught:
            tellapart.train(folder, name=name, on_event=silent)
        assert caught.value.expected == (
            "a folder's name: at most 80 letters, digits, dots, dashes and underscores; not last or auto"
        )


def test_config_repeats_a_run_except_what_is_given(first, tmp_path):
    again = tellapart.train(config=first.path / "run.json", epochs=1, runs=tmp_path, on_event=silent)
    before, now = record(first), record(again)
    assert again.path.parent == tmp_path
    assert now["options"]["epochs"] == 1
    for name in ("batch", "size", "learning_rate", "patience", "seed", "recipe", "data"):
        assert now["options"][name] == before["options"][name], name
    assert now["split"]["digest"] == before["split"]["digest"]


def test_config_of_the_command_line_keeps_what_was_not_typed(first, tmp_path):
    words = ["train", "--config", str(first.path), "--runs", str(tmp_path), "--seed", "0", "--epochs", "1", "--json"]
    result = CliRunner().invoke(app(words), words)
    assert result.exit_code == 0, result.stderr
    options = json.loads((tmp_path / "stripes-dense-001" / "run.json").read_text())["options"]
    assert (options["seed"], options["batch"]) == (0, 8), "typed, although it is the default; and not typed"


def test_config_lets_typed_options_replace_changes_of_the_same_field(first, tmp_path):
    merged = with_config(Options(config=first.path, set={"batch_size": 4}))
    assert (merged.batch, merged.set) == (None, {"batch_size": 4})
    copied = tmp_path / "copied.json"
    content = record(first)
    content["options"] |= {"set": ["batch_size=64", "l2=0.1"], "batch": None}
    content["recipe_found"] |= {"batch_size": 64, "l2": 0.1}
    copied.write_text(json.dumps(content))
    merged = with_config(Options(config=copied, batch=32))
    assert (merged.batch, merged.set) == (32, ["l2=0.1"])


def test_config_names_pictures_and_recipes_that_are_not_here(first, tmp_path):
    for change, words in (
        ({"data": "arrays"}, "its pictures are not at arrays"),
        ({"epochs": 0}, "epochs = 0"),
    ):
        content = record(first)
        content["options"] |= change
        (tmp_path / "run.json").write_text(json.dumps(content))
        with pytest.raises(UsageError, match=words):
            tellapart.train(config=tmp_path / "run.json", on_event=silent)
    content = record(first)
    content["recipe_found"]["optimizer"] = "lion"
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(UsageError, match="the recipe dense had optimizer = lion in that run, and has adam now"):
        tellapart.train(config=tmp_path, on_event=silent)


def test_config_must_be_a_run(tmp_path):
    with pytest.raises(UsageError, match="is not a run folder"):
        tellapart.train(config=tmp_path, on_event=silent)


def test_event_files_are_in_the_folder(first):
    assert list((first.path / "tensorboard" / "train").glob("events.*"))


@pytest.mark.parametrize(
    ("option", "action"),
    (
        ("--imgsz", "use --size"),
        ("--lr", "use --learning-rate"),
        ("--project", "use --runs"),
        ("--batch-size", "use --batch"),
        ("--workers", "leave it out: pictures are read on all cores"),
        ("--optimizer", "it is a field of the recipe: use --set optimizer=VALUE"),
        ("--epoch", "did you mean --epochs? Otherwise see tellapart train --help"),
        ("--nonsense", "see tellapart train --help"),
    ),
)
def test_options_of_other_tools_are_answered_with_ours(option, action):
    words = ["train", "digits", option, "3"]
    result = CliRunner().invoke(app(words), words, prog_name="tellapart")
    assert result.exit_code == 2
    assert f"unknown option {option}" in result.stderr
    assert f"to do: {action}" in result.stderr


def test_python_answers_the_same():
    with pytest.raises(UsageError, match="train has no option 'lr'") as caught:
        tellapart.train("digits", lr=0.1)
    assert caught.value.action == "use --learning-rate"


@pytest.mark.parametrize(
    ("asked", "expected"),
    (
        ({"epochs": "abc"}, "a whole number, at least 1"),
        ({"size": "12y"}, "a side in pixels from 1 to 4,096, such as 128, or height x width, such as 96x128"),
        ({"size": "1x2x3"}, "a side in pixels from 1 to 4,096, such as 128, or height x width, such as 96x128"),
        ({"batch": 0}, "a whole number from 1 to 65,536"),
        ({"device": "tpu"}, "auto, cpu or gpu"),
        ({"set": {"augmentation": {"zoom": "x"}}}, "a number, at least 0 and below 1"),
    ),
)
def test_wrong_values_are_answered_with_what_is_accepted(asked, expected, folder):
    with pytest.raises(tellapart.TellapartError) as caught:
        tellapart.train(folder, recipe="dense", on_event=silent, **asked)
    assert caught.value.expected == expected


def test_the_same_field_twice_is_refused(folder):
    with pytest.raises(UsageError, match=r"--set batch_size=64 and --batch 32"):
        tellapart.train(folder, recipe="dense", batch=32, set={"batch_size": 64}, on_event=silent)


def test_patience_needs_a_validation_split(folder):
    from tellapart.progress import Note
    from tellapart.verbs._planning import decide

    with pytest.raises(UsageError, match="folds = 3 and patience = 2"):
        tellapart.train(folder, folds=3, patience=2, on_event=silent)
    events = []
    decide(Options(data=folder, recipe="dense", validation=0, patience=2), events.append)
    notes = [event.text for event in events if isinstance(event, Note) and event.warning]
    assert "note: patience has no effect: there is no validation split" in notes


def test_a_gpu_that_is_not_there(folder):
    from tellapart.networks import backend

    if backend.has_accelerator():
        pytest.skip("this machine has one")
    with pytest.raises(UsageError, match=r"--device gpu: .* sees no GPU"):
        tellapart.train(folder, recipe="dense", device="gpu", on_event=silent)
