"""Groups are found where pictures are bursts, whatever names them, and not where they are independent."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.data.collection import Collection
from tellapart.data.feeding import prepare_collection
from tellapart.data.found_groups import find_groups, groups_by_order, groups_by_time, in_words
from tellapart.data.found_names import groups_by, patterns, times
from tellapart.data.likeness import Likeness, likeness, sketch
from tellapart.errors import UsageError
from tellapart.images.preprocessing import Preparation
from tests.films import CLASSES, FRAMES, NAMES, SIDE, TRACKS, as_folder, bursts, independent


def search(collection):
    size = Preparation(height=SIDE, width=SIDE, colour="rgb")
    return find_groups(collection, prepare_collection(collection, size).data)


def taken_at(seconds, camera="A"):
    exif = Image.Exif()
    exif[0x0110] = camera
    exif.get_ifd(0x8769)[0x9003] = f"2024:05:{1 + seconds // 86400:02d} {seconds // 3600 % 24:02d}:" + (
        f"{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    )
    return exif


@pytest.mark.parametrize("layout", NAMES)
def test_bursts_are_found_by_their_names(layout, tmp_path):
    pixels, labels, _ = bursts()
    found = search(as_folder(tmp_path / "data", pixels, labels, NAMES[layout]))
    assert found is not None
    assert found.is_strong
    assert found.because == "their file names"
    assert len(np.unique(found.groups)) == TRACKS


@pytest.mark.parametrize("layout", NAMES)
def test_the_pattern_can_be_typed(layout, tmp_path):
    """What is reported as --group makes the same groups."""
    from tellapart.data.groups import grouped

    pixels, labels, _ = bursts()
    collection = as_folder(tmp_path / "data", pixels, labels, NAMES[layout])
    found = search(collection)
    typed = grouped(collection, found.by).groups
    assert len(np.unique(typed)) == TRACKS
    assert len(np.unique([f"{a} {b}" for a, b in zip(typed, found.groups, strict=True)])) == TRACKS


@pytest.mark.parametrize("layout", NAMES)
def test_independent_pictures_with_such_names_stay_as_they_are(layout, tmp_path):
    assert search(as_folder(tmp_path / "data", *independent(), NAMES[layout])) is None


def test_frames_in_order_are_found_without_names():
    pixels, labels, track = bursts()
    found = search(Collection.from_arrays(pixels, labels, CLASSES))
    assert (found.is_strong, found.by) == (True, "order")
    of_track = [set(found.groups[track == k].tolist()) for k in range(TRACKS)]
    assert sum(len(groups) for groups in of_track) <= TRACKS + 3
    assert "found by their order" in in_words(found, Collection.from_arrays(pixels, labels, CLASSES))


def test_a_shuffled_data_set_with_running_numbers_stays_as_it_is(tmp_path):
    pixels, labels, _ = bursts()
    place = np.random.default_rng(1).permutation(len(labels))
    assert search(as_folder(tmp_path / "data", pixels, labels, lambda i: f"img_{place[i]:05d}.png")) is None
    assert search(Collection.from_arrays(pixels[place], labels[place], CLASSES)) is None


def test_running_numbers_in_order_are_sorted_as_numbers(tmp_path):
    pixels, labels, _ = bursts()
    found = search(as_folder(tmp_path / "data", pixels, labels, lambda i: f"{i}.png"))
    assert (found.is_strong, found.by) == (True, "order")


def test_photos_taken_within_a_minute_belong_together(tmp_path):
    pixels, labels, track = bursts()
    names = np.random.default_rng(2).permutation(len(labels))
    when = [taken_at(3600 * int(track[i]) + 5 * (i % FRAMES)) for i in range(len(labels))]
    collection = as_folder(tmp_path / "data", pixels, labels, lambda i: f"{names[i]:04x}.jpg", lambda i: when[i])
    found = search(collection)
    assert (found.is_strong, found.by, found.because) == (True, "time", "the times they were taken")
    assert len(np.unique(found.groups)) == TRACKS


def test_two_cameras_at_the_same_time_are_two_bursts(tmp_path):
    pixels, labels = independent(count=6)
    cameras = [taken_at(i % 3, "AB"[i // 3]) for i in range(6)]
    collection = as_folder(tmp_path / "data", pixels, labels, lambda i: f"{i}.jpg", lambda i: cameras[i])
    groups = groups_by_time(collection)
    assert len(np.unique(groups)) == 2


@pytest.mark.parametrize(
    "name", ("IMG_20240501_120305.jpg", "2024-05-01 12.03.05.jpg", "PXL_20240501_120305123.jpg", "20240501120305.png")
)
def test_times_in_names(name):
    assert times([f"a/{name}"]).tolist() == [1714564985]


def test_numbers_that_are_no_times():
    assert times(["a/IMG_1234.jpg", "100080576_f52e8ee070_n.jpg", "a/20249901_120305.jpg"]).tolist() == [0, 0, 0]


def test_a_named_data_set_is_left_as_it_is():
    pixels, labels, _ = bursts()
    collection = Collection.from_arrays(pixels, labels, CLASSES)
    assert search(collection) is not None
    assert search(replace(collection, source="digits")) is None


def test_subjects_in_many_classes_stay_together(tmp_path):
    """As in sets of faces: each subject has a few pictures in every class."""
    pixels, _, track = bursts()
    labels = np.arange(len(track)) % 3
    found = search(as_folder(tmp_path / "data", pixels, labels, lambda i: f"s{i // FRAMES}_{i % FRAMES}.png"))
    assert found.is_strong
    assert len(np.unique(found.groups)) == TRACKS


def test_names_that_repeat_in_every_class_are_different_films(tmp_path):
    """In GTSRB the tracks of every class count from 0."""
    pixels, labels, track = bursts()
    name = lambda i: f"{track[i] % (TRACKS // 3):05d}_{i % FRAMES:05d}.png"  # noqa: E731
    found = search(as_folder(tmp_path / "data", pixels, labels, name))
    assert found.by == "([^/]+/[^/_]+)_[^/]*$"
    assert len(np.unique(found.groups)) == TRACKS


def test_films_across_the_splits_of_the_data_are_one_group(tmp_path):
    pixels, labels, track = bursts()
    for i, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        path = tmp_path / ("test" if i % 5 == 0 else "train") / CLASSES[label] / f"{track[i]:02d}_{i % FRAMES}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(path)
    found = search(tellapart.open(tmp_path))
    assert found.is_strong
    assert len(np.unique(found.groups)) == TRACKS


def test_classes_with_two_films_cannot_be_split(tmp_path):
    pixels, labels, _ = bursts(tracks=6)
    collection = as_folder(tmp_path / "data", pixels, labels, NAMES["GTSRB"])
    found = search(collection)
    assert found.is_strong
    assert not found.can_split(collection)


def test_order_can_be_asked_for():
    pixels, labels, _ = bursts()
    collection = Collection.from_arrays(pixels, labels, CLASSES)
    data = prepare_collection(collection, Preparation(height=SIDE, width=SIDE, colour="rgb")).data
    assert len(np.unique(groups_by_order(collection, data).groups)) <= TRACKS + 3
    tiny = prepare_collection(collection, Preparation(height=4, width=4, colour="rgb")).data
    with pytest.raises(UsageError, match="--group order: pictures of 4 x 4 pixels"):
        groups_by_order(collection, tiny)


def test_a_sketch_does_not_depend_on_light():
    pixels = np.random.default_rng(0).integers(50, 100, (5, 21, 30, 3)).astype(np.uint8)
    assert np.allclose(sketch(pixels), sketch((pixels * 2 + 30).astype(np.uint8)), atol=1e-5)
    assert np.allclose(np.linalg.norm(sketch(pixels), axis=1), 1, atol=1e-5)


def test_a_sketch_has_the_means_of_the_fields():
    pixels = np.zeros((1, 16, 24, 1), np.uint8)
    pixels[0, :2, :3] = 80
    expected = np.zeros(64)
    expected[0] = 80
    expected -= expected.mean()
    assert np.allclose(sketch(pixels)[0], expected / np.linalg.norm(expected), atol=1e-6)


def test_likeness_of_groups_that_mean_nothing():
    rng = np.random.default_rng(0)
    sketches = rng.normal(size=(300, 20)).astype(np.float32)
    sketches /= np.linalg.norm(sketches, axis=1, keepdims=True)
    found = likeness(sketches, np.zeros(300, np.int64), np.arange(300) % 30)
    assert found.count == 300
    assert found.lift < 0.05
    assert (found + Likeness()).lift == found.lift


def test_copies_are_no_evidence():
    """Duplicates are kept together anyway, and say nothing about other pictures of their group."""
    rng = np.random.default_rng(0)
    sketches = np.repeat(rng.normal(size=(100, 20)), 2, axis=0).astype(np.float32)
    sketches /= np.linalg.norm(sketches, axis=1, keepdims=True)
    assert likeness(sketches, np.zeros(200, np.int64), np.arange(200) // 2).count == 0


def test_no_groups_of_single_pictures_or_whole_classes():
    keys = [f"{CLASSES[i % 3]}/{CLASSES[i % 3]}_{i:04d}.jpg" for i in range(90)]
    assert list(patterns(keys, np.arange(90) % 3)) == []


def test_names_that_mostly_do_not_match():
    assert groups_by(r"(s\d+)_", ["s1_a", "b", "c"]) is None
    assert groups_by(r"(s\d+)_", ["s1_a", "s1_b", "c"]).tolist() == [0, 0, 1]


def test_a_file_that_cannot_be_read_is_a_group_of_its_own(tmp_path):
    pixels, labels, _ = bursts()
    folder = tmp_path / "data"
    as_folder(folder, pixels, labels, NAMES["GTSRB"])
    (folder / "bus" / "00000_00003.png").write_bytes(b"broken")
    found = search(tellapart.open(folder))
    assert found.is_strong
    assert len(np.unique(found.groups)) == TRACKS + 1


def test_when_a_picture_was_taken():
    from tellapart.images.taken import taken

    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=taken_at(65, "X1"))
    assert taken(buffer.getvalue()) == (1714521665, "None X1 None")
    assert taken(b"no picture") is None
