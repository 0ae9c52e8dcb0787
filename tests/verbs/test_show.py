import json

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.errors import UsageError
from tellapart.progress import Note, silent
from tellapart.text import columns_of
from tests.conftest import make_collection, write_folder


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_parts_shapes_counts_and_the_picture(tmp_path):
    shown = tellapart.show(make_collection(), on_event=silent)
    text = str(shown)
    assert "stripes: 36 pictures, 3 classes" in text
    assert "12 x 12 x 1 (36)" in text
    assert "across       8     4" in text
    assert "drawn: tellapart-out/stripes-pictures.png" in text
    with Image.open(tmp_path / "tellapart-out" / "stripes-pictures.png") as image:
        assert image.width > 400
    assert shown.figure.titles[:4] == ["across", "down", "squares", "across"]
    assert len(shown.figure.pictures) == 25
    assert shown._repr_png_().startswith(b"\x89PNG")
    assert json.loads(json.dumps(shown.to_dict()))["classes"]["down"] == {"train": 8, "test": 4}


def test_an_existing_file_is_never_overwritten(tmp_path):
    (tmp_path / "tellapart-out").mkdir()
    (tmp_path / "tellapart-out" / "stripes-pictures.png").write_text("mine")
    assert tellapart.show(make_collection(), on_event=silent).output.name == "stripes-pictures-2.png"
    assert (tmp_path / "tellapart-out" / "stripes-pictures.png").read_text() == "mine"
    named = tellapart.show(make_collection(), output="grid.png", pictures=4, on_event=silent)
    assert named.output.name == "grid.png"
    assert tellapart.show(make_collection(), pictures=0, on_event=silent).output is None


def test_class_folders_show_every_class_and_name_bad_files(tmp_path):
    folder = write_folder(tmp_path / "data", 90)
    (folder / "down" / "001.png").write_bytes(b"nonsense")
    Image.new("RGB", (20, 10)).save(folder / "across" / "000.png")
    shown = tellapart.show(folder, on_event=silent)
    assert shown.figure.titles[:3] == ["across", "squares", "across"]
    assert "1 picture cannot be read:\n  down/001.png: is not a picture of a known format" in str(shown)
    assert shown.shapes[(10, 20, 3)] == 1


def test_what_a_recipe_makes_of_the_pictures(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notes = []
    shown = tellapart.show(make_collection(60, splits=False, size=16), augment="quick", on_event=notes.append)
    assert len(shown.figure.pictures) == 25
    assert shown.figure.titles[1:5] == ["epoch 1", "epoch 2", "epoch 3", "epoch 4"]
    assert shown.output.exists()
    first, *changed = shown.figure.pictures[:5]
    assert any(not np.array_equal(first, other) for other in changed)
    assert any(note.text.startswith("augmentation:") for note in notes if isinstance(note, Note))
    same = tellapart.show(make_collection(60, splits=False, size=16), augment="dense", on_event=silent)
    assert all(np.array_equal(same.figure.pictures[0], other) for other in same.figure.pictures[1:5])


def test_it_shows_what_train_would_decide(tmp_path, monkeypatch):
    """By the pictures that are learnt from, without those held back."""
    monkeypatch.chdir(tmp_path)
    notes = []
    data = make_collection(7_000, splits=False, size=8)  # 5,040 of them, of which quick decides the batch and epochs
    shown = tellapart.show(
        data, augment="auto", pictures=3, set=["augmentation.cutout=0.5", "augmentation.flip=none"],
        on_event=notes.append,
    )  # fmt: skip
    texts = [note.text for note in notes if isinstance(note, Note)]
    assert any(text.startswith("recipe: quick (") for text in texts)
    assert "augmentation: flip none, shift 0.05, cutout 0.5" in texts or "augmentation: shift 0.05, cutout 0.5" in texts
    assert len(shown.figure.pictures) == 15
    assert tellapart.show(data, augment="auto", pictures=0, on_event=silent).figure is None


def test_cutmix_is_shown_where_what_is_left_to_learn_from_is_little(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notes = []
    data = make_collection(5_000, splits=False, size=12)  # 3,600 to learn from
    tellapart.show(data, augment="photos", set={"augmentation": {"flip": "none"}}, on_event=notes.append)
    assert any("cutmix 0.4" in note.text for note in notes if isinstance(note, Note))


def test_what_is_too_small_to_be_split_is_shown_all_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notes = []
    shown = tellapart.show(make_collection(6, splits=False), augment="quick", on_event=notes.append)
    assert len(shown.figure.pictures) == 25
    assert any("the default split cannot be made" in note.text for note in notes if isinstance(note, Note))


def test_a_change_of_no_recipe(tmp_path):
    with pytest.raises(UsageError, match="--set without --augment"):
        tellapart.show(make_collection(9, splits=False), set=["augmentation.crop=0.5"], on_event=silent)


def test_where_no_picture_can_be_read_the_reasons_are_shown(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jxl").write_bytes(b"\xff\x0a")
    shown = tellapart.show(tmp_path, on_event=silent)
    assert shown.output is None
    assert "2 pictures cannot be read:\n  cats/1.jxl: is JPEG XL, which is not supported: convert it to JPEG" in str(
        shown
    )


def test_large_pictures_are_drawn_small(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (1600, 1200)).save(tmp_path / name / "1.jpg")
    shown = tellapart.show(tmp_path, on_event=silent)
    assert {picture.shape for picture in shown.figure.pictures} == {(192, 256, 3)}
    assert shown.shapes == {(1200, 1600, 3): 2}


def test_class_names_in_any_script(tmp_path, recwarn):
    for name in ("猫", "犬"):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.new("RGB", (16, 16)).save(tmp_path / "data" / name / "1.png")
    tellapart.show(tmp_path / "data", on_event=silent)
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_what_was_passed_over_is_said(tmp_path):
    home = write_folder(tmp_path / "data")
    (home / "down" / "deeper").mkdir()
    (home / "down" / "001.png").rename(home / "down" / "deeper" / "001.png")
    (home / "readme.txt").write_text("about")
    (home / "roses").mkdir()
    (home / "loose.png").write_bytes((home / "down" / "004.png").read_bytes())
    shown = tellapart.show(home, pictures=0, on_event=silent)
    for words in (
        "passed over: 1 file that is not a picture (readme.txt)",
        "passed over: 1 folder without pictures to read (roses/)",
        "1 picture lies in a subfolder of its class folder, such as down/deeper/001.png",
        "note: left out: 1 picture outside class folders (loose.png)",
    ):
        assert words in str(shown).splitlines()
    assert len(shown.to_dict()["passed_over"]) == 3
    assert shown.to_dict()["notes"] == ["left out: 1 picture outside class folders (loose.png)"]


def test_the_text_fits_80_columns(tmp_path):
    home = tmp_path / f"data-{'long-' * 20}"
    for k, name in enumerate(("n" * 90, "\u732b" * 60, "short")):
        (home / name).mkdir(parents=True)
        Image.new("RGB", (20 + k, 10)).save(home / name / "1.png")
        (home / name / f"{'bad-' * 30}.jpg").write_bytes(b"nonsense")
    (home / f"{'about-' * 20}.txt").write_text("about")
    shown = tellapart.show(home, pictures=0, on_event=silent)
    text = str(shown)
    assert repr(shown).endswith("long-: 6 pictures, 3 classes>")
    assert max(map(columns_of, text.splitlines())) <= 80
    assert "n\u2026n" in text
    assert "bad-.jpg: is not a picture of a known format" in text


def test_a_drawing_is_never_inside_the_data(tmp_path, monkeypatch):
    home = write_folder(tmp_path / "data")
    monkeypatch.chdir(home / "down")
    assert tellapart.show(home, on_event=silent).output == tmp_path / "data-pictures.png"
    monkeypatch.setattr("os.access", lambda *_: False)
    notes = []
    assert tellapart.show(home, on_event=notes.append).output is None
    assert any(f"no drawing written: cannot write to {tmp_path}" in n.text for n in notes if isinstance(n, Note))
    assert not (home / "down" / "tellapart-out").exists()
