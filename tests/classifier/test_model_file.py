import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import tellapart
from tellapart.classifier.calibration import tempered
from tellapart.classifier.model_file import read_model, write_model
from tellapart.errors import ModelFileError, UsageError
from tellapart.progress import silent
from tests.conftest import make_collection


def rewritten(source, target, change):
    """A copy of a model file with its members changed by `change(name, data)`; None drops a member."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = change(info.filename, old.read(info))
            if data is not None:
                new.writestr(info.filename, data)
    return target


def test_it_opens_in_stock_keras_with_the_same_answers(stripes_run):
    network = keras.saving.load_model(stripes_run.model_path)
    pixels = np.random.default_rng(0).integers(0, 256, (20, 12, 12, 1), np.uint8)
    classifier = tellapart.load(stripes_run.model_path)
    expected = tempered(network.predict(pixels, verbose=0), classifier.record.temperature)
    assert np.abs(classifier.probabilities(pixels) - expected).max() <= 1e-4


def test_it_round_trips_exactly(stripes_run, tmp_path):
    classifier = tellapart.load(stripes_run.model_path)
    copy = tellapart.load(classifier.save(tmp_path / "copy.keras"))
    assert copy.record == classifier.record
    assert copy.members == classifier.members
    for one, other in zip(copy.network.get_weights(), classifier.network.get_weights(), strict=True):
        assert np.array_equal(one, other)
    with pytest.raises(UsageError, match=r"does not end in \.keras"):
        classifier.save(tmp_path / "copy.h5")


def test_the_record_holds_what_the_owner_needs(stripes_run):
    with zipfile.ZipFile(stripes_run.model_path) as archive:
        record = json.loads(archive.read("tellapart.json"))
    assert record["format"] == 2
    assert record["class_names"] == ["across", "down", "squares"]
    assert record["preprocessing"]["height"] == 12
    assert record["metrics"]["test"]["accuracy"] == stripes_run.evaluations["test"].accuracy
    assert set(record["members"]) == {"config.json", "metadata.json", "model.weights.h5", "model.onnx", "ood.npz"}
    assert record["temperature"] == stripes_run.evaluations["test"].temperature > 0
    assert record["threshold_tradeoffs"][0]["threshold"] == 0
    assert record["threshold"] is None


@pytest.mark.parametrize("member", ("config.json", "metadata.json", "model.weights.h5", "model.onnx", "ood.npz"))
def test_a_changed_member_is_refused(member, stripes_run, tmp_path):
    def flip(name, data):
        return data[:-1] + bytes([data[-1] ^ 1]) if name == member else data

    with pytest.raises(ModelFileError, match=rf"is damaged \({member} has changed since it was written\)"):
        read_model(rewritten(stripes_run.model_path, tmp_path / "a.keras", flip))


@pytest.mark.parametrize("member", ("config.json", "model.onnx"))
def test_a_missing_or_added_member_is_refused(member, stripes_run, tmp_path):
    with pytest.raises(ModelFileError, match=f"members are missing, duplicated or unknown: {member}"):
        read_model(rewritten(stripes_run.model_path, tmp_path / "a.keras", lambda n, d: None if n == member else d))
    path = rewritten(stripes_run.model_path, tmp_path / "b.keras", lambda n, d: d)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../evil", "x")
    with pytest.raises(ModelFileError, match="unknown"):
        read_model(path)


def test_bytes_flipped_or_cut_anywhere_are_refused(stripes_run, tmp_path):
    data = stripes_run.model_path.read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "a.keras"
    expected = read_model(stripes_run.model_path)
    for position in rng.integers(0, len(data), 60):
        flipped = bytearray(data)
        flipped[position] ^= 1 << rng.integers(8)
        path.write_bytes(flipped)
        try:
            assert read_model(path) == expected, f"byte {position} changed the answer"
        except ModelFileError:
            continue
    for length in (1, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        with pytest.raises(ModelFileError):
            read_model(path)


def test_a_later_format_asks_for_an_upgrade(stripes_run, tmp_path):
    def later(name, data):
        return json.dumps({"format": 3, "tellapart": "9.0"}) if name == "tellapart.json" else data

    with pytest.raises(ModelFileError, match=r"written by tellapart 9\.0, in format 3"):
        read_model(rewritten(stripes_run.model_path, tmp_path / "a.keras", later))


def test_a_nonsense_record(stripes_run, tmp_path):
    def nonsense(name, data):
        return '{"format": 1}' if name == "tellapart.json" else data

    with pytest.raises(ModelFileError, match=r"tellapart\.json is not valid"):
        read_model(rewritten(stripes_run.model_path, tmp_path / "a.keras", nonsense))


def test_stock_keras_opens_it_where_there_is_no_tellapart(stripes_run, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 12, 12, 1), np.uint8)
    np.save(tmp_path / "pixels.npy", pixels)
    code = (
        "import sys\nsys.modules['tellapart'] = None\nimport keras, numpy as np\n"
        f"network = keras.saving.load_model({str(stripes_run.model_path)!r})\n"
        f"np.save({str(tmp_path / 'out.npy')!r}, network.predict(np.load({str(tmp_path / 'pixels.npy')!r}), verbose=0))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    classifier = tellapart.load(stripes_run.path)
    expected = tempered(np.load(tmp_path / "out.npy"), classifier.record.temperature)
    assert np.abs(classifier.probabilities(pixels) - expected).max() <= 1e-4


def test_every_flipped_bit_and_every_cut_is_refused(stripes_run, tmp_path):
    """Never a changed answer: wherever a byte has changed since it was written, the file is not read."""
    whole = stripes_run.model_path.read_bytes()
    path = tmp_path / "a.keras"
    rng = np.random.default_rng(0)
    with zipfile.ZipFile(stripes_run.model_path) as archive:
        headers = [info.header_offset for info in archive.infolist()]
        start = archive.start_dir
    places = {
        *range(start, len(whole)),
        *(at + i for at in headers for i in range(60)),
        *rng.integers(0, len(whole), 300),
    }
    for place in sorted(places):
        data = bytearray(whole)
        data[place] ^= 1 << rng.integers(8)
        path.write_bytes(data)
        with pytest.raises(ModelFileError, match=r"is damaged|is not a tellapart model|was written by tellapart"):
            read_model(path)
    for length in [*range(0, 200, 7), *rng.integers(0, len(whole), 60), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError):
            read_model(path)
    for more in (b"x", b"\0" * 30, whole[-100:]):
        path.write_bytes(whole + more)
        with pytest.raises(ModelFileError):
            read_model(path)
    path.write_bytes(whole)
    read_model(path)


def test_a_full_disk_is_named_and_changes_nothing(stripes_run, tmp_path, monkeypatch):
    path = tmp_path / "a.keras"
    path.write_bytes(stripes_run.model_path.read_bytes())
    record, members = read_model(path)

    def full(handle):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(ModelFileError, match=r"a model file of [\d,]+ bytes cannot be written \(No space left"):
            write_model(path, record, members)
    assert path.read_bytes() == stripes_run.model_path.read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["a.keras"]


@pytest.mark.parametrize("names", (("a", "b"), ("a", "b", "c", "d"), ("a", "b", "b")))
def test_class_names_that_are_not_the_networks(stripes_run, tmp_path, names):
    classifier = tellapart.load(stripes_run.model_path)
    path = tmp_path / "a.keras"
    write_model(path, classifier.record.model_copy(update={"class_names": names}), classifier.members)
    with pytest.raises(ModelFileError, match=r"is damaged \(\d different class names for a network of 3 outputs\)"):
        tellapart.load(path)


@pytest.mark.parametrize(
    "change",
    (
        {"training": {"data": [], "recipe": "x", "class_counts": "many"}},
        {"training": {"recipe": {"name": 3}, "class_counts": [1]}},
        {"metrics": {"test": {"count": 1}}},
        {"metrics": {"test": 5}},
    ),
)
def test_a_record_of_odd_words_is_a_model_all_the_same(stripes_run, tmp_path, monkeypatch, change):
    monkeypatch.chdir(tmp_path)
    classifier = tellapart.load(stripes_run.model_path)
    path = tmp_path / "a.keras"
    write_model(path, classifier.record.model_copy(update=change), classifier.members)
    assert "classes:" in str(tellapart.summary(path, on_event=silent))
    data = make_collection(30, splits=False, seed=7)
    assert tellapart.evaluate(path, data, on_event=silent).count == 30
    assert tellapart.compare([path, stripes_run.model_path], data=data, on_event=silent).count == 30
