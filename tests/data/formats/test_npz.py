"""NumPy archives with the names and shapes that data sets have; IDX files likewise."""

import numpy as np
import pytest

import tellapart
from tellapart.errors import DataError

X = (np.random.default_rng(0).random((30, 12, 12)) * 255).astype(np.uint8)
Y = np.arange(30) % 3
TRAIN, TEST = (X[:20], Y[:20]), (X[20:], Y[20:])


def opened(path, **arrays):
    np.savez(path / "a.npz", **arrays)
    return tellapart.open(path / "a.npz")


@pytest.mark.parametrize(
    ("source", "names"),
    (
        ("Keras", ("x_train", "y_train", "x_test", "y_test")),
        ("scikit-learn's guides", ("X_train", "y_train", "X_test", "y_test")),
        ("camel case", ("trainX", "trainY", "testX", "testY")),
        ("without a separator", ("Xtrain", "ytrain", "Xtest", "ytest")),
        ("MedMNIST", ("train_images", "train_labels", "test_images", "test_labels")),
        ("cats against no cats", ("train_set_x", "train_set_y", "test_set_x", "test_set_y")),
        ("data and labels", ("train_data", "train_labels", "test_data", "test_labels")),
        ("dots", ("train.images", "train.labels", "test.images", "test.labels")),
        ("positions", ("arr_0", "arr_1", "arr_2", "arr_3")),
    ),
)
def test_names_with_splits(source, names, tmp_path):
    collection = opened(tmp_path, **dict(zip(names, (*TRAIN, *TEST), strict=True)))
    assert collection.given_splits == ("train", "test"), source
    assert np.array_equal(collection.pictures.array[..., 0], X)
    assert collection.labels.tolist() == Y.tolist()
    assert collection.notes == ()
    assert len(collection.inferred) == (names[0] == "arr_0")


@pytest.mark.parametrize(
    ("names", "inferred"),
    (
        (("x", "y"), 0),
        (("X", "Y"), 0),
        (("images", "labels"), 0),
        (("data", "target"), 0),
        (("image", "label"), 0),
        (("features", "targets"), 0),
        (("images", "ans"), 0),  # Galaxy10
        (("arr_0", "arr_1"), 1),
        (("faces", "who"), 1),
    ),
)
def test_names_without_splits(names, inferred, tmp_path):
    collection = opened(tmp_path, **dict(zip(names, (X, Y), strict=True)))
    assert collection.splits is None
    assert collection.notes == ()
    assert len(collection.inferred) == inferred


def test_scikit_learns_bunch(tmp_path):
    """load_digits saved whole: rows and pictures of the same digits, names as words."""
    digits = np.rint(X / 255 * 16)
    collection = opened(
        tmp_path, data=digits.reshape(30, -1), images=digits, target=Y, target_names=np.array(["a", "b", "c"])
    )
    assert len(collection) == 30
    assert collection.class_names == ("a", "b", "c")
    assert collection.value_range == (0, 16)
    assert collection.notes == ()
    assert collection.inferred == ("not used: data", "values: 0 to 16, scaled to 0 to 255")


def test_an_array_without_a_mate_is_named(tmp_path):
    collection = opened(tmp_path, x_train=X[:20], y_train=Y[:20], x_test=X[20:], extra=np.arange(3))
    assert collection.notes == ("not used: x_test (10 pictures without labels)",)
    assert collection.inferred == ("not used: extra",)
    assert opened(tmp_path, x=X, y=Y, y_test=Y).notes == ("not used: y_test (30 labels without pictures)",)


def test_class_names_in_bytes(tmp_path):
    names = np.array([b"cat", b"dog", b"emu"])
    for key in ("class_names", "list_classes", "label_names", "classes"):
        assert opened(tmp_path, x=X, y=Y, **{key: names}).class_names == ("cat", "dog", "emu")
    assert opened(tmp_path, x=X, y=Y, class_names=np.array([b"cat", "caf\xe9".encode(), b"emu"])).class_names == (
        "cat", "caf\xe9", "emu",
    )  # fmt: skip
    with pytest.raises(DataError, match="class_names: contains bytes that are not UTF-8"):
        opened(tmp_path, x=X, y=Y, class_names=np.array([b"cat", b"caf\xe9", b"emu"]))


@pytest.mark.parametrize(
    ("labels", "names"),
    (
        (Y.astype(np.float32), ("0", "1", "2")),
        (Y[:, None], ("0", "1", "2")),
        (Y[:, None, None, None], ("0", "1", "2")),  # PatchCamelyon
        (np.eye(3)[Y], ("0", "1", "2")),
        (np.eye(3, dtype=bool)[Y], ("0", "1", "2")),
        (np.array(["a", "b", "c"])[Y], ("a", "b", "c")),
        (np.array([b"a", b"b", b"c"])[Y], ("a", "b", "c")),
        (Y > 0, ("False", "True")),
    ),
)
def test_labels(labels, names, tmp_path):
    collection = opened(tmp_path, x=X, y=labels)
    assert collection.class_names == names
    assert collection.notes == ()


@pytest.mark.parametrize(
    ("labels", "words"),
    (
        (
            np.tile([1, 0, 1], (30, 1)),
            r"label row 0 is not one-hot: it has 2 ones(.|\n)*multi-label data",
        ),
        (np.zeros((30, 3)), "it has 0 ones"),
        (np.full((30, 3), 1 / 3), "label row 0 is not one-hot"),
        (np.where(Y == 2, np.nan, Y), "picture 2 has the label nan"),
        (np.tile(["a", "b"], (30, 1)), "multi-label"),
        (Y[:20], "y contains 20 labels"),
    ),
)
def test_labels_that_are_refused(labels, words, tmp_path):
    with pytest.raises(DataError, match=words):
        opened(tmp_path, x=X, y=labels)


def test_lists_of_labels_are_refused_by_name():
    pair = X[:3], [["a"], ["a", "b"], ["c"]]
    with pytest.raises(DataError, match=r"picture 1 has 2 labels(.|\n)*multi-label data"):
        tellapart.open(pair)
    with pytest.raises(DataError, match="picture 2 has no label"):
        tellapart.open((X[:3], ["a", "b", None]))
    assert tellapart.open((X[:3], [["a"], ["b"], ["c"]])).class_names == ("a", "b", "c")


def test_other_axes_are_read(tmp_path):
    colours = np.stack([X, X // 2, X // 3], axis=1)
    collection = opened(tmp_path, x=colours, y=Y)
    assert np.array_equal(collection.pictures.array, np.moveaxis(colours, 1, 3))
    assert collection.inferred == ("axes: channels first, [n, 3, 12, 12]",)


def test_all_splits_share_a_scale(tmp_path):
    deep = X.astype(np.uint16) * 16
    collection = opened(tmp_path, x_train=deep, y_train=Y, x_test=deep // 8, y_test=Y)
    assert collection.value_range == (0, 4095)
    assert collection.pictures.array[30:].max() < 40


def test_what_is_not_a_data_set_is_described(tmp_path):
    with pytest.raises(DataError, match=r"contains weights \(30, 12, 12\), moments \(3,\)"):
        opened(tmp_path, weights=X, moments=np.arange(3))


@pytest.mark.parametrize(
    "names",
    (
        ("X.npy", "Y.npy"),  # Sign Language Digits
        ("x_train.npy", "y_train.npy", "x_test.npy", "y_test.npy"),
        ("k49-train-imgs.npz", "k49-train-labels.npz", "k49-test-imgs.npz", "k49-test-labels.npz"),  # Kuzushiji-49
        ("train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy"),
    ),
)
def test_a_file_for_each_array(names, tmp_path):
    arrays = (X, Y) if len(names) == 2 else (*TRAIN, *TEST)
    for name, array in zip(names, arrays, strict=True):
        (np.savez if name.endswith("z") else np.save)(tmp_path / name, array)
    collection = tellapart.open(tmp_path)
    assert np.array_equal(collection.pictures.array[..., 0], X)
    assert collection.labels.tolist() == Y.tolist()
    assert collection.given_splits == (() if len(names) == 2 else ("train", "test"))
    assert collection.notes == collection.inferred == ()


def test_files_of_arrays_that_are_not_plain(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", np.array([{}] * 30), allow_pickle=True)
    with pytest.raises(DataError, match=r"y\.npy: is not a plain array \(Object arrays(.|\n)*pickles are never opened"):
        tellapart.open(tmp_path)
    (tmp_path / "y.npy").write_bytes(b"hello")
    with pytest.raises(DataError, match=r"y\.npy: "):
        tellapart.open(tmp_path)


def saved(folder, **arrays):
    for name, array in arrays.items():
        path = folder / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)
    return folder


def test_one_archive_for_each_split(tmp_path):
    names = np.array(["ant", "bee", "cat"])
    for split, (pixels, labels) in {"train": TRAIN, "test": TEST}.items():
        np.savez(tmp_path / f"{split}.npz", x=pixels, y=labels, class_names=names)
    collection = tellapart.open(tmp_path)
    assert (collection.given_splits, collection.class_names) == (("train", "test"), tuple(names))
    assert np.array_equal(collection.pictures.array[..., 0], X)
    assert collection.notes == ()
    np.savez(tmp_path / "test.npz", x=TEST[0], y=TEST[1], class_names=names[::-1])
    with pytest.raises(DataError, match="class_names differ"):
        tellapart.open(tmp_path)


def test_folders_of_splits_with_an_array_in_each_file(tmp_path):
    arrays = {"train/images": TRAIN[0], "train/labels": TRAIN[1], "val/images": TEST[0], "val/labels": TEST[1]}
    collection = tellapart.open(saved(tmp_path, **arrays))
    assert collection.given_splits == ("train", "validation")
    assert np.array_equal(collection.pictures.array[..., 0], X)


def test_several_archives_are_named(tmp_path):
    """Several of MedMNIST's files."""
    for name in ("pathmnist", "bloodmnist"):
        np.savez(tmp_path / f"{name}.npz", train_images=X, train_labels=Y)
    with pytest.raises(DataError, match=r"contains 2 NumPy archives \(bloodmnist.npz, pathmnist.npz\)"):
        tellapart.open(tmp_path)


def test_an_array_for_each_class(tmp_path):
    """The bitmaps of Quick, Draw!"""
    rows = X.reshape(30, 144)
    drawn = {"full_numpy_bitmap_hot dog": rows[:20], "full_numpy_bitmap_hot tub": rows[20:]}
    collection = tellapart.open(saved(tmp_path, **drawn))
    assert collection.class_names == ("hot dog", "hot tub")
    assert collection.class_counts().tolist() == [20, 10]
    assert collection.inferred[0] == "label: from the names of the .npy files"


@pytest.mark.parametrize("names", (("x_train", "x_test"), ("train", "test"), ("images", "vectors")))
def test_arrays_without_labels_are_no_classes(tmp_path, names):
    with pytest.raises(DataError, match="contains no labelled pictures"):
        tellapart.open(saved(tmp_path, **dict.fromkeys(names, X)))
