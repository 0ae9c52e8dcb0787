"""Pixel tables as data sets have them: with and without header, in any order of columns, in one cell."""

import numpy as np
import pytest

import tellapart
from tellapart.errors import DataError, UsageError
from tests.conftest import stripes

GREY = np.random.default_rng(0).integers(0, 256, (24, 8, 8), np.uint8)
LABELS = np.arange(24) % 3
X, Y = np.mgrid[:16, :16]
COLOUR = np.stack([np.stack([X * 15, Y * 15, X + Y + i], axis=-1) for i in range(24)]).astype(np.uint8)


def write(path, rows, header=None, separator=","):
    lines = ([separator.join(header)] if header is not None else []) + [separator.join(map(str, row)) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


def labelled(pictures, last=False, labels=LABELS):
    rows = []
    for picture, label in zip(pictures, labels, strict=True):
        rows.append([*picture.reshape(-1), label] if last else [label, *picture.reshape(-1)])
    return rows


def numbered(count, prefix="pixel", start=0):
    return [f"{prefix}{i}" for i in range(start, start + count)]


def check(path, pictures=GREY, inferred=(), names=("0", "1", "2"), labels=LABELS):
    collection = tellapart.open(path)
    got = collection.pictures.array
    assert np.array_equal(got if pictures.ndim == 4 else got[..., 0], pictures)
    assert collection.class_names == names
    assert collection.labels.tolist() == list(labels)
    assert collection.notes == ()
    assert len(collection.inferred) == len(inferred)
    for line, words in zip(collection.inferred, inferred, strict=True):
        assert words in line
    return collection


def test_the_usual_headers(tmp_path):
    size = [f"{row + 1}x{column + 1}" for row in range(8) for column in range(8)]
    for header in (
        ["label", *numbered(64)],  # digit-recognizer
        ["label", *numbered(64, start=1)],  # fashion-mnist, sign-language-mnist
        ["label", *size],  # mnist_train.csv of oddrationale
        ["label", *map(str, range(64))],  # pandas
        ["Class", *(f"pixel{i:04d}" for i in range(64))],  # HMNIST
        ["character", *numbered(64, "pixel_")],  # Devanagari
    ):
        check(write(tmp_path / "a.csv", labelled(GREY), header))


def test_names_with_a_size_make_pictures_that_are_not_square(tmp_path):
    header = ["label", *(f"{row}x{column}" for row in range(1, 9) for column in range(1, 7))]
    check(write(tmp_path / "a.csv", labelled(GREY[:, :, :6]), header), GREY[:, :, :6])


def test_columns_sorted_as_words_are_put_in_order(tmp_path):
    order = sorted(range(64), key=str)
    rows = [[label, *picture.reshape(-1)[order]] for picture, label in zip(GREY, LABELS, strict=True)]
    check(
        write(tmp_path / "a.csv", rows, ["label", *(f"pixel{i}" for i in order)]),
        inferred=["pixels: in the order of the numbers in the names of the columns"],
    )


@pytest.mark.parametrize("last", (False, True))
def test_without_a_header_the_label_is_at_an_end(last, tmp_path):
    """mnist_train.csv of pjreddie, and optdigits.tra; sorted by class as A_Z Handwritten Data.csv is."""
    order = np.argsort(LABELS, kind="stable")
    place = "last" if last else "first"
    path = write(tmp_path / "a.csv", labelled(GREY[order], last, LABELS[order]))
    check(path, GREY[order], [f"label: from the {place} column (the table has no header line)"], labels=LABELS[order])


def test_constant_borders_do_not_hide_the_label(tmp_path):
    framed = np.pad(GREY[:, 1:-1, 1:-1], ((0, 0), (1, 1), (1, 1)))
    check(write(tmp_path / "a.csv", labelled(framed)), framed, ["label: from the first column"])
    check(write(tmp_path / "a.csv", labelled(framed, last=True)), framed, ["label: from the last column"])


def test_ucis_digits_have_16_levels_and_splits_by_their_endings(tmp_path):
    digits = np.pad(np.concatenate([GREY // 16 + (GREY > 250), GREY // 16])[:, 1:-1, 1:-1], ((0, 0), (1, 1), (1, 1)))
    labels = np.arange(48) % 10
    write(tmp_path / "optdigits.tra", labelled(digits[:30], True, labels[:30]))
    write(tmp_path / "optdigits.tes", labelled(digits[30:], True, labels[30:]))
    collection = tellapart.open(tmp_path)
    assert collection.given_splits == ("train", "test")
    assert collection.value_range == (0, 16)
    assert "values: 0 to 16, scaled to 0 to 255" in collection.inferred
    assert collection.pictures.array.max() == 255


def test_a_numbered_header_includes_the_label(tmp_path):
    """pandas.DataFrame(array).to_csv: an index, and columns 0 to 64."""
    rows = [[i, *row] for i, row in enumerate(labelled(GREY, last=True))]
    header = ["", *map(str, range(65))]
    check(
        write(tmp_path / "a.csv", rows, header), inferred=["label: from the last of the numbered columns", "not used"]
    )


def test_an_index_and_an_id_are_not_labels(tmp_path):
    rows = [[i, f"a{i}", *row] for i, row in enumerate(labelled(GREY, last=True))]
    path = write(tmp_path / "a.csv", rows, ["Unnamed: 0", "image_id", *numbered(64), "kind"])
    check(path, inferred=["not used: Unnamed: 0, image_id"])


def test_several_columns_may_be_the_label(tmp_path):
    """age_gender.csv has age, ethnicity, gender, img_name and pixels."""
    rows = [[i, i % 2, f"{i}.jpg", " ".join(map(str, GREY[i].reshape(-1)))] for i in range(24)]
    path = write(tmp_path / "a.csv", rows, ["age", "gender", "img_name", "pixels"])
    with pytest.raises(DataError, match=r"several columns may be the label: age, gender\n(.|\n)*--label 'age'"):
        tellapart.open(path)
    assert tellapart.open(path, label="gender").class_names == ("0", "1")
    with pytest.raises(UsageError):
        tellapart.open(path, label="sex")


@pytest.mark.parametrize("separator", (";", "\t"))
def test_other_separators(separator, tmp_path):
    check(write(tmp_path / "a.csv", labelled(GREY), ["label", *numbered(64)], separator))
    check(write(tmp_path / "a.csv", labelled(GREY), None, separator), inferred=["label: from the first column"])


def test_fractions(tmp_path):
    rows = [[label, *np.round(picture.reshape(-1) / 255, 6)] for picture, label in zip(GREY, LABELS, strict=True)]
    check(write(tmp_path / "a.csv", rows, ["label", *numbered(64)]))


def test_labels_that_are_floats_or_words(tmp_path):
    check(
        write(tmp_path / "a.csv", labelled(GREY, labels=[f"{label}.0" for label in LABELS]), ["label", *numbered(64)])
    )
    words = ["abc"[label] for label in LABELS]
    check(write(tmp_path / "a.csv", labelled(GREY, labels=words), ["label", *numbered(64)]), names=("a", "b", "c"))
    check(
        write(tmp_path / "a.csv", labelled(GREY, True, words)), names=("a", "b", "c"), inferred=["label: from the last"]
    )


@pytest.mark.parametrize("planar", (False, True))
def test_the_order_of_colours_is_found(planar, tmp_path):
    """CIFAR-10 as CSV is planar, HMNIST interleaved."""
    rows = labelled(COLOUR.transpose(0, 3, 1, 2) if planar else COLOUR)
    path = write(tmp_path / "a.csv", rows, ["label", *numbered(768)])
    check(path, COLOUR, ["colours: planar" if planar else "colours: interleaved"])
    names = [f"{colour}{i}" for colour in "rgb" for i in range(256)]
    if planar:
        check(write(tmp_path / "a.csv", rows, ["label", *names]), COLOUR, ["colours: planar"])


def fer(path, usage, rows=24, cell=lambda picture: " ".join(map(str, picture.reshape(-1)))):
    return write(
        path, [[LABELS[i], cell(GREY[i]), usage[i % len(usage)]] for i in range(rows)], ["emotion", "pixels", "Usage"]
    )


def test_all_pixels_in_one_cell(tmp_path):
    """fer2013.csv"""
    path = fer(tmp_path / "fer2013.csv", ["Training", "Training", "PublicTest", "PrivateTest"])
    collection = tellapart.open(path)
    assert {split: len(collection.indices(split)) for split in collection.given_splits} == {
        "train": 12, "validation": 6, "test": 6
    }  # fmt: skip
    assert np.array_equal(collection.read(0)[..., 0], GREY[0])
    assert np.array_equal(collection.read(12)[..., 0], GREY[2])
    assert collection.inferred == ("split: from the column Usage",)
    assert collection.notes == ()


@pytest.mark.parametrize("sign", (" ", ", "))
def test_quoted_cells_and_lists_of_pixels(sign, tmp_path):
    """As R's write.csv and pandas write them."""
    path = fer(tmp_path / "a.csv", ["Training"])
    lines = [line.split(",") for line in path.read_text().splitlines()]
    pixels = [f'"[{line[1].replace(" ", sign)}]"' if sign != " " else f'"{line[1]}"' for line in lines[1:]]
    rows = [f"{line[0]},{cell},{line[2]}" for line, cell in zip(lines[1:], pixels, strict=True)]
    path.write_text("\n".join(["emotion,pixels,Usage", *rows, ""]))
    assert np.array_equal(tellapart.open(path).read(0)[..., 0], GREY[0])


@pytest.mark.parametrize("end", ("\n", "\r\n"))
def test_blank_lines_do_not_matter(end, tmp_path):
    path = fer(tmp_path / "a.csv", ["Training"])
    lines = path.read_text().splitlines()
    path.write_bytes((end.join([*lines[:4], "", *lines[4:], "", ""]) + end).encode())
    assert len(tellapart.open(path)) == 24


def test_faults_in_one_cell_are_named(tmp_path):
    path = fer(tmp_path / "a.csv", ["Training"])
    text = path.read_text()
    path.write_text(text.replace(text.splitlines()[3].split(",")[1], "1 2 3", 1))
    with pytest.raises(DataError, match="line 4: has 3 pixels"):
        tellapart.open(path)
    path.write_text(text.replace("Training", "Training2"))
    with pytest.raises(DataError, match="'Training2' in the column 'Usage' is not a valid split"):
        tellapart.open(path)


def test_emnist_as_csv_is_turned_upright(tmp_path):
    path = write(tmp_path / "emnist-letters-train.csv", labelled(GREY.transpose(0, 2, 1), labels=LABELS + 1))
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n2 66 98\n3 67 99\n4 68 100\n")
    lines = ["label: from the first", "turned upright", "class names: from EMNIST's mapping file"]
    check(path, inferred=lines, names=("A", "B", "C"))
    check(tmp_path, inferred=lines, names=("A", "B", "C"))


def test_tables_without_labels_are_named(tmp_path):
    write(tmp_path / "train.csv", labelled(GREY), ["label", *numbered(64)])
    write(tmp_path / "test.csv", [picture.reshape(-1) for picture in GREY], numbered(64))
    write(tmp_path / "sample_submission.csv", [[1, 2]], ["ImageId", "Label"])
    notes = tellapart.open(tmp_path).notes
    assert notes == ("left out: sample_submission.csv, test.csv, whose header does not have both labels and pixels",)
    with pytest.raises(DataError, match="has no column 'label'"):
        tellapart.open(tmp_path / "test.csv")


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    (
        (labelled(GREY[:, :, :7]), ["label", *numbered(56)], "has 56 pixel columns"),
        ([[*row, 1] for row in labelled(GREY)], None, "has 66 columns and no header line"),
        ([[1, "nan", *row[2:]] for row in labelled(GREY)], ["label", *numbered(64)], "line 2, column pixel0: 'nan'"),
        ([[1, "x", *row[2:]] for row in labelled(GREY)], ["label", *numbered(64)], "'x' is not a pixel"),
        (
            [[1, 999, *labelled(GREY)[0][2:]], *labelled(GREY)],
            ["label", *numbered(64)],
            "line 2, column pixel0: 999 is not",
        ),
    ),
)
def test_faults(rows, header, words, tmp_path):
    with pytest.raises(DataError, match=words):
        tellapart.open(write(tmp_path / "a.csv", rows, header))


def test_noise_without_a_header_is_not_guessed(tmp_path):
    noise = np.random.default_rng(1).integers(0, 3, (40, 8, 8))
    with pytest.raises(DataError, match="not clear whether the first or the last"):
        tellapart.open(write(tmp_path / "a.csv", labelled(noise, labels=np.arange(40) % 3)))


def test_what_is_written_is_read_without_a_word(tmp_path):
    pixels, labels = stripes(30)
    check(write(tmp_path / "a.csv", labelled(pixels, labels=labels), ["label", *numbered(144)]), pixels, labels=labels)
