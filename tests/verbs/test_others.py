"""predict, summary, recipes, datasets, formats: small verbs, a few lines each."""

import json
from pathlib import Path

import pytest

import tellapart
from tellapart.errors import RecipeError, UsageError
from tellapart.progress import silent
from tests.conftest import stripes, write_folder

pytestmark = pytest.mark.usefixtures("sketched")


def test_predict(stripes_run, tmp_path):
    folder = write_folder(tmp_path / "data", 6)
    found = tellapart.predict(stripes_run.path, [folder], on_event=silent)
    assert len(found) == 6
    assert found.exit_code == 0
    assert found[0].label == "across"
    values = json.loads(json.dumps(found.to_dict()))
    assert set(values[0]) == {"source", "label", "probability", "probabilities", "ood_score", "out_of_distribution"}
    one = tellapart.predict(stripes_run.model, stripes(1)[0][0], top=2, on_event=silent)
    assert str(one).count("\n") == 2
    assert len(one.to_dict()[0]["probabilities"]) == 2
    pixels = stripes(5)[0]
    for several in (pixels, pixels[..., 0], list(pixels), iter(pixels)):
        found = tellapart.predict(stripes_run, several, on_event=silent)
        assert [answer.label for answer in found] == ["across", "down", "squares", "across", "down"]
        assert not found.bad
    with pytest.raises(UsageError, match="no pictures given"):
        tellapart.predict(stripes_run.path, [], on_event=silent)


def test_summary_of_a_model_and_of_recipes(stripes_run, tmp_path):
    found = tellapart.summary(stripes_run.model_path, on_event=silent)
    assert found.parameters == stripes_run.model.network.count_params()
    text = str(found)
    assert "Conv2D" in text
    assert "test accuracy: " in text
    assert " %) on 48 pictures" in text
    assert "3 classes: across, down, squares" in text
    assert repr(found).startswith("<Summary of ")
    lenet = tellapart.summary("lenet", on_event=silent)
    assert lenet.parameters == 109_994
    assert tellapart.summary("cats-dogs", on_event=silent).to_dict()["layers"][-1]["shape"] == [1]
    assert tellapart.summary("quick", data="digits", on_event=silent).layers[0].shape == [8, 8, 1]


@pytest.mark.parametrize(
    ("name", "parameters"),
    (("fashion-3conv", 93_322), ("fashion-6conv", 47_090), ("digits-2conv", 1_274_326), ("dense", 407_050)),
)
def test_the_tutorials_networks_have_their_size(name, parameters):
    assert tellapart.summary(name, on_event=silent).parameters == parameters


def test_summary_of_a_recipe_that_changes_one_for_two_classes(tmp_path):
    (tmp_path / "my.toml").write_text('base = "cats-dogs"\nepochs = 40\n')
    assert tellapart.summary(tmp_path / "my.toml", on_event=silent).layers[-1].shape == [1]


def test_recipes_show_what_follows_the_data():
    shown = tellapart.recipes("photos", on_event=silent)
    assert shown.to_dict()["follow_the_data"]["epochs"] == [24, 25, 35, 58, 80]
    assert "24 to 80, depending on the data" in str(shown)
    assert "64 or 128, depending on the data" in str(shown)
    assert tellapart.recipes("lenet", on_event=silent).followed == {}


def test_recipes():
    listed = tellapart.recipes(on_event=silent)
    assert "quick" in listed.to_dict()["recipes"]
    assert str(listed).count("\n") == len(listed.cards) - 1
    one = tellapart.recipes("digits-2conv", on_event=silent)
    assert one.to_dict()["fields"]["optimizer"] == "adadelta"
    assert "the rule by which a step changes the weights" in str(one)
    with pytest.raises(RecipeError):
        tellapart.recipes("none", on_event=silent)


def test_datasets_and_formats():
    listed = tellapart.datasets(on_event=silent)
    assert listed.to_dict()["digits"]["where"] == "comes with scikit-learn"
    assert "10,000 handwritten digits" in str(listed)
    formats = tellapart.formats(on_event=silent)
    assert set(formats.to_dict()) >= {"class-folders", "idx", "npz", "pixel-csv", "manifest", "parquet-images"}
    assert "zip or a tar" in str(formats)


def test_summary_says_no_none_of_an_adopted_model(tmp_path, monkeypatch):
    files = Path(__file__).parent.parent / "files"
    (tmp_path / "classes.txt").write_text("\n".join("abcdefghij") + "\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    tellapart.adopt(
        files / "keras2-digits.h5", classes=tmp_path / "classes.txt", preprocessing=["range=0..1"],
        output=tmp_path / "digits.keras", on_event=silent,
    )  # fmt: skip
    text = str(tellapart.summary("~/digits.keras", on_event=silent))
    assert "None" not in text
    assert "recipe:" not in text


def test_a_run_stands_for_its_classifier(stripes_run):
    assert tellapart.load(stripes_run) is stripes_run.model
    text = str(tellapart.summary(stripes_run, on_event=silent))
    assert text == str(tellapart.summary(stripes_run.model_path, on_event=silent))
    assert str(tellapart.summary(stripes_run.model, on_event=silent)) == text


def test_a_path_below_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(write_folder(tmp_path / "data", 6))
    found = tellapart.show("~/data", output="~/drawn.png", on_event=silent)
    assert found.output == tmp_path / "drawn.png"
    assert found.output.is_file()
