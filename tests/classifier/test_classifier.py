import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.classifier.calibration import tempered
from tellapart.classifier.classifier import Prediction, to_class_probabilities
from tellapart.errors import PictureError, UsageError
from tests.conftest import stripes, write_folder


@pytest.fixture(scope="module")
def classifier(stripes_run):
    return tellapart.load(stripes_run.path)


def test_every_way_to_hold_a_picture_gives_the_same_answer(classifier, tmp_path):
    pixels, _ = stripes(3)
    path = tmp_path / "a.png"
    Image.fromarray(pixels[1, :, :, 0]).save(path)
    expected = classifier.predict(pixels[1])
    assert isinstance(expected, Prediction)
    assert expected.label == "down"
    for held in (path, str(path), path.read_bytes(), Image.open(path), pixels[1, :, :, 0], pixels[1].astype(float)):
        got = classifier.predict(held)
        assert isinstance(got, Prediction)
        assert np.array_equal(got.values, expected.values)


def test_many(classifier, tmp_path):
    pixels, labels = stripes(30)
    names = [classifier.class_names[i] for i in labels]
    folder = write_folder(tmp_path / "data", 30)
    assert [answer.label for answer in classifier.predict(pixels)] == names
    assert [answer.label for answer in classifier.predict(pixels[..., 0])] == names
    assert [answer.label for answer in classifier.predict(list(pixels))] == names
    assert [answer.label for answer in classifier.predict(p for p in pixels)] == names
    found = classifier.predict(folder)
    assert [answer.label for answer in found] == [answer.source.split("/")[-2] for answer in found]
    assert len(classifier.predict([folder / "down" / "001.png", pixels[0]])) == 2
    assert classifier.predict([]) == []


def test_probabilities_as_an_array(classifier, tmp_path):
    pixels, _ = stripes(7)
    folder = write_folder(tmp_path / "data", 6)
    picture = folder / "down" / "001.png"
    assert classifier.classes_.tolist() == list(classifier.class_names)
    assert classifier.classes_.dtype.kind == "U"
    expected = classifier.probabilities(pixels)
    for several in (pixels, pixels[..., 0], list(pixels), (p for p in pixels)):
        got = classifier.predict_proba(several)
        assert got.dtype == np.float32
        assert np.allclose(got, expected, atol=1e-6)
    for one in (picture, str(picture), picture.read_bytes(), Image.open(picture), pixels[0], pixels[0, :, :, 0]):
        got = classifier.predict_proba(one)
        assert got.shape == (1, 3)
        assert np.array_equal(got[0], classifier.predict(one).values)
    assert classifier.predict_proba(folder).shape == (6, 3)
    assert classifier.predict_proba([picture, pixels[0]]).shape == (2, 3)
    assert classifier.predict_proba([]).shape == (0, 3)
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    with pytest.raises(PictureError, match=r"bad\.png: is not a picture"):
        classifier.predict_proba([picture, tmp_path / "bad.png"])


def test_one_and_many_agree(classifier):
    pixels, _ = stripes(300)
    many = classifier.predict(pixels)
    for i in (0, 7, 299):
        assert np.allclose(classifier.predict(pixels[i]).values, many[i].values, atol=1e-6)


def test_an_answer(classifier):
    answer = classifier.predict(stripes(1)[0][0])
    assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert list(answer.probabilities) == list(classifier.class_names)
    assert answer.top(2)[0] == (answer.label, answer.probability)
    assert answer.top(2)[1][1] <= answer.top(2)[0][1]
    assert str(answer) == f"{answer.label} ({100 * answer.probability:.1f} %)"
    assert not answer.unsure
    assert not answer.out_of_distribution
    assert set(answer.to_dict()) == {
        "source",
        "label",
        "probability",
        "probabilities",
        "ood_score",
        "out_of_distribution",
    }
    assert len(answer.to_dict(top=1)["probabilities"]) == 1
    assert "<b>across" in answer._repr_html_()


def test_pictures_of_other_sizes_and_colours_are_prepared(classifier):
    pixels, _ = stripes(3, size=12)
    large = np.kron(pixels[1, :, :, 0], np.ones((4, 4), np.uint8))
    coloured = np.repeat(large[..., np.newaxis], 3, axis=2)
    expected = classifier.predict(classifier.preprocessing(large[..., np.newaxis])).values
    assert np.array_equal(classifier.predict(large).values, expected)
    assert np.array_equal(classifier.predict(coloured).values, expected)
    assert classifier.predict(np.repeat(pixels[1], 3, axis=2)).label == "down"


def test_bad_pictures(classifier, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    with pytest.raises(PictureError, match=r"bad\.png: is not a picture"):
        classifier.predict(tmp_path / "bad.png")
    with pytest.raises(PictureError, match=r"none\.png: does not exist"):
        classifier.predict(tmp_path / "none.png")
    with pytest.raises(PictureError, match=r"array 1: has shape \(3,\)"):
        classifier.predict([np.zeros((4, 4), np.uint8), np.zeros(3)])
    bad = []
    answers = classifier.predict([tmp_path / "bad.png", np.zeros((4, 4), np.uint8)], on_bad=bad.append)
    assert len(answers) == 1
    assert bad[0].source.endswith("bad.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="contains no pictures"):
        classifier.predict(tmp_path / "empty")


def test_one_sigmoid_output_is_two_classes():
    got = to_class_probabilities(np.array([[0.25], [1.0]], np.float32))
    assert got[0].tolist() == [0.75, 0.25]
    assert got[1].tolist() == [2**-25, 1.0], "what float32 cannot tell from 1 is not certain"
    three = np.ones((2, 3))
    assert to_class_probabilities(three) is three


def test_the_network_can_be_had(classifier):
    pixels, _ = stripes(5)
    raw = np.asarray(classifier.network(pixels.astype(np.float32)))
    expected = tempered(raw, classifier.record.temperature)
    assert np.abs(classifier.probabilities(pixels) - expected).max() < 1e-4


def test_views_are_averaged_by_their_logarithms(stripes_run):
    classifier = tellapart.load(stripes_run.path)
    classifier.record = classifier.record.model_copy(update={"temperature": 1.0})
    pixels, _ = stripes(5)
    once = classifier.probabilities(pixels)
    both = classifier.with_views("mirror").probabilities(pixels)
    product = np.sqrt(once * classifier.probabilities(pixels[:, :, ::-1]))
    assert np.allclose(both, product / product.sum(axis=1, keepdims=True), atol=1e-5)
    assert classifier.views == "none"
    six = classifier.with_views("mirror-shift").predict(pixels)
    assert np.allclose([answer.values.sum() for answer in six], 1, atol=1e-5)
    assert not np.allclose([answer.values for answer in six], both)


def test_the_network_looks_once_at_each_view(stripes_run, monkeypatch):
    """What it saw of the picture as it is tells its novelty too."""
    classifier = tellapart.load(stripes_run.path).with_views("mirror-shift")
    pixels, _ = stripes(5)
    expected, seen = classifier.probabilities(pixels), []
    real = type(classifier.runtime)._run
    monkeypatch.setattr(
        type(classifier.runtime),
        "_run",
        lambda self, pixels, *rest: (seen.append(pixels), real(self, pixels, *rest))[1],
    )
    answers, ood = classifier.probabilities_and_ood_scores(pixels)
    assert len(seen) == 6
    assert ood is not None
    assert np.allclose(answers, expected, atol=1e-6)


def test_a_copy_with_other_views_remembers_those_of_its_calibration(stripes_run, tmp_path):
    kept = tellapart.load(stripes_run.path).with_views("shift")
    again = tellapart.load(kept.save(tmp_path / "other.keras"))
    assert again.views == "shift"
    assert again.calibration_warning() == kept.calibration_warning() is not None
    assert again.with_views("none").calibration_warning() is None


def test_an_impossible_class_stays_finite(classifier, monkeypatch):
    sure = np.array([[1, 0, 0]], np.float32)
    monkeypatch.setattr(classifier, "runtime", lambda pixels: np.repeat(sure, len(pixels), axis=0))
    pixels, _ = stripes(1)
    assert np.allclose(classifier.with_views("shift").probabilities(pixels), sure)


def test_folders_are_searched_as_training_searches_them(classifier, tmp_path):
    folder = write_folder(tmp_path / "data", 6)
    pixels, _ = stripes(1)
    for name in (".ipynb_checkpoints/a.png", "__MACOSX/b.png"):
        (folder / name).parent.mkdir()
        Image.fromarray(pixels[0, :, :, 0]).save(folder / name)
    (folder / "gone.png").symlink_to(tmp_path / "nowhere.png")
    bad = []
    assert len(classifier.predict(folder, bad.append)) == 6
    assert [(error.source.split("/")[-1], error.reason) for error in bad] == [("gone.png", "does not exist")]


def test_a_path_that_no_system_takes_is_a_picture_that_cannot_be_read(classifier):
    with pytest.raises(PictureError, match="cannot be read"):
        classifier.predict("x" * 300 + ".png")


def test_other_views_are_kept_in_a_file(classifier, tmp_path):
    path = classifier.with_views("shift").save(tmp_path / "a.keras")
    assert tellapart.load(path).views == "shift"
    assert classifier.record.views == classifier.views != "shift"
