"""Event files, as TensorBoard's own reader sees them."""

import pytest
from PIL import Image

from tellapart.plots.learning import LearningCurves
from tellapart.progress import Epoch, Note, silent
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
    files = EventFiles(tmp_path, silent)
    for number in (1, 2, 3):
        files(Epoch(number, 3, row(number)))
    files.close()
    for split, loss in (("train", 1.0), ("validation", 2.0)):
        events = read(tmp_path / split)
        assert events.Tags()["scalars"] == ["epoch_loss", "epoch_accuracy"]
        values = [(scalar.step, scalar.value) for scalar in events.Scalars("epoch_loss")]
        assert values == [(k, pytest.approx(loss / (k + 1))) for k in range(3)]


def test_epochs_that_are_trained_again_are_replaced(tmp_path, read):
    for numbers in ((1, 2, 3), (3, 4)):
        files = EventFiles(tmp_path, silent)
        for number in numbers:
            files(Epoch(number, 4, row(number)))
        files.close()
    assert [scalar.step for scalar in read(tmp_path / "train").Scalars("epoch_loss")] == [0, 1, 2, 3]


def test_drawings_are_pictures_under_their_names(tmp_path, read):
    LearningCurves([row(1), row(2)], 2).save(tmp_path / "curves.png")
    files = EventFiles(tmp_path / "tensorboard", silent)
    files(Epoch(1, 1, row(1)))
    files.close([tmp_path / "curves.png", tmp_path / "missing.png"])
    events = read(tmp_path / "tensorboard" / "validation")
    assert events.Tags()["images"] == ["curves"]
    (image,) = events.Images("curves")
    with Image.open(tmp_path / "curves.png") as drawn:
        assert (image.width, image.height) == drawn.size
    assert image.encoded_image_string == (tmp_path / "curves.png").read_bytes()


def test_what_is_written_is_on_the_disk_at_once(tmp_path, read):
    files = EventFiles(tmp_path, silent)
    files(Epoch(1, 3, row(1)))
    assert [scalar.step for scalar in read(tmp_path / "train").Scalars("epoch_loss")] == [0]
    files.close()


def test_a_full_disk_is_reported_once_and_ends_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    events = []
    files = EventFiles(tmp_path / "file", events.append)
    for number in (1, 2):
        files(Epoch(number, 3, row(number)))
    files.close()
    (note,) = [event.text for event in events if isinstance(event, Note)]
    assert note.startswith(f"note: {tmp_path / 'file'}: event files cannot be written (")
    assert [event.number for event in events if isinstance(event, Epoch)] == [1, 2]
