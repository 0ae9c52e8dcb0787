import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.errors import DataError, UsageError
from tellapart.evaluation.comparison import Contender, compare
from tellapart.evaluation.evaluation import Evaluation
from tellapart.progress import Note, silent
from tests.conftest import make_collection, write_folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = write_folder(tmp_path_factory.mktemp("photos") / "photos", 90)
    where = tmp_path_factory.mktemp("runs")
    return [tellapart.train(folder, recipe=name, epochs=2, runs=where, on_event=silent) for name in ("dense", "quick")]


def contender(name, right):
    """One that gets the given ones of ten pictures right."""
    values = np.where(np.array(right)[:, None] == np.array([[True, False]]), 0.9, 0.1).astype(np.float32)
    found = Evaluation("test", ("a", "b"), np.zeros(10, int), values, np.arange(10), tuple("abcdefghij"), "x", ())
    return Contender(name, found, 1, 2, 3.0, 1e-4, 1e-5, 100)


def test_the_paired_difference_by_hand():
    first = contender("first", [True] * 6 + [False] * 4)
    second = contender("second", [True] * 5 + [False] + [True] * 3 + [False])
    found = compare("test", [first, second]).differences[0]
    assert (found.gained, found.lost) == (3, 1)
    assert found.value == pytest.approx(0.2)
    assert found.interval[0] < 0 < found.interval[1]
    assert found.p == pytest.approx(2 * (4 + 1) / 16)
    assert "not a significant difference" in str(found)


def test_two_runs_side_by_side(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = tellapart.compare([runs[0].path, runs[1].path], on_event=silent)
    assert found.count == 18
    values = json.loads(json.dumps(found.to_dict()))
    assert [model["name"] for model in values["models"]] == ["photos-dense-001", "photos-quick-001"]
    for model, run in zip(values["models"], runs, strict=True):
        assert model["accuracy"] == run.evaluations["test"].accuracy
        assert model["parameters"] == run.model.network.count_params()
        assert model["bytes"] == run.model_path.stat().st_size
        assert model["train_seconds"] > 0
        assert 0 < model["batch_picture_seconds"] < model["single_picture_seconds"]
    right = [run.evaluations["test"].accuracy for run in runs]
    assert values["differences"][0]["difference"] == pytest.approx(right[1] - right[0])
    text = str(found)
    assert text.splitlines()[-1] == "drawn: tellapart-out/comparison.png"
    assert values["output"] == "tellapart-out/comparison.png"
    for words in ("parameters", "photos-quick-001 compared with photos-dense-001:", "95 % interval", "training"):
        assert words in text
    with Image.open(tmp_path / "tellapart-out" / "comparison.png") as drawn:
        assert drawn.width > 300
    assert json.loads((runs[0].path / "run.json").read_text())["test_evaluations"] == 2
    assert "<svg" in found._repr_html_()


def test_the_table_fits_80_and_40_columns_in_human_units(monkeypatch):
    right = [True] * 8 + [False] * 2
    contenders = []
    for name, seconds in (("flowers-photos-001", 0.044151), ("flowers-dense-002", 0.00026)):
        evaluation = contender(name, right).evaluation
        contenders.append(Contender(name, evaluation, 1_274_326, 3, 2_640.0, seconds, 1e-5, 461_234))
    found = compare("test", contenders, "flowers")
    monkeypatch.setenv("COLUMNS", "80")
    text = str(found)
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("test split of flowers: 10 pictures (accuracy with its 95 % interval)\n")
    assert "flowers-photos-001  80 % (49 to 94 %)  44 min    44 ms    1.27 M      461 kB" in text
    assert "flowers-dense-002   80 % (49 to 94 %)  44 min    0.26 ms" in text
    monkeypatch.setenv("COLUMNS", "40")
    lines = str(found).splitlines()
    assert max(map(len, lines)) <= 40
    place = lines.index("flowers-photos-001")
    assert lines[place + 1 : place + 3] == ["  accuracy: 80 % (49 to 94 %)", "  training: 44 min"]
    assert repr(found) == "<Comparison of flowers-photos-001, flowers-dense-002>"


def test_the_drawing_has_human_units():
    contenders = [contender("a", [True] * 10), contender("b", [True] * 10)]
    panels = {panel.label: panel.words for panel in compare("test", contenders).plot().plots if hasattr(panel, "words")}
    assert panels["time to predict one picture, ms"] == ["0.1 ms", "0.1 ms"]
    assert panels["parameters, millions"] == ["1", "1"]
    assert panels["time to train, s"] == ["3.0 s", "3.0 s"]
    assert panels["model file, MB"] == ["100 bytes", "100 bytes"]


@pytest.mark.usefixtures("sketched")
def test_the_data_may_come_last(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(runs[0].path.parent.parent)
    folder = json.loads((runs[0].path / "run.json").read_text())["options"]["data"]
    notes = []
    found = tellapart.compare([runs[0].path, runs[1].path, folder], output=tmp_path / "a.png", on_event=notes.append)
    assert found.count == 18
    assert found.data == "photos"
    texts = [note.text for note in notes if isinstance(note, Note)]
    assert f"data: {folder} (the last argument, which is not a model)" in texts
    again = tellapart.compare([runs[0], runs[1]], data=folder, output=tmp_path / "a.png", on_event=silent)
    assert again.differences[0].value == found.differences[0].value


@pytest.mark.usefixtures("sketched")
def test_what_cannot_be_compared(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="compare with 1 model\n  expected: two or more models"):
        tellapart.compare([runs[0].path], on_event=silent)
    with pytest.raises(UsageError, match="compare with 1 model and the data digits"):
        tellapart.compare([runs[0].path, "digits"], on_event=silent)
    other = tellapart.train(
        make_collection(60, splits=False).with_class_names(["across", "down", "dots"]), recipe="dense", epochs=1,
        runs=tmp_path, on_event=silent,
    )  # fmt: skip
    with pytest.raises(UsageError, match=r"has other classes than .* \(only one of them has dots, squares\)"):
        tellapart.compare([runs[0].path, other.path], on_event=silent)
    assert not (tmp_path / "tellapart-out").exists()


@pytest.mark.usefixtures("sketched")
def test_pictures_that_one_of_them_saw_are_left_out(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = json.loads((runs[0].path / "run.json").read_text())["options"]["data"]
    other = tellapart.train(folder, recipe="dense", epochs=1, seed=5, runs=tmp_path, on_event=silent)
    found = tellapart.compare([runs[0].path, other.path], on_event=silent)
    assert 0 < found.count < 18
    with pytest.raises(DataError, match="were evaluated on different pictures"):
        compare("test", [contender("a", [True] * 10), _with_other_pictures(contender("b", [True] * 10))])


def _with_other_pictures(one):
    from dataclasses import replace

    return replace(one, evaluation=replace(one.evaluation, indices=np.arange(1, 11)))


def test_all_pictures_have_the_test_part_in_them(runs, tmp_path, monkeypatch):
    from tellapart.training.run_folder import RunFolder

    monkeypatch.chdir(tmp_path)
    before = [RunFolder(run.path).read().get("test_evaluations", 1) for run in runs]
    tellapart.compare([run.path for run in runs], split="all", on_event=silent)
    assert [RunFolder(run.path).read()["test_evaluations"] for run in runs] == [number + 1 for number in before]


def test_the_exact_test_has_a_say_too():
    """Of a thousand pictures five gained and none lost: the interval excludes 0, and p is 0.0625."""
    right = np.ones(1000, bool)
    worse = right.copy()
    worse[:5] = False
    contenders = []
    for name, known in (("first", worse), ("second", right)):
        values = np.where(known[:, None] == np.array([[True, False]]), 0.9, 0.1).astype(np.float32)
        keys = tuple(map(str, range(1000)))
        found = Evaluation("test", ("a", "b"), np.zeros(1000, int), values, np.arange(1000), keys, "x", ())
        contenders.append(Contender(name, found, 1, 2, 3.0, 1e-4, 1e-5, 100))
    found = compare("test", contenders).differences[0]
    assert found.interval[0] > 0
    assert found.p == pytest.approx(0.0625)
    assert "not a significant difference" in str(found)


@pytest.mark.usefixtures("sketched")
def test_leaked_pictures_decide_nothing(tmp_path, monkeypatch):
    """The test split that the data gives holds two pictures of its training split."""
    monkeypatch.chdir(tmp_path)
    collection = make_collection(120)
    pixels = np.stack([collection.read(i) for i in range(len(collection))])
    test, train = collection.indices("test"), collection.indices("train")
    pixels[test[:2]] = pixels[train[:2]]
    labels = collection.labels.copy()
    labels[test[:2]] = labels[train[:2]]
    np.savez(tmp_path / "data.npz", x_train=pixels[train], y_train=labels[train], x_test=pixels[test],
             y_test=labels[test])  # fmt: skip
    runs = [
        tellapart.train(tmp_path / "data.npz", recipe="dense", epochs=1, seed=seed, runs=tmp_path, on_event=silent)
        for seed in (0, 1)
    ]
    notes = []
    found = tellapart.compare([run.path for run in runs], on_event=notes.append)
    assert found.count == len(test) - 2
    assert any(
        "2 more are left out because training saw them or duplicates of them" in n.text
        for n in notes
        if isinstance(n, Note)
    )
    assert any("has now been evaluated 2 times" in n.text for n in notes if isinstance(n, Note))


@pytest.mark.usefixtures("sketched")
def test_all_of_data_that_has_grown_leaves_out_what_either_saw(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"recipe": "dense", "epochs": 1, "runs": tmp_path / "runs", "on_event": silent}
    folder = write_folder(tmp_path / "photos", 60)
    first = tellapart.train(folder, **options)
    write_folder(tmp_path / "new", 60, seed=9)
    for file in (tmp_path / "new").rglob("*.png"):
        file.rename(folder / file.parent.name / f"new{file.name}")
    second = tellapart.train(folder, **options)
    notes = []
    tellapart.compare([first.path, second.path], data=folder, split="all", on_event=notes.append)
    seen = {row["content"] for run in (first, second) for row in rows_of(run) if row["split"] != "test"}
    fresh = sum(row["content"] not in seen for row in rows_of(second))
    assert 0 < fresh < 30
    said = f"all: {fresh} pictures, those in this split for every model; {120 - fresh} more are left out"
    assert any(note.text.startswith(said) for note in notes if isinstance(note, Note))


def rows_of(run):
    return list(csv.DictReader((run.path / "split.csv").read_text().splitlines()))


@pytest.mark.usefixtures("sketched")
def test_pictures_of_training_alone_are_nothing_to_compare_by(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = make_collection(60, splits=False)
    runs = [
        tellapart.train(data, recipe="dense", epochs=1, test=0, validation=0, seed=seed, runs=tmp_path, on_event=silent)
        for seed in (0, 1)
    ]
    with pytest.raises(DataError, match="each of these 60 pictures was used to train at least one of the models"):
        tellapart.compare([run.path for run in runs], data=data, split="all", on_event=silent)
    notes = []
    tellapart.evaluate(runs[0].path, data, split="all", on_event=notes.append)
    found = tellapart.evaluate(runs[0].path, data, split="all", on_event=notes.append)
    assert found.test_evaluations is None  # there is no test split to look at


@pytest.mark.usefixtures("sketched")
def test_class_names_for_numbered_labels(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = make_collection(60, splits=False)
    runs = [
        tellapart.train(data, recipe="dense", epochs=1, seed=seed, runs=tmp_path, on_event=silent) for seed in (0, 1)
    ]
    other = make_collection(30, splits=False)
    np.savez(tmp_path / "new.npz", x=np.stack([other.read(i) for i in range(30)]) // 2, y=other.labels)
    (tmp_path / "names.txt").write_text("\n".join(data.class_names))
    paths = [run.path for run in runs]
    with pytest.raises(DataError, match="has classes that the model does not know") as caught:
        tellapart.compare(paths, data=tmp_path / "new.npz", on_event=silent)
    assert "--classes" in caught.value.action
    found = tellapart.compare(paths, data=tmp_path / "new.npz", classes=tmp_path / "names.txt", on_event=silent)
    assert found.count == 30


@pytest.mark.usefixtures("sketched")
def test_pictures_of_groups_promise_less(tmp_path, monkeypatch):
    from dataclasses import replace

    monkeypatch.chdir(tmp_path)
    data = replace(make_collection(60, splits=False), groups=np.repeat([f"s{i}" for i in range(12)], 5))
    run = tellapart.train(data, recipe="dense", epochs=1, runs=tmp_path, on_event=silent)
    shutil.copytree(run.path, tmp_path / "copy")
    test = run.evaluations["test"]
    assert test.summary()["groups"] == len(set(test.groups))
    assert f"the pictures come from {len(set(test.groups))} groups; the accuracy interval accounts for that" in str(
        test
    )
    found = tellapart.compare([run.path, tmp_path / "copy"], data=data, on_event=silent)
    assert "the differences and p-values count each picture as independent" in " ".join(str(found).split())
