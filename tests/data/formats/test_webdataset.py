"""WebDataset tars: shards in a folder, one tar, labels in JSON; and what is not one."""

import io
import json
import tarfile

import pytest

import tellapart
from tellapart.errors import DataError
from tests.pictures import small_png


def shard(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def samples(count, suffix="cls", label=lambda i: str(i % 2).encode(), first=0):
    rows = range(first, first + count)
    return {f"{i:06d}.{end}": data for i in rows for end, data in (("jpg", small_png()), (suffix, label(i)))}


def test_shards_of_splits(tmp_path):
    for number in range(2):
        shard(tmp_path / f"train-{number:06d}.tar", samples(6, first=6 * number))
    shard(tmp_path / "val-000000.tar", samples(4))
    collection = tellapart.open(tmp_path)
    assert collection.given_splits == ("train", "validation")
    assert (len(collection), collection.class_names, collection.notes) == (16, ("0", "1"), ())
    assert collection.inferred == ("label: from the .cls files in 3 tar files",)
    assert collection.keys[0] == "train-000000.tar/000000.jpg"
    assert collection.read(15).shape == (4, 4, 1)


def test_numbered_shards_have_no_splits(tmp_path):
    for number in range(2):
        shard(tmp_path / f"{number:05d}.tar", samples(6, first=6 * number))
    assert tellapart.open(tmp_path).splits is None


@pytest.mark.parametrize("value", ({"label": "cat"}, {"class": ["cat"], "caption": "a cat"}, {"key": 3, "cls": "cat"}))
def test_labels_in_json(value, tmp_path):
    content = samples(4, "json", lambda i: json.dumps(value).encode())
    collection = tellapart.open(shard(tmp_path / "a.tar", content))
    assert collection.class_names == ("cat",)


def test_several_labels_are_refused(tmp_path):
    content = samples(4, "json", lambda i: json.dumps({"label": ["cat"] if i < 2 else ["cat", "dog"]}).encode())
    with pytest.raises(DataError, match=r"000002.json: has several labels"):
        tellapart.open(shard(tmp_path / "a.tar", content))
    with pytest.raises(DataError, match=r"000001.cls: has no label"):
        tellapart.open(shard(tmp_path / "b.tar", samples(4, label=lambda i: b"a" if i != 1 else b"")))


def test_names_of_numbers(tmp_path):
    """In a list in the same folder, or in the same JSON file."""
    shard(tmp_path / "a" / "train-0.tar", samples(4))
    (tmp_path / "a" / "classes.txt").write_text("cat\ndog\n")
    collection = tellapart.open(tmp_path / "a")
    assert (collection.class_names, collection.inferred[-1]) == (("cat", "dog"), "names: from classes.txt")
    words = samples(4, "json", lambda i: json.dumps({"label": i % 2, "label_name": "ab"[i % 2]}).encode())
    assert tellapart.open(shard(tmp_path / "b.tar", words)).class_names == ("a", "b")


def test_pictures_without_a_label_are_noted(tmp_path):
    members = samples(4)
    del members["000002.cls"]
    collection = tellapart.open(shard(tmp_path / "a.tar", members))
    assert (len(collection), collection.notes) == (
        3,
        ("left out: 1 picture without a file with a label (000002.jpg)",),
    )


def test_class_folders_with_a_json_file_for_each_picture_stay_class_folders(tmp_path):
    members = {}
    for kind in ("cat", "dog"):
        for i in range(3):
            members |= {f"{kind}/{i}.jpg": small_png(), f"{kind}/{i}.json": b'{"label": "x", "shapes": []}'}
    assert tellapart.open(shard(tmp_path / "a.tar", members)).class_names == ("cat", "dog")


def test_a_tar_among_class_folders_is_not_read(tmp_path):
    for kind in ("cat", "dog"):
        (tmp_path / "d" / kind).mkdir(parents=True)
        (tmp_path / "d" / kind / "1.png").write_bytes(small_png())
    shard(tmp_path / "d" / "more.tar", samples(4))
    assert tellapart.open(tmp_path / "d").class_names == ("cat", "dog")


def test_a_tar_of_captions_has_no_labels(tmp_path):
    shard(tmp_path / "0.tar", samples(4, "txt", lambda i: b"a cat on a mat"))
    shard(tmp_path / "1.tar", samples(4, "txt", lambda i: b"a cat on a mat"))
    with pytest.raises(DataError, match="its tar files have no pictures with labels"):
        tellapart.open(tmp_path)
