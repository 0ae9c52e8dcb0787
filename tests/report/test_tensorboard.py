"""Event files, as TensorBoard's own reader sees them."""

import pytest

from tellapart.plots.learning import LearningCurves
from tellapart.progress import Epoch
from tellapart.report.tensorboard import EventFiles


def row(number):
    values = {"loss": 1 / number, "accuracy": 0.5, "val_loss": 2 / number, "val_accuracy": 0.25 * number}
    return {"epoch": number, **values, "seconds": 1.0}


@pytest.fixture
def read():
    event_accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")

    def reader(folder):
        events = event_accumulator.EventAccumulator(str(folder))
        events.Reload()
        return events

    return reader


def test_scalars_have_the_names_that_keras_gives_them(tmp_path, read):
    files = EventFiles(tmp_path, 0)
    for number in (1, 2, 3):
        files(Epoch(number, 3, row(number)))
    files.close()
    for split, loss in (("train", 1.0), ("validation", 2.0)):
        events = read(tmp_path / split)
        assert events.Tags()["scalars"] == ["epoch_loss", "epoch_accuracy"]
        values = [(scalar.step, scalar.value) for scalar in events.Scalars("epoch_loss")]
        assert values == [(k, pytest.approx(loss / (k + 1))) for k in range(3)]


def test_epochs_that_are_trained_again_are_replaced(tmp_path, read):
    for done, numbers in ((0, (1, 2, 3)), (2, (3, 4))):
        files = EventFiles(tmp_path, done)
        for number in numbers:
            files(Epoch(number, 4, row(number)))
        files.close()
    assert [scalar.step for scalar in read(tmp_path / "train").Scalars("epoch_loss")] == [0, 1, 2, 3]


def test_drawings_are_pictures_under_their_names(tmp_path, read):
    LearningCurves([row(1), row(2)], 2).save(tmp_path / "curves.png")
    files = EventFiles(tmp_path / "tensorboard", 0)
    files(Epoch(1, 1, row(1)))
    files.close([tmp_path / "curves.png", tmp_path / "missing.png"])
    events = read(tmp_path / "tensorboard" / "validation")
    assert events.Tags()["images"] == ["curves"]
    (image,) = events.Images("curves")
    assert (image.width, image.height) == (1200, 480)
    assert image.encoded_image_string == (tmp_path / "curves.png").read_bytes()
