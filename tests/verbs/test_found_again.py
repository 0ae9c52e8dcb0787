"""The data of a training is found again: by a path however it was typed, by a name, or it is asked for."""

import numpy as np
import pytest

import tellapart
from tellapart.errors import UsageError
from tellapart.progress import Note, silent
from tellapart.training.run_folder import RunFolder
from tests.conftest import make_collection, stripes, write_folder
from tests.resuming import broken, train

pytestmark = pytest.mark.usefixtures("sketched")


@pytest.mark.parametrize("typed", ("photos/", "./mnist", "mnist/", "quick"))
def test_a_folder_is_found_again_however_it_is_typed(tmp_path, monkeypatch, typed):
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / typed, 60)
    broken(monkeypatch, 1, typed, tmp_path / "runs")
    (path,) = (tmp_path / "runs").iterdir()
    place = str((tmp_path / typed).resolve())
    assert RunFolder(path).read()["options"]["data"] == RunFolder(path).read()["data"]["source"] == place
    (tmp_path / "elsewhere").mkdir()
    assert train(typed, tmp_path / "runs", resume="auto").path == path
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert tellapart.evaluate(path, on_event=silent).count == 12


def test_pictures_in_memory_are_asked_for(tmp_path, monkeypatch):
    collection = make_collection(60)
    broken(monkeypatch, 1, collection, tmp_path)
    (path,) = tmp_path.iterdir()
    with pytest.raises(UsageError, match="its pictures are not at") as caught:
        tellapart.train(resume=path, on_event=silent)
    assert "data= in Python" in caught.value.action
    notes = []
    other = train(make_collection(60, seed=3), tmp_path, on_event=notes.append)
    assert other.path != path
    assert not any("interrupted run" in note.text for note in notes if isinstance(note, Note))
    with pytest.raises(
        UsageError, match="no data given: the model was trained on 'stripes', which does not exist here"
    ):
        tellapart.evaluate(other.path, on_event=silent)
    assert tellapart.train(collection, resume=path, on_event=silent).path == path


def test_class_names_that_a_collection_was_opened_with_are_kept(tmp_path, monkeypatch):
    pixels, labels = stripes(60)
    np.savez(tmp_path / "data.npz", x=pixels, y=labels)
    collection = tellapart.open(tmp_path / "data.npz").with_class_names(["a", "b", "c"])
    broken(monkeypatch, 1, collection, tmp_path / "runs")
    (path,) = (tmp_path / "runs").iterdir()
    run = tellapart.train(resume=path, on_event=silent)
    assert run.model.class_names == ("a", "b", "c")
    assert tellapart.evaluate(run.path, on_event=silent).count == 12
