"""Each check on collections with one fault planted, and on one without."""

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart import leaves
from tellapart.data.finding import Checked
from tellapart.data.inspect import inspect
from tests.photos import encoded, folder, photo

CHECKS = "tellapart.checks"


def findings(path, name, predictions=None):
    collection = tellapart.open(path)
    return leaves.load(CHECKS, name, "a check").find(Checked(inspect(collection), predictions)), collection


@pytest.mark.parametrize("name", leaves.names(CHECKS))
def test_every_check_keeps_its_contract(name, tmp_path):
    module = leaves.load(CHECKS, name, "a check")
    assert module.__doc__.splitlines()[0].endswith(".")
    assert isinstance(module.POSITION, int)
    assert module.TITLE
    found, _ = findings(folder(tmp_path, 60), name)
    assert not found  # a sound folder; None where nothing could be looked for


def test_positions_differ():
    positions = [leaves.load(CHECKS, name, "a check").POSITION for name in leaves.names(CHECKS)]
    assert len(set(positions)) == len(positions)


def test_unreadable(tmp_path):
    folder(tmp_path)
    cut = (tmp_path / "cats" / "000.jpg").read_bytes()[:800]
    (tmp_path / "cats" / "000.jpg").write_bytes(cut)
    (tmp_path / "dogs" / "text.jpg").write_text("no picture")
    found, collection = findings(tmp_path, "unreadable")
    assert [collection.keys[one.drop[0]] for one in found] == ["cats/000.jpg", "dogs/text.jpg"]
    assert "is not a picture of a known format" in found[1].words


def test_extensions(tmp_path):
    (folder(tmp_path) / "cats" / "png.jpg").write_bytes(encoded(photo(99), "PNG"))
    found, _ = findings(tmp_path, "extensions")
    assert [one.words for one in found] == ["cats/png.jpg: is PNG"]


def test_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    (folder(tmp_path) / "cats" / "turned.jpg").write_bytes(encoded(photo(99), exif=exif.tobytes()))
    found, _ = findings(tmp_path, "upright")
    assert [one.words for one in found] == ["cats/turned.jpg: EXIF orientation 3"]


def test_colour(tmp_path):
    (folder(tmp_path) / "cats" / "grey.jpg").write_bytes(encoded(photo(99, channels=1)[:, :, 0]))
    found, _ = findings(tmp_path, "colour")
    assert [one.words for one in found] == ["cats/grey.jpg: is grey, most are in colour"]


def test_sizes(tmp_path):
    cats = folder(tmp_path) / "cats"
    (cats / "tiny.jpg").write_bytes(encoded(photo(99)[:16, :16]))
    (cats / "long.png").write_bytes(encoded(np.tile(photo(98), (1, 4, 1)), "PNG"))
    found, _ = findings(tmp_path, "sizes")
    assert [one.words for one in found] == [
        "cats/long.png: 512 x 96, 5.3 times as long as wide",
        "cats/tiny.jpg: 16 x 16, where the shorter side usually has 96",
    ]


def test_light(tmp_path):
    cats = folder(tmp_path) / "cats"
    (cats / "blank.png").write_bytes(encoded(np.full((96, 96, 3), 200, np.uint8), "PNG"))
    (cats / "dark.png").write_bytes(encoded(photo(99) // 8, "PNG"))
    found, collection = findings(tmp_path, "light")
    assert [one.words.split(" (")[0] for one in found] == [
        "cats/blank.png: is of one colour",
        "cats/dark.png: is very dark",
    ]
    assert [collection.keys[i] for one in found for i in one.drop] == ["cats/blank.png"]


def test_a_mark_on_white_paper_is_something_to_see(tmp_path, monkeypatch):
    cats = folder(tmp_path) / "cats"
    paper = np.full((1000, 1000, 3), 255, np.uint8)
    paper[500:512, 500:512] = 0
    (cats / "paper.png").write_bytes(encoded(paper, "PNG"))
    assert not findings(tmp_path, "light")[0]
    monkeypatch.setattr("tellapart.data.duplicates.MOST", 3)  # of more, no small copies are kept
    assert not findings(tmp_path, "light")[0]


@pytest.mark.parametrize("turned", (0, 1, 2, 3))
def test_cut_off(tmp_path, turned):
    cats = folder(tmp_path) / "cats"
    cut, framed = photo(99).copy(), photo(98).copy()
    cut[64:] = 128
    framed[:20], framed[-20:] = 128, 128
    (cats / "cut.jpg").write_bytes(encoded(np.rot90(cut, turned), quality=90))
    (cats / "framed.jpg").write_bytes(encoded(np.rot90(framed, turned), quality=90))
    found, _ = findings(tmp_path, "cut-off")
    assert [one.words for one in found] == ["cats/cut.jpg: 31% of it is plain grey"]


def test_two_pictures_each_twice_that_are_nearly_the_same_are_not_called_the_same(tmp_path):
    folder(tmp_path, 40, ("train", "test"))
    data = [encoded(photo(77), "PNG"), encoded(photo(77), quality=70)]
    for split in ("train", "test"):
        for k, one in enumerate(data):
            (tmp_path / split / "cats" / f"z{k}.png").write_bytes(one)
    (found,), _ = findings(tmp_path, "leaks")
    assert found.words.startswith("the same picture, or nearly: ")


def test_a_jpeg_that_was_cut_and_closed_again(tmp_path):
    cats = folder(tmp_path) / "cats"
    whole = encoded(photo(99), quality=95)
    (cats / "cut.jpg").write_bytes(whole[: len(whole) * 2 // 3] + b"\xff\xd9")
    found, _ = findings(tmp_path, "cut-off")
    assert [one.words.split(":")[0] for one in found] == ["cats/cut.jpg"]


def test_blur(tmp_path):
    from PIL import ImageFilter

    soft = np.asarray(Image.fromarray(photo(99)).filter(ImageFilter.GaussianBlur(4)))
    (folder(tmp_path, 40) / "cats" / "soft.png").write_bytes(encoded(soft, "PNG"))
    found, _ = findings(tmp_path, "blur")
    assert [one.words.split(":")[0] for one in found] == ["cats/soft.png"]


@pytest.mark.parametrize("filter", (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS))
def test_enlarged(tmp_path, filter):
    """From 32 x 24 pixels; what is left of such pictures is a little more or less, as the filter has it."""
    for i in range(12):
        small = Image.fromarray(photo(i)).resize((32, 24), Image.Resampling.LANCZOS)
        home = tmp_path / ("cats", "dogs")[i % 2]
        home.mkdir(exist_ok=True)
        (home / f"{i}.jpg").write_bytes(encoded(np.asarray(small.resize((128, 96), filter))))
    (found,), _ = findings(tmp_path, "enlarged")
    assert "would show as much at" in found.words
    assert "as they do at 128 x 96" in found.words
    width, height = map(int, found.words.split(" as much at ")[1].split(" as they")[0].split(" x "))
    assert 24 <= width <= 48
    assert 18 <= height <= 36


def test_duplicates_conflicts_and_leaks(tmp_path):
    folder(tmp_path, splits=("train", "test"))
    (tmp_path / "train" / "cats" / "again.jpg").write_bytes(encoded(photo(0), quality=50))  # of train/cats/000.jpg
    (tmp_path / "train" / "dogs" / "turned.jpg").write_bytes(encoded(photo(8)[:, ::-1]))  # which may be its class
    copy = (tmp_path / "train" / "cats" / "004.jpg").read_bytes()
    (tmp_path / "train" / "dogs" / "same.jpg").write_bytes(copy)
    (tmp_path / "train" / "cats" / "leak.png").write_bytes(encoded(photo(1), "PNG"))  # of test/cats/001.jpg
    same, collection = findings(tmp_path, "duplicates")
    assert [[collection.keys[i] for i in one.pictures] for one in same] == [
        ["train/cats/000.jpg", "train/cats/again.jpg"]
    ]
    assert [collection.keys[i] for i in same[0].drop] == ["train/cats/again.jpg"]
    conflict, _ = findings(tmp_path, "conflicts")
    assert [{collection.keys[i] for i in one.drop} for one in conflict] == [
        {"train/cats/004.jpg", "train/dogs/same.jpg"}
    ]
    leak, _ = findings(tmp_path, "leaks")
    assert [[collection.keys[i] for i in one.drop] for one in leak] == [["train/cats/leak.png"]]
    assert "test/cats/001.jpg (test)" in leak[0].words


def test_a_conflict_shows_both_sides(tmp_path):
    folder(tmp_path, 40)
    copy = (tmp_path / "cats" / "000.jpg").read_bytes()
    for i in range(8):
        (tmp_path / "cats" / f"again{i}.jpg").write_bytes(copy)
    (tmp_path / "dogs" / "copy.jpg").write_bytes(copy)
    (found,), collection = findings(tmp_path, "conflicts")
    assert {collection.label(i) for i in found.pictures[:2]} == {"cats", "dogs"}
    assert "dogs/copy.jpg (dogs)" in found.words
    assert found.words.endswith(" and 4 more")


def test_a_copy_in_validation_goes_from_training_though_the_test_part_has_a_near_one(tmp_path):
    folder(tmp_path, 60, ("train", "validation", "test"))
    copy = (tmp_path / "train" / "cats" / "000.jpg").read_bytes()
    (tmp_path / "validation" / "cats" / "copy.jpg").write_bytes(copy)
    (tmp_path / "test" / "dogs" / "near.jpg").write_bytes(encoded(photo(0), quality=70))
    (found,), collection = findings(tmp_path, "leaks")
    assert [collection.keys[i] for i in found.drop] == ["train/cats/000.jpg"]
    assert found.words.startswith("the same picture, or nearly: ")


def test_an_empty_class_does_not_hide_that_others_are_uneven(tmp_path):
    folder(tmp_path, 60)
    for path in sorted((tmp_path / "dogs").iterdir())[2:]:
        path.unlink()
    collection = tellapart.open(tmp_path, class_names=["birds", "cats", "dogs"])
    found = leaves.load(CHECKS, "classes", "a check").find(Checked(inspect(collection)))
    assert found[-1].words == "cats has 15 times the pictures of dogs: 30 and 2"


def test_classes(tmp_path):
    folder(tmp_path, 60)
    for path in sorted((tmp_path / "dogs").iterdir())[2:]:
        path.unlink()
    found, _ = findings(tmp_path, "classes")
    assert [one.words for one in found] == [
        "dogs: 2 pictures that can be read",
        "cats has 15 times the pictures of dogs: 30 and 2",
    ]


def test_labels(tmp_path):
    collection = tellapart.open(folder(tmp_path))
    values = np.where(np.eye(2)[collection.labels] == 1, 0.9, 0.1)
    values[3] = values[3][::-1]  # 0.9 for the other class
    values[5] = (0.45, 0.55) if collection.labels[5] == 0 else (0.55, 0.45)  # unsure: not suspected
    values[7] = np.nan
    found, _ = findings(tmp_path, "labels", values)
    assert [one.pictures for one in found] == [(3,)]
    other = collection.class_names[1 - collection.labels[3]]
    assert found[0].relabel == {3: other}
    assert f"more like {other} (90.0%)" in found[0].words
    told = found[0].to_dict(collection)
    assert (told["label"], told["suggested"]) == (collection.label(3), other)
    assert (told["probability"], told["suggested_probability"]) == pytest.approx((0.1, 0.9))


def test_labels_of_given_test_parts_are_not_moved(tmp_path):
    collection = tellapart.open(folder(tmp_path, splits=("train", "test")))
    values = np.where(np.eye(2)[collection.labels] == 1, 0.95, 0.05)
    wrong = [int(np.flatnonzero(collection.splits == split)[0]) for split in ("train", "test")]
    values[wrong] = np.where(np.eye(2)[collection.labels[wrong]] == 1, 0.01, 0.99)
    found, _ = findings(tmp_path, "labels", values)
    assert {one.pictures[0]: bool(one.relabel) for one in found} == {wrong[0]: True, wrong[1]: False}


def shaded(number):
    """A still scene, a little lighter from frame to frame."""
    pixels = np.asarray(photo(7)).astype(int) + number % 3
    pixels[0, 0] = number
    return np.clip(pixels, 0, 255).astype(np.uint8)


def still_scene(path, splits=("",)):
    """Forty frames of one scene in two classes, two of them very copies."""
    for k in range(40):
        place = path / splits[k % len(splits)] / ("cats", "dogs")[k // len(splits) % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{k:03d}.png").write_bytes(encoded(shaded(k), "PNG"))
    return path


def test_pictures_of_one_layout_are_not_dropped(tmp_path):
    still_scene(tmp_path)
    (tmp_path / "cats" / "copy.png").write_bytes((tmp_path / "cats" / "002.png").read_bytes())
    found, collection = findings(tmp_path, "duplicates")
    assert [collection.keys[i] for one in found for i in one.drop] == ["cats/copy.png"]
    assert any("so many that they are of one layout" in one.words for one in found)


def test_leaks_of_one_layout_drop_only_very_copies(tmp_path):
    still_scene(tmp_path, ("train", "test"))
    (tmp_path / "train" / "cats" / "copy.png").write_bytes((tmp_path / "test" / "cats" / "001.png").read_bytes())
    found, collection = findings(tmp_path, "leaks")
    assert [collection.keys[i] for one in found for i in one.drop] == ["train/cats/copy.png"]


def test_leaks_between_classes_are_dropped_where_they_are_very_copies(tmp_path):
    folder(tmp_path, 40, ("train", "test"))
    (tmp_path / "train" / "dogs" / "near.jpg").write_bytes(encoded(photo(1), quality=70))  # of test/cats/001.jpg
    found, _ = findings(tmp_path, "leaks")
    assert [one.drop for one in found] == [()]


def test_very_copies_make_no_layout(tmp_path):
    home = tmp_path / "photos"
    for name in ("cats", "dogs"):
        (home / name).mkdir(parents=True)
        for i in range(60):
            (home / name / f"{i:03d}.jpg").write_bytes(encoded(photo(100 * (name == "dogs") + i)))
    for i in range(30):
        (home / "cats" / f"copy{i}.jpg").write_bytes((home / "cats" / "000.jpg").read_bytes())
    for i in range(12):
        (home / "cats" / f"anew{i}.jpg").write_bytes(encoded(photo(1), quality=80 + i))
    found = [finding for finding in findings(home, "duplicates")[0] if len(finding.pictures) > 10]
    assert sorted(len(finding.drop) for finding in found) == [12, 30]
