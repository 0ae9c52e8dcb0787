"""Each check on collections with one fault planted, and on one without."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart import leaves
from tellapart.checks import run_checks
from tellapart.data.finding import Checked, CheckResult, CleanList, Finding
from tellapart.data.inspect import inspect
from tellapart.data.label_errors import LabelErrors
from tests.photos import encoded, folder, photo

CHECKS = "tellapart.checks"


def run_check(path, name, predictions=None):
    collection = tellapart.open(path)
    return leaves.load(CHECKS, name, "a check").find(Checked(inspect(collection), predictions)), collection


@pytest.mark.parametrize("name", leaves.names(CHECKS))
def test_every_check_meets_the_contract(name, tmp_path):
    module = leaves.load(CHECKS, name, "a check")
    assert module.__doc__.splitlines()[0].endswith(".")
    assert isinstance(module.POSITION, int)
    assert module.TITLE
    findings, _ = run_check(folder(tmp_path, 60), name)
    assert not findings  # a clean folder; None if the check lacks what it needs


def test_positions_differ():
    positions = [leaves.load(CHECKS, name, "a check").POSITION for name in leaves.names(CHECKS)]
    assert len(set(positions)) == len(positions)


def test_unreadable(tmp_path):
    folder(tmp_path)
    cut = (tmp_path / "cats" / "000.jpg").read_bytes()[:800]
    (tmp_path / "cats" / "000.jpg").write_bytes(cut)
    (tmp_path / "dogs" / "text.jpg").write_text("not a picture")
    findings, collection = run_check(tmp_path, "unreadable")
    assert [collection.keys[finding.drop[0]] for finding in findings] == ["cats/000.jpg", "dogs/text.jpg"]
    assert "is not a picture of a known format" in findings[1].words


def test_extensions(tmp_path):
    (folder(tmp_path) / "cats" / "png.jpg").write_bytes(encoded(photo(99), "PNG"))
    findings, _ = run_check(tmp_path, "extensions")
    assert [finding.words for finding in findings] == ["cats/png.jpg: the format is PNG"]


def test_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    (folder(tmp_path) / "cats" / "turned.jpg").write_bytes(encoded(photo(99), exif=exif.tobytes()))
    findings, _ = run_check(tmp_path, "upright")
    assert [finding.words for finding in findings] == ["cats/turned.jpg: EXIF orientation 3"]


def test_colour(tmp_path):
    (folder(tmp_path) / "cats" / "grey.jpg").write_bytes(encoded(photo(99, channels=1)[:, :, 0]))
    findings, collection = run_check(tmp_path, "colour")
    assert [finding.words for finding in findings] == ["cats/grey.jpg: greyscale; most pictures are in colour"]
    remark = leaves.load(CHECKS, "colour", "a check").remark(Checked(inspect(collection)), findings)
    assert remark.words == "These are greyscale; most pictures are in colour."


def test_sizes(tmp_path):
    cats = folder(tmp_path) / "cats"
    (cats / "tiny.jpg").write_bytes(encoded(photo(99)[:16, :16]))
    (cats / "long.png").write_bytes(encoded(np.tile(photo(98), (1, 4, 1)), "PNG"))
    findings, _ = run_check(tmp_path, "sizes")
    assert [finding.words for finding in findings] == [
        "cats/long.png: 512 x 96, aspect ratio 5.3",
        "cats/tiny.jpg: 16 x 16; the median shorter side is 96",
    ]


def test_light(tmp_path):
    cats = folder(tmp_path) / "cats"
    (cats / "blank.png").write_bytes(encoded(np.full((96, 96, 3), 200, np.uint8), "PNG"))
    (cats / "dark.png").write_bytes(encoded(photo(99) // 8, "PNG"))
    findings, collection = run_check(tmp_path, "light")
    assert [finding.words.split(" (")[0] for finding in findings] == [
        "cats/blank.png: a single colour",
        "cats/dark.png: very dark",
    ]
    assert [collection.keys[i] for finding in findings for i in finding.drop] == ["cats/blank.png"]


def test_a_mark_on_white_paper_is_not_blank(tmp_path, monkeypatch):
    cats = folder(tmp_path) / "cats"
    paper = np.full((1000, 1000, 3), 255, np.uint8)
    paper[500:512, 500:512] = 0
    (cats / "paper.png").write_bytes(encoded(paper, "PNG"))
    assert not run_check(tmp_path, "light")[0]
    monkeypatch.setattr("tellapart.data.duplicates.MAX_COMPARED", 3)  # of more, no small copies are kept
    assert not run_check(tmp_path, "light")[0]


@pytest.mark.parametrize("turned", (0, 1, 2, 3))
def test_cut_off(tmp_path, turned):
    cats = folder(tmp_path) / "cats"
    cut, framed = photo(99).copy(), photo(98).copy()
    cut[64:] = 128
    framed[:20], framed[-20:] = 128, 128
    (cats / "cut.jpg").write_bytes(encoded(np.rot90(cut, turned), quality=90))
    (cats / "framed.jpg").write_bytes(encoded(np.rot90(framed, turned), quality=90))
    findings, _ = run_check(tmp_path, "cut-off")
    assert [finding.words for finding in findings] == ["cats/cut.jpg: 31 % of the picture is plain grey"]


def test_a_group_with_near_duplicates_is_not_reported_as_exact(tmp_path):
    folder(tmp_path, 40, ("train", "test"))
    data = [encoded(photo(77), "PNG"), encoded(photo(77), quality=70)]
    for split in ("train", "test"):
        for k, encoding in enumerate(data):
            (tmp_path / split / "cats" / f"z{k}.png").write_bytes(encoding)
    (finding,), _ = run_check(tmp_path, "leaks")
    assert finding.words.startswith("duplicates or near-duplicates in different splits: ")


def test_a_jpeg_that_was_cut_and_closed_again(tmp_path):
    """As it is, and saved again by a program that does not notice."""
    cats = folder(tmp_path) / "cats"
    whole = encoded(photo(99), quality=95)
    closed = whole[: len(whole) * 2 // 3] + b"\xff\xd9"
    (cats / "closed.jpg").write_bytes(closed)
    (cats / "saved.jpg").write_bytes(encoded(np.asarray(Image.open(io.BytesIO(closed))), quality=95))
    findings, _ = run_check(tmp_path, "cut-off")
    assert [finding.words.split(":")[0] for finding in findings] == ["cats/saved.jpg"]
    findings, _ = run_check(tmp_path, "unreadable")
    assert [finding.words.split(":")[0] for finding in findings] == ["cats/closed.jpg"]


def test_blur(tmp_path):
    from PIL import ImageFilter

    soft = np.asarray(Image.fromarray(photo(99)).filter(ImageFilter.GaussianBlur(4)))
    (folder(tmp_path, 40) / "cats" / "soft.png").write_bytes(encoded(soft, "PNG"))
    findings, _ = run_check(tmp_path, "blur")
    assert [finding.words.split(":")[0] for finding in findings] == ["cats/soft.png"]


@pytest.mark.parametrize("filter", (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS))
def test_enlarged(tmp_path, filter):
    """Enlarged from 32 x 24 pixels; the estimate depends a little on the filter."""
    for i in range(12):
        small = Image.fromarray(photo(i)).resize((32, 24), Image.Resampling.LANCZOS)
        home = tmp_path / ("cats", "dogs")[i % 2]
        home.mkdir(exist_ok=True)
        (home / f"{i}.jpg").write_bytes(encoded(np.asarray(small.resize((128, 96), filter))))
    (finding,), _ = run_check(tmp_path, "enlarged")
    assert "have no more detail at 128 x 96 than at" in finding.words
    width, height = map(int, finding.words.split(" than at ")[1].split(":")[0].split(" x "))
    assert 24 <= width <= 48
    assert 18 <= height <= 36


def test_duplicates_conflicts_and_leaks(tmp_path):
    folder(tmp_path, splits=("train", "test"))
    (tmp_path / "train" / "cats" / "again.jpg").write_bytes(encoded(photo(0), quality=50))  # of train/cats/000.jpg
    (tmp_path / "train" / "dogs" / "turned.jpg").write_bytes(encoded(photo(8)[:, ::-1]))  # which may be its class
    copy = (tmp_path / "train" / "cats" / "004.jpg").read_bytes()
    (tmp_path / "train" / "dogs" / "same.jpg").write_bytes(copy)
    (tmp_path / "train" / "cats" / "leak.png").write_bytes(encoded(photo(1), "PNG"))  # of test/cats/001.jpg
    same, collection = run_check(tmp_path, "duplicates")
    assert [[collection.keys[i] for i in finding.pictures] for finding in same] == [
        ["train/cats/000.jpg", "train/cats/again.jpg"]
    ]
    assert [collection.keys[i] for i in same[0].drop] == ["train/cats/again.jpg"]
    conflict, _ = run_check(tmp_path, "conflicts")
    assert [{collection.keys[i] for i in finding.drop} for finding in conflict] == [
        {"train/cats/004.jpg", "train/dogs/same.jpg"}
    ]
    leak, _ = run_check(tmp_path, "leaks")
    assert [[collection.keys[i] for i in finding.drop] for finding in leak] == [["train/cats/leak.png"]]
    assert "test/cats/001.jpg (test)" in leak[0].words


def test_a_conflict_shows_both_sides(tmp_path):
    folder(tmp_path, 40)
    copy = (tmp_path / "cats" / "000.jpg").read_bytes()
    for i in range(8):
        (tmp_path / "cats" / f"again{i}.jpg").write_bytes(copy)
    (tmp_path / "dogs" / "copy.jpg").write_bytes(copy)
    (finding,), collection = run_check(tmp_path, "conflicts")
    assert {collection.label(i) for i in finding.pictures[:2]} == {"cats", "dogs"}
    assert "dogs/copy.jpg (dogs)" in finding.words
    assert finding.words.endswith(" and 4 more")


def test_a_copy_in_validation_drops_the_training_picture_though_test_has_a_near_duplicate(tmp_path):
    folder(tmp_path, 60, ("train", "validation", "test"))
    copy = (tmp_path / "train" / "cats" / "000.jpg").read_bytes()
    (tmp_path / "validation" / "cats" / "copy.jpg").write_bytes(copy)
    (tmp_path / "test" / "dogs" / "near.jpg").write_bytes(encoded(photo(0), quality=70))
    (finding,), collection = run_check(tmp_path, "leaks")
    assert [collection.keys[i] for i in finding.drop] == ["train/cats/000.jpg"]
    assert finding.words.startswith("duplicates or near-duplicates in different splits: ")


def test_an_empty_class_does_not_hide_class_imbalance(tmp_path):
    folder(tmp_path, 60)
    for path in sorted((tmp_path / "dogs").iterdir())[2:]:
        path.unlink()
    collection = tellapart.open(tmp_path, class_names=["birds", "cats", "dogs"])
    findings = leaves.load(CHECKS, "classes", "a check").find(Checked(inspect(collection)))
    assert findings[-1].words == "cats has 15 times as many pictures as dogs: 30 and 2"


def test_classes(tmp_path):
    folder(tmp_path, 60)
    for path in sorted((tmp_path / "dogs").iterdir())[2:]:
        path.unlink()
    findings, _ = run_check(tmp_path, "classes")
    assert [finding.words for finding in findings] == [
        "dogs: 2 readable pictures",
        "cats has 15 times as many pictures as dogs: 30 and 2",
    ]


def judged(labels, wrong):
    """Predictions for two classes that are as often right as they are sure, from 50 to 99.99 %, but for `wrong`."""
    sure = 1 / (1 + np.exp(-np.linspace(0, 9, len(labels))))
    contradict = (np.diff(np.floor(np.cumsum(1 - sure)), prepend=0) > 0) & (sure < 0.95)
    given = np.where(contradict, 1 - sure, sure)
    given[list(wrong)] = 0.0001
    return np.where(np.eye(2)[labels] == 1, given[:, None], 1 - given[:, None])


def test_labels(tmp_path):
    collection = tellapart.open(folder(tmp_path, 90))
    values = judged(collection.labels, [64, 71])
    values[7] = np.nan
    findings, _ = run_check(tmp_path, "labels", values)
    assert [finding.pictures for finding in findings] == [(64,), (71,)]
    label, other = collection.label(64), collection.class_names[1 - collection.labels[64]]
    assert findings[0].relabel == {64: other}
    assert findings[0].detail == f"labelled {label} (<0.1 %), probably {other} (>99.9 %)"
    facts = findings[0].to_dict(collection)
    assert (facts["label"], facts["suggested"]) == (label, other)
    assert (facts["probability"], facts["suggested_probability"]) == pytest.approx((0.0001, 0.9999))
    assert 0.5 < facts["wrong_probability"] < 1


def test_the_remark_about_labels_says_how_good_the_models_are(tmp_path):
    collection = tellapart.open(folder(tmp_path, 90))
    labels = leaves.load(CHECKS, "labels", "a check")
    checked = Checked(inspect(collection), judged(collection.labels, [64, 71]))
    remark = labels.remark(checked, labels.find(checked))
    words = "The models trained for this predict the given label of 91 % of the pictures. Of the 2 labels listed, "
    assert remark.words.startswith(words)
    assert remark.facts["judge_accuracy"] == pytest.approx(82 / 90)
    assert remark.facts["expected_precision"] == pytest.approx(remark.facts["expected_wrong"] / 2)
    assert remark.facts["by_features"] is False
    remark = labels.remark(replace(checked, by_features=True), labels.find(checked))
    words = (
        "Classifiers on pretrained features predict the given label of 91 % of the pictures. Of the 2 labels listed, "
    )
    assert remark.words.startswith(words)
    checked = Checked(inspect(collection), judged(collection.labels, []))
    remark = labels.remark(checked, labels.find(checked))
    assert remark.words.endswith("No label is suspicious.")
    assert remark.facts["expected_precision"] is None


@pytest.mark.parametrize(
    ("listed", "suspected", "words"),
    (
        (0, 9, "9 labels are suspicious, but fewer than 50 % of these are expected to be wrong, so none is listed."),
        (0, 1, "1 label is suspicious, but it is probably right, so none is listed."),
        (1, 1, "Of the 1 label listed, about 1 (75 %) is expected to be wrong."),
        (24, 106, "Of the 24 labels listed, about 18 (75 %) are expected to be wrong. 82 more are suspicious, "
                  "but not listed because most of them are probably right."),
    ),
)  # fmt: skip
def test_how_many_of_the_listed_labels_are_expected_to_be_wrong(listed, suspected, words):
    positions = np.arange(listed)
    errors = LabelErrors(positions, positions, np.full(listed, 0.75), 0.61, 0.05, suspected)
    assert leaves.load(CHECKS, "labels", "a check")._worth(listed, errors) == words


def test_labels_in_given_test_splits_are_not_moved(tmp_path):
    collection = tellapart.open(folder(tmp_path, 90, splits=("train", "test")))
    wrong = [int(np.flatnonzero(collection.splits == split)[40]) for split in ("train", "test")]
    findings, _ = run_check(tmp_path, "labels", judged(collection.labels, wrong))
    assert {finding.pictures[0]: bool(finding.relabel) for finding in findings} == {wrong[0]: True, wrong[1]: False}


def shaded(number):
    """A still scene, a little lighter from frame to frame."""
    pixels = np.asarray(photo(7)).astype(int) + number % 3
    pixels[0, 0] = number
    return np.clip(pixels, 0, 255).astype(np.uint8)


def still_scene(path, splits=("",)):
    """Forty frames of one scene in two classes, two of them exact copies."""
    for k in range(40):
        place = path / splits[k % len(splits)] / ("cats", "dogs")[k // len(splits) % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{k:03d}.png").write_bytes(encoded(shaded(k), "PNG"))
    return path


def test_pictures_of_one_layout_are_not_dropped(tmp_path):
    still_scene(tmp_path)
    (tmp_path / "cats" / "copy.png").write_bytes((tmp_path / "cats" / "002.png").read_bytes())
    findings, collection = run_check(tmp_path, "duplicates")
    assert [collection.keys[i] for finding in findings for i in finding.drop] == ["cats/copy.png"]
    assert any("probably the same layout or camera view" in finding.words for finding in findings)


def test_leaks_of_one_layout_drop_only_exact_copies(tmp_path):
    still_scene(tmp_path, ("train", "test"))
    (tmp_path / "train" / "cats" / "copy.png").write_bytes((tmp_path / "test" / "cats" / "001.png").read_bytes())
    findings, collection = run_check(tmp_path, "leaks")
    assert [collection.keys[i] for finding in findings for i in finding.drop] == ["train/cats/copy.png"]


def test_leaks_between_classes_are_dropped_only_for_exact_copies(tmp_path):
    folder(tmp_path, 40, ("train", "test"))
    (tmp_path / "train" / "dogs" / "near.jpg").write_bytes(encoded(photo(1), quality=70))  # of test/cats/001.jpg
    findings, _ = run_check(tmp_path, "leaks")
    assert [finding.drop for finding in findings] == [()]


def test_exact_copies_do_not_count_as_one_layout(tmp_path):
    home = tmp_path / "photos"
    for name in ("cats", "dogs"):
        (home / name).mkdir(parents=True)
        for i in range(60):
            (home / name / f"{i:03d}.jpg").write_bytes(encoded(photo(100 * (name == "dogs") + i)))
    for i in range(30):
        (home / "cats" / f"copy{i}.jpg").write_bytes((home / "cats" / "000.jpg").read_bytes())
    for i in range(12):
        (home / "cats" / f"again{i}.jpg").write_bytes(encoded(photo(1), quality=80 + i))
    findings = [finding for finding in run_check(home, "duplicates")[0] if len(finding.pictures) > 10]
    assert sorted(len(finding.drop) for finding in findings) == [12, 30]


def test_the_checks_run_in_the_order_of_their_positions(tmp_path):
    results = run_checks(Checked(inspect(tellapart.open(folder(tmp_path, 60)))))
    modules = [leaves.load(CHECKS, result.name, "a check") for result in results]
    assert [module.POSITION for module in modules] == sorted(module.POSITION for module in modules)
    assert {"labels", "groups-across-splits"} == set(leaves.names(CHECKS)) - {result.name for result in results}
    assert results[0].title == "Files that cannot be read"
    assert results[0].description == "Files that cannot be read to their end."


def test_a_clean_list_counts_each_picture_once():
    results = [
        CheckResult("a", "First", "", [Finding("x", (1,), drop=(1, 2)), Finding("y", (2,), drop=(2,))]),
        CheckResult("b", "Second", "", [Finding("z", (2, 3), drop=(2, 3))]),
        CheckResult(
            "c", "Third", "", [Finding("u", (3,), relabel={3: "dogs"}), Finding("v", (4,), relabel={4: "cats"})]
        ),
        CheckResult("d", "Fourth", "", [Finding("w", (5,))]),
    ]
    clean = CleanList.of(results, command="tellapart check x")
    assert clean.left_out == {1, 2, 3}
    assert clean.moved == {4: "cats"}
    assert clean.kinds == [("First", 2, 0), ("Second", 1, 0), ("Third", 0, 1)]
    assert clean.words(1234) == "leaves out 3 of 1,234 pictures and gives 1 picture another class"
    assert CleanList.of(results[3:]).words(5) == "leaves out 0 of 5 pictures"
