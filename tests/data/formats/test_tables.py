"""Pixel CSV, manifest and Parquet: what the contract suite does not ask."""

import io
import zipfile

import numpy as np
import polars as pl
import pytest
from PIL import Image

import tellapart
from tellapart.data.archives import ZipTree
from tellapart.data.groups import grouped
from tellapart.errors import DataError, PictureError, UsageError
from tellapart.images.read import read_picture
from tests.conftest import make_collection, stripes, write_folder

HEADER = "label," + ",".join(f"pixel{i}" for i in range(4))


def test_kaggles_two_files_are_splits(tmp_path):
    (tmp_path / "fashion-mnist_train.csv").write_text(f"{HEADER}\n9,1,2,3,4\n2,5,6,7,8\n")
    (tmp_path / "fashion-mnist_test.csv").write_text(f"{HEADER}\n2,9,9,9,9\n")
    collection = tellapart.open(tmp_path)
    assert collection.class_names == ("2", "9")
    assert collection.given_splits == ("train", "test")
    assert collection.read(0)[:, :, 0].tolist() == [[1, 2], [3, 4]]
    assert [collection.label(i) for i in range(3)] == ["9", "2", "2"]


def test_labels_are_numbers_in_numeric_order_or_words(tmp_path):
    (tmp_path / "a.csv").write_text(f"{HEADER}\n10,1,2,3,4\n9,5,6,7,8\n")
    assert tellapart.open(tmp_path / "a.csv").class_names == ("9", "10")
    (tmp_path / "a.csv").write_text(f"{HEADER}\ndog,1,2,3,4\ncat,5,6,7,8\n")
    assert tellapart.open(tmp_path / "a.csv").class_names == ("cat", "dog")


def test_rgb_and_a_byte_order_mark(tmp_path):
    header = "\ufefflabel," + ",".join(f"p{i}" for i in range(12))
    (tmp_path / "a.csv").write_text(header + "\n1," + ",".join(map(str, range(12))) + "\n", encoding="utf-8")
    assert tellapart.open(tmp_path / "a.csv").read(0).tolist()[1][1] == [9, 10, 11]


@pytest.mark.parametrize(
    ("text", "words"),
    (
        (f"{HEADER}\n", "has a header and no rows"),
        (f"{HEADER}\n1,2,3,4,5\n,2,3,4,5\n", "line 3: has no label"),
        (f"{HEADER}\n1,2,3,4,5\n1,2,,4,5\n", "line 3, column pixel1: '' is not a pixel"),
        (f"{HEADER}\n1,2,3,4,5,6\n", "line 2: has 6 values"),
        ("label,a,a,b,c\n1,2,3,4,5\n", "has two columns 'a'"),
        ("x" * 200_000, "contains no labelled pictures"),
    ),
)
def test_faulty_pixel_csv(text, words, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        tellapart.open(tmp_path / "a.csv")


def test_a_manifest_with_splits_and_groups(tmp_path):
    folder = write_folder(tmp_path / "x", 6)
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.png"))
    rows = {"path": files, "label": list("aabbcc"), "split": ["train", "val"] * 3, "group": ["g", None] * 3}
    for name in ("list.csv", "list.tsv", "list.parquet"):
        table = pl.DataFrame(rows)
        if name.endswith("parquet"):
            table.write_parquet(folder / name)
        else:
            table.write_csv(folder / name, separator="\t" if name.endswith("tsv") else ",")
        collection = tellapart.open(folder / name)
        assert collection.class_names == ("a", "b", "c")
        assert collection.splits.tolist() == ["train", "validation"] * 3
        assert collection.groups.tolist() == ["g", "row 1", "g", "row 3", "g", "row 5"]
        assert np.array_equal(grouped(collection, "group").groups, collection.groups), "its own column can be named too"
        assert collection.read(5).shape == (12, 12, 1)
        (folder / name).unlink()


@pytest.mark.parametrize(
    ("text", "words"),
    (
        ("file_name,kind\na.png,x\n", "has no column 'label'"),
        ("file_name,label\na.png\n", "line 2: has 1 values"),
        ("file_name,label\na.png,\n", "row 1: the column 'label' is empty"),
        ("file_name,label\na.png,x\na.png,y\n", "row 2: lists a.png a second time"),
        ("file_name,label,split\na.png,x,maybe\n", "'maybe' in the column 'split' is not a valid split"),
        ("file_name,label,label\na.png,x,y\n", "has two columns 'label'"),
        ("file_name,label\na.png,\xe9\n".encode("latin-1"), r"line 2: is not UTF-8 text(.|\n)*CSV UTF-8"),
        ('file_name,label\na.png,"x\n' + "b.png,y\n" * 30_000, "cannot be read"),
    ),
)
def test_faulty_manifests(text, words, tmp_path):
    (tmp_path / "manifest.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=words):
        tellapart.open(tmp_path / "manifest.csv")


def test_hugging_face_parquet(tmp_path):
    """Class names come from the metadata, splits from file names, pictures from the struct's bytes."""
    import json

    from tellapart.data import formats

    collection = make_collection(splits=True)
    formats.load("parquet-images").write(collection, tmp_path)
    train = pl.read_parquet(tmp_path / "train.parquet")
    position = {"across": 2, "down": 0, "squares": 1}
    kinds = {"train-00000-of-00002": pl.Int64, "train-00001-of-00002": pl.Int32}
    names = {"info": {"features": {"label": {"names": ["down", "squares", "across"]}}}}
    for (name, kind), rows in zip(kinds.items(), (train[:10], train[10:]), strict=True):
        rows = rows.with_columns(pl.col("label").replace_strict(position, return_dtype=kind))
        rows.write_parquet(tmp_path / f"{name}.parquet", metadata={"huggingface": json.dumps(names)})
    (tmp_path / "train.parquet").unlink()
    (tmp_path / "test.parquet").rename(tmp_path / "test-00000-of-00001.parquet")
    test = pl.read_parquet(tmp_path / "test-00000-of-00001.parquet")
    test = test.with_columns(pl.col("label").replace_strict(position))
    test.write_parquet(tmp_path / "test-00000-of-00001.parquet", metadata={"huggingface": json.dumps(names)})
    got = tellapart.open(tmp_path)
    assert got.class_names == ("down", "squares", "across")
    assert len(got.indices("train")) == 24
    assert got.label(got.keys.index("train-00000-of-00002.parquet/000001")) == "down"


def test_faulty_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    for table, words in (
        ({"image": [b"x"], "label": [1.5]}, "labels have type Float64"),
        ({"image": [b"x", b"y"], "label": ["a", None]}, "row 2: labels are missing in some rows"),
        ({"image": [b"x", b"y"], "label": ["a|b", "a"]}, "row 1: has several labels"),
        ({"image": [b"x", b"y"], "label": [[0], [1, 2]]}, "row 2: has several labels"),
        ({"image": [1], "label": ["a"]}, "the column 'image' has type Int64"),
        ({"age": [1], "label": ["a"]}, "has the columns age, label"),
    ):
        pl.DataFrame(table).write_parquet(path)
        with pytest.raises(DataError, match=words):
            tellapart.open(path)


def test_npz_names(tmp_path):
    pixels, labels = stripes(9)
    np.savez(
        tmp_path / "a.npz", train_images=pixels, train_labels=labels[:, None], val_images=pixels, val_labels=labels
    )
    collection = tellapart.open(tmp_path / "a.npz")
    assert collection.given_splits == ("train", "validation")
    np.savez(tmp_path / "a.npz", x_train=pixels[:3], y_train=[5, 7, 5], x_test=pixels[:2], y_test=[7, 7])
    collection = tellapart.open(tmp_path / "a.npz")
    assert collection.class_names == ("5", "7")
    assert [collection.label(i) for i in range(5)] == ["5", "7", "5", "7", "7"]


def test_an_npz_bomb(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((300, 1000, 1000), np.uint8), y=np.zeros(300, int))
    with pytest.raises(DataError, match="unpacks to"):
        tellapart.open(tmp_path / "a.npz")


def test_a_manifest_may_name_files_anywhere(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "elsewhere", 6)
    files = sorted(folder.rglob("*.png"))
    (tmp_path / "lists").mkdir()
    table = tmp_path / "lists" / "m.csv"
    table.write_text("file_name,label\n" + "".join(f"{file},{file.parent.name}\n" for file in files))
    monkeypatch.chdir(tmp_path / "lists")
    for source in (table, "m.csv"):
        collection = tellapart.open(source)
        assert np.array_equal(collection.read(5), read_picture(files[5]))
    (tmp_path / "lists" / "n.csv").write_text("file_name,label\nnone.png,a\nnone2.png,b\n")
    with pytest.raises(PictureError, match=r"^none.png: does not exist"):
        tellapart.open("n.csv").read(0)


@pytest.mark.parametrize("names", (("train.csv", "test.csv"), ("train/metadata.csv", "test/metadata.csv")))
def test_a_manifest_per_split(names, tmp_path):
    files = ["a.png", "b.png"], ["c.png"]
    for name, listed in zip(names, files, strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("file_name,label\n" + "".join(f"{file},x\n" for file in listed))
    collection = tellapart.open(tmp_path)
    below = [name.rpartition("metadata.csv")[0] for name in names]
    assert set(collection.keys) == {f"{below[0]}a.png", f"{below[0]}b.png", f"{below[1]}c.png"}
    splits = dict(zip(collection.keys, collection.splits.tolist(), strict=True))
    assert splits[f"{below[0]}a.png"] == "train"
    assert splits[f"{below[1]}c.png"] == "test"


def test_several_manifests_without_splits(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("file_name,label\na.png,x\nb.png,y\n")
    with pytest.raises(DataError, match=r"contains several tables of picture files \(a.csv, b.csv\)"):
        tellapart.open(tmp_path)
    (tmp_path / "b.csv").rename(tmp_path / "manifest.csv")
    assert len(tellapart.open(tmp_path)) == 2


def test_a_picture_in_the_manifests_of_two_splits(tmp_path):
    for name in ("test.csv", "train.csv"):
        (tmp_path / name).write_text("file_name,label\na.png,x\n")
    with pytest.raises(DataError, match=r"train.csv, row 1: lists a.png a second time"):
        tellapart.open(tmp_path)


def test_blanks_and_empty_lines_in_a_manifest(tmp_path):
    (tmp_path / "list.csv").write_text('label , file_name\nx, a.png\n\n x ,b 5" t.png\n y, c.png\n\n')
    collection = tellapart.open(tmp_path / "list.csv")
    assert collection.class_names == ("x", "y")
    assert len(collection) == 3


def test_a_parquet_bomb(tmp_path, monkeypatch):
    """One picture that the file's dictionary holds once, in very many rows."""
    from tellapart.data.formats import parquet_images

    monkeypatch.setattr(parquet_images, "LEAST_BYTES", 10**6)
    pl.DataFrame({"image": [bytes(20_000)] * 2_000, "label": ["a", "b"] * 1_000}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="its pictures take 40,000,000 bytes, and the file has"):
        tellapart.open(tmp_path)


def test_a_parquet_file_whose_name_is_a_pattern(tmp_path):
    from tellapart.data import formats

    (tmp_path / "x[1]").mkdir()
    formats.load("parquet-images").write(make_collection(12, splits=False), tmp_path / "x[1]")
    assert len(tellapart.open(tmp_path / "x[1]")) == 12


def test_splits_by_folders(tmp_path):
    write = {
        "parquet": lambda path: pl.DataFrame({"image": [png()] * 2, "label": ["a", "b"]}).write_parquet(path),
        "csv": lambda path: path.write_text(f"{HEADER}\n1,1,2,3,4\n2,5,6,7,8\n"),
    }
    for suffix, made in write.items():
        for split in ("train", "test"):
            (tmp_path / suffix / "default" / split).mkdir(parents=True)
            made(tmp_path / suffix / "default" / split / f"0000.{suffix}")
        collection = tellapart.open(tmp_path / suffix)
        assert [len(collection.indices(split)) for split in ("train", "test")] == [2, 2]


def png():
    buffer = io.BytesIO()
    Image.new("L", (4, 4), 7).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_competitions_tables_without_labels_are_left_out(tmp_path):
    header = ",".join(f"pixel{i}" for i in range(25))
    row = ",".join(["7"] * 25)
    (tmp_path / "train.csv").write_text(f"label,{header}\n1,{row}\n2,{row}\n")
    (tmp_path / "test.csv").write_text(f"{header}\n{row}\n")
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    collection = tellapart.open(tmp_path)
    assert (len(collection), collection.given_splits) == (2, ())
    assert collection.notes == (
        "left out: sample_submission.csv, test.csv, whose header does not have both labels and pixels",
    )


def test_a_table_whose_column_of_files_has_no_known_name(tmp_path):
    (tmp_path / "a.csv").write_text("picture_number,label\nx,cat\n")
    with pytest.raises(DataError, match="has the columns picture_number, label") as caught:
        tellapart.open(tmp_path / "a.csv")
    assert caught.value.action == "rename the column of files to file_name"


def test_a_manifest_made_on_windows(tmp_path):
    folder = write_folder(tmp_path / "photos", 6)
    names = sorted(path.relative_to(tmp_path).as_posix() for path in folder.rglob("*.png"))
    rows = "".join(f"{name},{name.split('/')[1]}\n".replace("/", "\\") for name in names)
    (tmp_path / "list.csv").write_text(f"file_name,label\n{rows}")
    collection = tellapart.open(tmp_path / "list.csv")
    assert list(collection.keys) == names
    assert collection.read(0).size


def test_a_nul_in_a_file_name(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"file_name,label\na.png,x\nb\0.png,y\n")
    with pytest.raises(DataError, match=r"list.csv, row 2: the file name contains a NUL"):
        tellapart.open(tmp_path / "list.csv")


def test_a_list_of_images_that_are_not_there_does_not_displace_class_folders(tmp_path):
    folder = write_folder(tmp_path / "photos", 6)
    (folder / "answers.csv").write_text("image,label\n1.png,down\n2.png,across\n")
    assert len(tellapart.open(folder)) == 6
    (folder / "answers.csv").write_text("image,label\ndown/001.png,down\nacross/000.png,across\n")
    assert len(tellapart.open(folder)) == 2
    assert tellapart.open(folder / "answers.csv").read(0).size


def test_parquet_with_paths_in_its_column_of_images(tmp_path):
    write_folder(tmp_path / "p", 6)
    pl.DataFrame({"image": ["p/down/001.png", "p/across/000.png"], "label": ["x", "y"]}).write_parquet(
        tmp_path / "list.parquet"
    )
    assert tellapart.open(tmp_path / "list.parquet").read(1).size


def test_parquet_in_a_zip_is_unpacked_no_more_often_than_it_must(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for split in ("train", "test"):
            pl.DataFrame({"image": [png()] * 2, "label": ["a", "b"]}).write_parquet(tmp_path / "one.parquet")
            archive.write(tmp_path / "one.parquet", f"{split}/0.parquet")
    read = []
    before = ZipTree.read
    monkeypatch.setattr(ZipTree, "read", lambda tree, name: read.append(name) or before(tree, name))
    assert len(tellapart.open(tmp_path / "a.zip")) == 4
    assert read.count("test/0.parquet") <= 3


def test_a_single_split_is_not_a_split(tmp_path):
    (tmp_path / "test").mkdir()
    for name in "ab":
        (tmp_path / "test" / f"{name}.csv").write_text(f"{HEADER}\n1,1,2,3,4\n2,5,6,7,8\n")
    assert tellapart.open(tmp_path).given_splits == ()


def parquet(folder, names, **columns):
    count = len(next(iter(columns.values())))
    for name in names:
        pl.DataFrame({"image": [png()] * count, **columns}).write_parquet(folder / f"{name}.parquet")
    return folder


def test_parquet_with_several_columns_of_labels(tmp_path):
    parquet(tmp_path, ["a"], genus=["x", "x", "y"], species=["p", "q", "r"])
    with pytest.raises(DataError, match="'genus' and 'species' may be the labels") as caught:
        tellapart.open(tmp_path)
    assert caught.value.action == "choose one: --label genus or --label species"
    assert tellapart.open(tmp_path, label="species").class_names == ("p", "q", "r")
    with pytest.raises(UsageError, match="--label kind: is not a column"):
        tellapart.open(tmp_path, label="kind")


def test_parquet_whose_column_of_pictures_has_another_name(tmp_path):
    rows = [{"bytes": png(), "path": None}] * 4
    pl.DataFrame({"scan": rows, "diagnosis": ["a", "b"] * 2}).write_parquet(tmp_path / "a.parquet")
    collection = tellapart.open(tmp_path)
    assert (collection.class_names, collection.inferred) == (("a", "b"), ("label: the column diagnosis",))


def test_parquet_with_a_column_of_splits(tmp_path):
    parquet(tmp_path, ["data"], label=["a", "b"] * 2, split=["train", "train", "val", "test"])
    collection = tellapart.open(tmp_path)
    assert collection.given_splits == ("train", "validation", "test")
    assert "split: the column split" in collection.inferred
    parquet(tmp_path, ["data"], label=["a", "b"] * 2, split=["train", "train", "b", "c"])
    collection = tellapart.open(tmp_path)
    assert collection.given_splits == ()
    assert "not used: the column split, whose values are not the names of splits" in collection.inferred
    with pytest.raises(DataError, match=r"'[bc]' in the column 'split' is not a valid split"):
        tellapart.open(tmp_path, split_column="split")


def test_parquet_with_words_beside_their_numbers(tmp_path):
    parquet(tmp_path, ["data"], label=[0, 1] * 2, label_name=["cat", "dog"] * 2)
    assert tellapart.open(tmp_path).class_names == ("cat", "dog")


@pytest.mark.parametrize("label", ([0.0, 1.0, 0.0], [False, True, False], [[1, 0, 0], [0, 0, 1], [1, 0, 0]]))
def test_parquet_labels_of_other_types(label, tmp_path):
    parquet(tmp_path, ["data"], label=label)
    assert tellapart.open(tmp_path).labels.tolist() == [0, 1, 0]


def test_parquet_test_pictures_without_labels(tmp_path):
    """ImageNet's test split on Hugging Face has the label -1 everywhere."""
    parquet(tmp_path, ["train"], label=[0, 1, 0, 1])
    parquet(tmp_path, ["test"], label=[-1, -1])
    collection = tellapart.open(tmp_path)
    assert (len(collection), collection.given_splits) == (4, ())
    assert "skipped: test (2 pictures without labels)" in collection.inferred


def test_a_table_of_pixels_is_opened_without_listing_its_folder(tmp_path, monkeypatch):
    from tellapart.data import tree

    header = "label," + ",".join(f"pixel{i}" for i in range(49))
    rows = "".join(",".join(map(str, [k % 2, *range(k, k + 49)])) + "\n" for k in range(8))
    (tmp_path / "a.csv").write_text(f"{header}\n{rows}")
    listed = []
    monkeypatch.setattr(tree, "_walk", lambda root: listed.append(root) or [])
    assert len(tellapart.open(tmp_path / "a.csv")) == 8
    assert listed == []
