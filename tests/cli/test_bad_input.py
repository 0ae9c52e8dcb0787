"""Wrong input at the terminal: the words, the exit code, and nothing left behind."""

import gzip
import io
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tellapart.cli.main import app
from tellapart.data.download import LOCK
from tests.conftest import stripes, write_folder


def tellapart(*words, code=2):
    result = CliRunner().invoke(app(list(words)), list(words), env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result


def refused(folder, *words, code=2):
    """The message of a refused training; the folder for runs must not have come into being."""
    result = tellapart("train", *map(str, words), "--runs", str(folder / "runs"), code=code)
    assert not (folder / "runs").exists()
    assert result.stdout == ""
    message = result.stderr[result.stderr.index("error:") :]
    assert "\n  expected: " in message
    assert not message.rstrip("\n").endswith("to do: ")
    return message


HEADER = "label," + ",".join(f"pixel{i}" for i in range(1, 17))


def write_csv(folder, rows, header=HEADER):
    path = folder / "data.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


GOOD = [f"{i % 2}," + ",".join(["7"] * 16) for i in range(8)]


def test_a_path_that_does_not_exist(tmp_path):
    message = refused(tmp_path, "digit")
    assert "'digit' is not a file, a folder or the name of a data set" in message
    assert "did you mean digits?" in message
    (tmp_path / "flowers").mkdir()
    assert f"did you mean {tmp_path / 'flowers'}?" in refused(tmp_path, str(tmp_path / "flower"))


def test_an_empty_folder(tmp_path):
    (tmp_path / "empty").mkdir()
    assert f"{tmp_path / 'empty'}: the folder is empty" in refused(tmp_path, tmp_path / "empty")


def test_loose_pictures(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    message = refused(tmp_path, tmp_path)
    assert "1 picture outside class folders (a.png), and none in one" in message
    assert "one folder per class" in message


def test_one_class_only(tmp_path):
    folder = write_folder(tmp_path / "data")
    for name in ("down", "squares"):
        for file in (folder / name).iterdir():
            file.unlink()
        (folder / name).rmdir()
    assert "has only one class, 'across'" in refused(tmp_path, folder)


def test_a_class_with_one_picture(tmp_path):
    folder = write_folder(tmp_path / "data")
    (folder / "alone").mkdir()
    Image.new("L", (4, 4)).save(folder / "alone" / "a.png")
    message = refused(tmp_path, folder)
    assert "the class 'alone' has 1 picture" in message
    assert "at least 3, one each for train, test, validation" in message


def test_a_csv_without_labels(tmp_path):
    path = write_csv(tmp_path, [row[2:] for row in GOOD], header=",".join(f"pixel{i}" for i in range(1, 17)))
    assert f"{path}: has no column 'label' (it has pixel1, pixel2, pixel3, pixel4, ...)" in refused(tmp_path, path)


def test_a_csv_with_a_short_row(tmp_path):
    path = write_csv(tmp_path, [*GOOD, "1,7,7"])
    message = refused(tmp_path, path)
    assert f"{path}, line 10: has 3 values" in message
    assert "17, as in the header" in message


def test_text_among_pixels(tmp_path):
    path = write_csv(tmp_path, [*GOOD, "1," + ",".join(["7"] * 15 + ["seven"])])
    assert f"{path}, line 10, column pixel16: 'seven' is not a pixel" in refused(tmp_path, path)


def test_a_pixel_out_of_range(tmp_path):
    path = write_csv(tmp_path, [*GOOD, "1," + ",".join(["256"] + ["7"] * 15)])
    message = refused(tmp_path, path)
    assert f"{path}, line 10, column pixel1: 256 is not a pixel" in message
    assert "pixels from 0 to 255" in message


def test_a_wrong_pixel_count(tmp_path):
    path = write_csv(tmp_path, ["1,7,7,7,7,7"] * 3, header="label,pixel1,pixel2,pixel3,pixel4,pixel5")
    message = refused(tmp_path, path)
    assert f"{path}: has 5 pixel columns" in message
    assert "784 = 28 x 28" in message


def write_idx(folder, magic=b"\0\0\x08\x03", drop=0, labels=None):
    pixels, numbers = stripes(30)
    data = magic + struct.pack(">3I", 30, 12, 12) + pixels.tobytes()
    (folder / "train-images-idx3-ubyte").write_bytes(data[: len(data) - drop])
    numbers = numbers.astype(np.uint8) if labels is None else np.array(labels, np.uint8)
    (folder / "train-labels-idx1-ubyte").write_bytes(
        b"\0\0\x08\x01" + struct.pack(">I", len(numbers)) + numbers.tobytes()
    )
    return folder


def test_idx_with_a_wrong_magic_number(tmp_path):
    message = refused(tmp_path, write_idx(tmp_path, magic=b"\0\0\x07\x03"))
    assert "train-images-idx3-ubyte: starts with the bytes 00 00 07 03" in message


def test_idx_cut_short(tmp_path):
    message = refused(tmp_path, write_idx(tmp_path, drop=100))
    assert "train-images-idx3-ubyte: cut short: it contains 4,220 bytes of data" in message
    assert "4,320 bytes, for the shape (30, 12, 12) in its header" in message


def test_idx_gzip_cut_short(tmp_path):
    write_idx(tmp_path)
    plain = tmp_path / "train-images-idx3-ubyte"
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(plain.read_bytes())[:-20])
    plain.unlink()
    assert "train-images-idx3-ubyte.gz: cut short or damaged" in refused(tmp_path, tmp_path)


def test_idx_with_fewer_labels(tmp_path):
    message = refused(tmp_path, write_idx(tmp_path, labels=[0, 1]))
    assert "train-labels-idx1-ubyte: contains 2 labels" in message
    assert "30, one for each picture in train-images-idx3-ubyte" in message


def test_idx_without_labels(tmp_path):
    write_idx(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    assert "its labels are missing" in refused(tmp_path, tmp_path)


def test_labels_out_of_range(tmp_path):
    classes = tmp_path / "classes.txt"
    classes.write_text("across\ndown\n")
    message = refused(tmp_path, write_idx(tmp_path), "--classes", classes)
    assert "train/00002 has label 2" in message
    assert "labels from 0 to 1, for 2 class names" in message


def test_npz_with_pickles(tmp_path):
    np.savez(tmp_path / "data.npz", x_train=np.zeros((4, 5, 5)), y_train=np.array([{}, 1, 2, 3], dtype=object))
    message = refused(tmp_path, tmp_path / "data.npz")
    assert f"{tmp_path / 'data.npz'}: contains pickled Python objects" in message


def test_members_of_an_npz_that_are_no_arrays(tmp_path):
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("x.npy", b"no array at all")
        archive.writestr("y.npy", b"nor is this")
    message = refused(tmp_path, str(tmp_path / "data.npz"))
    assert f"{tmp_path / 'data.npz'}: x is not an array" in message
    assert "arrays as numpy.savez writes them" in message


def test_npz_with_strange_names(tmp_path):
    np.savez(tmp_path / "data.npz", cats=np.zeros((4, 5, 5)))
    assert "contains cats" in refused(tmp_path, tmp_path / "data.npz")


def test_npz_with_negative_labels(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.zeros((4, 5, 5), np.uint8), y=np.array([0, 1, -1, 0]))
    assert "picture 2 has label -1" in refused(tmp_path, tmp_path / "data.npz")


def test_an_unknown_recipe(tmp_path):
    assert "'quik' is not a recipe" in refused(tmp_path, "digits", "--recipe", "quik")


def test_a_recipe_file_with_an_unknown_field(tmp_path):
    recipe = tmp_path / "my.toml"
    recipe.write_text('base = "quick"\noptimiser = "sgd"\n')
    message = refused(tmp_path, "digits", "--recipe", recipe)
    assert f"{recipe}: has the unknown field 'optimiser'" in message
    assert "did you mean optimizer?" in message


def test_a_class_in_test_that_training_lacks(tmp_path):
    folder = tmp_path / "data"
    write_folder(folder / "train")
    write_folder(folder / "test")
    (folder / "test" / "extra").mkdir()
    Image.new("L", (12, 12)).save(folder / "test" / "extra" / "a.png")
    assert "the class 'extra' is in test, but not in training" in refused(tmp_path, folder)


def test_a_class_of_which_no_picture_can_be_read(tmp_path):
    folder = write_folder(tmp_path / "data")
    for file in (folder / "down").iterdir():
        file.write_bytes(b"not a picture")
    message = refused(tmp_path, folder)
    assert "no training picture of the class 'down' can be read" in message
    assert "is not a picture of a known format" in message


def test_wrong_options(tmp_path):
    assert "--set optimizer" in refused(tmp_path, "digits", "--set", "optimizer")
    assert "epochs = 0" in refused(tmp_path, "digits", "--epochs", "0")
    assert "validation = 1.5" in refused(tmp_path, "digits", "--validation", "1.5")


@pytest.mark.parametrize("verb", ("predict", "evaluate"))
def test_a_model_file_that_is_not_one(verb, tmp_path):
    path = tmp_path / "model.keras"
    for content, words in (
        (b"hello", "is not a tellapart model (it is not a Keras archive)"),
        (b"", "is not a tellapart model"),
        (zip_of("a.txt"), "is not a tellapart model (it is another kind of archive)"),
        (zip_of("config.json", "metadata.json"), "(it is a Keras model that tellapart did not write)"),
    ):
        path.write_bytes(content)
        assert words in tellapart(verb, str(path), "digits").stderr
    assert "there is no such file" in tellapart(verb, str(tmp_path / "none.keras"), "digits").stderr


def zip_of(*names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return buffer.getvalue()


def test_a_picture_that_cannot_be_read_is_named_and_the_others_answered(stripes_run, tmp_path):
    folder = write_folder(tmp_path / "data", 3)
    (folder / "down" / "bad.png").write_bytes(b"nonsense")
    result = tellapart("predict", str(stripes_run.path), str(folder), code=1)
    assert "bad.png: is not a picture of a known format" in result.stdout
    assert len(result.stdout.strip().splitlines()) == 5
    assert result.stdout.endswith("4 pictures: 1 across, 1 down, 1 squares; 1 could not be read\n")


def test_no_network_says_where_to_put_which_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TELLAPART_DATA", raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    for name in ("http_proxy", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    message = refused(tmp_path, "mnist", code=1)
    assert "train-images-idx3-ubyte.gz" in message
    assert str(tmp_path / "cache" / "mnist") in message
    assert "$TELLAPART_DATA" in message
    files = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert [path for path in files if path.name != LOCK] == []


def test_show_where_nothing_can_be_written_still_shows(tmp_path, monkeypatch):
    from tellapart.plots import plot

    def full(figure, path):
        raise OSError(28, "No space left on device")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plot, "save_figure", full)
    result = tellapart("show", "digits", code=0)
    assert "digits: 1,797 pictures" in result.stdout
    assert "no drawing written: cannot write to" in result.stderr
    assert "No space left" in tellapart("show", "digits", "--output", "a.png").stderr


def test_a_folder_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    result = tellapart("train", "digits", "--epochs", "1", "--runs", str(tmp_path / "file" / "runs"))
    assert "cannot create the folder for runs" in result.stderr


def test_json_errors_are_json(tmp_path):
    import json

    result = tellapart("train", "nosuch", "--json")
    assert json.loads(result.stdout)["error"] == "UsageError"


@pytest.mark.parametrize(
    ("words", "said"),
    (
        (["train", "--epochs", "3", "digits", "more"], "train: Got unexpected extra argument"),
        (["train", "digits", "--epoch", "3"], "train: unknown option --epoch"),
        (["trian", "digits"], "No such command 'trian'"),
    ),
)
def test_words_that_no_verb_takes(words, said):
    import json

    result = tellapart(*words, "--json")
    assert said in result.stderr
    assert "\n  to do: " in result.stderr
    assert "see tellapart" in result.stderr
    assert said in json.loads(result.stdout)["given"]
    assert tellapart(*words).stdout == ""


def test_a_model_of_other_classes(stripes_run):
    message = tellapart("evaluate", str(stripes_run.path), "digits").stderr
    assert "has classes that the model does not know: zero, one" in message
    assert "the model's classes: across, down, squares" in message


def test_show_into_a_folder_that_does_not_exist(tmp_path):
    words = ("show", "digits", "--output", str(tmp_path / "no" / "a.png"))
    assert "its folder does not exist" in tellapart(*words).stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("option", "value", "words"),
    (
        ("epochs", "abc", "epochs = 'abc'\n  expected: a whole number, at least 1\n"),
        ("epochs", "1.5", "epochs = 1.5\n  expected: a whole number, at least 1\n"),
        ("test", "most", "test = 'most'\n  expected: a number, at least 0 and below 1\n"),
        ("minutes", "inf", "minutes = inf\n  expected: a finite number, at least 0.1667\n"),
        ("precision", "half", "precision = 'half'\n  expected: auto, float32 or bfloat16\n"),
        ("max-error-rate", "2", "max_error_rate = '2'\n  expected: a share between 0 and 1, such as 1% or 0.01\n"),
    ),
)
def test_a_wrong_value_is_answered_with_what_the_option_accepts(option, value, words):
    assert words in tellapart("train", "digits", f"--{option}", value).stderr


def test_an_unknown_option_gets_a_suggestion_only_if_one_is_similar():
    assert "to do: did you mean --epochs? Otherwise see tellapart train --help" in tellapart(
        "train", "digits", "--epoch", "3").stderr  # fmt: skip
    result = tellapart("train", "digits", "--gizmo", "gpu")
    assert "tellapart train: unknown option --gizmo\n" in result.stderr
    assert "recipe" not in result.stderr
