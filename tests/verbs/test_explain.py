import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.errors import PictureError, UsageError
from tellapart.progress import Note, silent
from tests.conftest import make_collection, stripes, write_folder


@pytest.fixture
def picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(stripes(3)[0][1, :, :, 0]).save(tmp_path / "down.png")
    return tmp_path / "down.png"


@pytest.fixture(scope="module")
def photos_run(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("photos") / "photos", 60)
    return tellapart.train(folder, epochs=2, runs=tmp_path_factory.mktemp("runs"), on_event=silent)


def test_why(photos_run, picture):
    found = tellapart.explain(photos_run.path, picture, on_event=silent)
    assert found.heat.shape == found.covering.shape == (12, 12)
    for heat in (found.heat, found.covering):
        assert heat.min() >= 0
        assert heat.max() in (0, 1)
    assert len(found.neighbours) == 6
    assert found.neighbours[0].similarity >= found.neighbours[-1].similarity
    assert found.neighbours[0].label == found.prediction.label
    assert found.output.name == "down-explained.png"
    with Image.open(found.output) as drawn:
        assert drawn.width > 300
    again = tellapart.explain(photos_run.path, picture, label="across", on_event=silent)
    assert again.output.name == "down-explained-2.png"
    assert again.label == "across"
    values = json.loads(json.dumps(found.to_dict()))
    assert values["explained"] == values["label"]
    assert 0 <= values["heat"]["highest_at"]["down"] <= 1
    assert len(values["heat"]["map"]) == 12
    assert -1 <= values["agreement"] <= 1
    for words in (
        "gradients (",
        "covering points at",
        "agree with a rank correlation",
        "nearest training pictures",
        "drawn:",
    ):
        assert words in str(found)
    assert found._repr_html_().startswith("<svg")


def test_drawings_go_into_the_folder_of_the_run(photos_run, picture):
    found = tellapart.explain(photos_run, picture, kernel="blur", on_event=silent)
    assert found.output.parent == photos_run.path / "explanations"
    assert repr(found).startswith("<Explanation of 'down' in ")
    assert len(repr(found)) < 200


def test_many_pictures_have_a_drawing_each(stripes_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = write_folder(tmp_path / "data", 3)
    (folder / "down" / "bad.png").write_bytes(b"nonsense")
    classifier = tellapart.load(stripes_run.path)
    found = tellapart.explain(classifier, folder, output="drawn", label="down", on_event=silent)
    assert [one.output.name for one in found] == ["000-explained.png", "001-explained.png", "002-explained.png"]
    assert all(one.output.parent == Path("drawn") and one.output.exists() for one in found)
    assert (len(found), found.exit_code) == (3, 1)
    text = str(found)
    assert f"{folder / 'down' / 'bad.png'}: is not a picture of a known format" in text
    assert text.splitlines()[-1] == "3 pictures explained, drawn in drawn; 1 could not be read"
    assert "; explained: down" in text
    assert [("error" in value) for value in json.loads(json.dumps(found.to_dict()))] == [False] * 3 + [True]
    assert found[0].plot.pictures[0].shape == (12, 12, 1)  # the user's own picture comes first
    assert found._repr_html_().count("<svg") == 3
    with pytest.raises(UsageError, match=r"--output a.png with 4 pictures\n  expected: a folder"):
        tellapart.explain(classifier, folder, output="a.png", on_event=silent)
    one = tellapart.explain(classifier, [folder / "down" / "001.png"], kernel="blur", output="b.png", on_event=silent)
    assert one.output == Path("b.png")
    listed = tellapart.explain(classifier, "data/*/001.png", kernel="blur", output="more", on_event=silent)
    assert [one.output.parent for one in listed] == [Path("more")]


def test_without_its_training_pictures_it_says_so(stripes_run, picture):
    notes = []
    found = tellapart.explain(stripes_run.path, picture, on_event=notes.append)
    assert found.neighbours == []
    assert any("nearest training pictures: none (" in note.text for note in notes if isinstance(note, Note))
    near = tellapart.explain(stripes_run.path, picture, data=make_collection(240, splits=False), on_event=silent)
    assert len(near.neighbours) == 6


def test_layers(stripes_run, picture):
    found = tellapart.explain(stripes_run.path, picture, layers=True, on_event=silent)
    titles = [title for title, _ in found.plot.rows]
    assert titles[0] == "the picture"
    assert "filters" in titles[1]
    maps = [layer for layer in stripes_run.model.record.layers if len(layer.shape) == 3 and min(layer.shape[:2]) > 1]
    assert len(titles) == 2 + sum(layer.kind in ("Conv2D", "Activation", "MaxPooling2D") for layer in maps)
    assert found.output.exists()
    assert json.dumps(found.to_dict())


def test_a_kernel_answers_to_what_it_is_like(stripes_run, picture):
    """Stripes down have edges left and right of them, and none above."""
    upright = tellapart.explain(stripes_run.path, picture, kernel="vertical-edges", on_event=silent)
    level = tellapart.explain(stripes_run.path, picture, kernel="horizontal-edges", on_event=silent)
    assert np.abs(upright.plot.response).mean() > 5 * np.abs(level.plot.response).mean()
    learnt = tellapart.explain(stripes_run.path, picture, kernel="0", on_event=silent)
    assert learnt.plot.name == "filter 0"
    assert json.loads(json.dumps(upright.to_dict()))["drawn"]["kernel"] == "vertical-edges"


def test_filters_for_colours_are_drawn_and_slid_in_colour(tmp_path, picture):
    pixels, labels = stripes(60)
    coloured = pixels * np.array([1, 0.5, 0.25])
    names = np.array(["across", "down", "squares"])[labels]
    run = tellapart.train(
        (coloured.astype(np.uint8), names), recipe="quick", epochs=1, runs=tmp_path, on_event=silent
    )  # fmt: skip
    found = tellapart.explain(run.path, picture, layers=True, on_event=silent)
    (_, (shown,)), (_, filters), *_ = found.plot.rows
    assert shown.shape[2] == filters[0].shape[2] == 3
    assert all(0 <= one.min() <= one.max() <= 1 for one in (shown, *filters))
    slid = tellapart.explain(run.path, picture, kernel="1", on_event=silent)
    assert slid.plot.kernel.shape[2] == 3
    assert slid.plot.response.any()


def test_a_network_without_convolutions(tmp_path, picture):
    run = tellapart.train(make_collection(60, splits=False), recipe="dense", epochs=1, runs=tmp_path, on_event=silent)
    notes = []
    found = tellapart.explain(run.path, picture, on_event=notes.append)
    assert found.heat is None
    assert found.covering.max() == 1
    assert any("gradients: none (the network has no convolution" in n.text for n in notes if isinstance(n, Note))
    with pytest.raises(UsageError, match="so there are no filters or feature maps to draw") as error:
        tellapart.explain(run.path, picture, layers=True, on_event=silent)
    assert "covering regions of the picture works" in str(error.value)


def test_wrong_use(stripes_run, picture, tmp_path):
    with pytest.raises(UsageError, match="--label dwon: the model does not have this class") as error:
        tellapart.explain(stripes_run.path, picture, label="dwon", on_event=silent)
    assert "down" in error.value.action
    with pytest.raises(UsageError, match="--kernel edges: is not a kernel") as error:
        tellapart.explain(stripes_run.path, picture, kernel="edges", on_event=silent)
    assert "a number below" in error.value.expected
    with pytest.raises(UsageError, match="--kernel 999"):
        tellapart.explain(stripes_run.path, picture, kernel="999", on_event=silent)
    with pytest.raises(UsageError, match="--layers and --kernel"):
        tellapart.explain(stripes_run.path, picture, kernel="0", layers=True, on_event=silent)
    with pytest.raises(PictureError):
        tellapart.explain(stripes_run.path, tmp_path / "none.png", on_event=silent)
    with pytest.raises(UsageError, match="its folder does not exist"):
        tellapart.explain(stripes_run.path, picture, output=tmp_path / "no" / "a.png", on_event=silent)
    assert [path.name for path in tmp_path.glob("*explained*")] == []


def test_a_strangers_file_fetches_no_data_set(photos_run, picture, tmp_path, monkeypatch):
    monkeypatch.setattr("tellapart.data.datasets.is_here", lambda name: False)
    monkeypatch.setattr("tellapart.data.datasets.read", lambda *_: pytest.fail("fetched"))
    classifier = tellapart.load(photos_run.path)
    training = classifier.record.training | {"data": classifier.record.training["data"] | {"source": "cifar10"}}
    classifier.record = classifier.record.model_copy(update={"training": training})
    classifier.save(tmp_path / "stranger.keras")
    notes = []
    found = tellapart.explain(tmp_path / "stranger.keras", picture, on_event=notes.append)
    assert found.neighbours == []
    assert any("has no run folder next to it" in note.text for note in notes if isinstance(note, Note))


def test_what_a_model_remembers_of_its_split_may_be_nonsense(photos_run, picture):
    classifier = tellapart.load(photos_run.path)
    training = classifier.record.training | {"split": {"splits": 3}}
    classifier.record = classifier.record.model_copy(update={"training": training})
    notes = []
    assert tellapart.explain(classifier, picture, on_event=notes.append).neighbours == []
    assert any(
        "the split table in the model file cannot be read" in note.text for note in notes if isinstance(note, Note)
    )


def test_a_drawing_takes_the_place_of_no_picture(stripes_run, picture, tmp_path):
    before = picture.read_bytes()
    with pytest.raises(UsageError, match="is the input picture"):
        tellapart.explain(stripes_run, picture, output=picture, on_event=silent)
    with pytest.raises(UsageError, match=r"must end in \.png"):
        tellapart.explain(stripes_run, picture, output=tmp_path / "a.pdf", on_event=silent)
    assert picture.read_bytes() == before


def test_filters_are_drawn_around_grey_whatever_their_sign():
    from tellapart.verbs._layer_drawings import as_drawn

    blur = np.zeros((3, 3, 3))
    blur[1, 1] = 0.9
    assert as_drawn(blur, around_grey=True)[0, 0].tolist() == [0.5, 0.5, 0.5]
    assert as_drawn(blur, around_grey=True)[1, 1].tolist() == [1, 1, 1]
    assert as_drawn(blur).tolist() == blur.tolist()
