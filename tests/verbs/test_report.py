"""What a training writes into the report and beside it, from real pictures and a real network."""

import errno
import re
import shutil

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.plots.plot import Plot
from tellapart.progress import Note, silent
from tests.small import SMALL


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Wide pictures of noise in three classes, which cannot be classified; one is in two classes."""
    root, rng = tmp_path_factory.mktemp("noise"), np.random.default_rng(0)
    for name in ("one", "two", "three"):
        (root / name).mkdir()
        for i in range(40):
            coarse = rng.integers(0, 256, (12, 20, 3), np.uint8)
            picture, exif = Image.fromarray(coarse).resize((300, 180), Image.Resampling.BICUBIC), Image.Exif()
            exif[0x0112] = 6 if name == "three" else 1  # upright, these are 180 wide and 300 high
            picture.save(root / name / f"{i:02d}.jpg", exif=exif)
    (root / "two" / "copy.jpg").write_bytes((root / "one" / "00.jpg").read_bytes())
    return root


@pytest.fixture(scope="module")
def run(folder, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    return tellapart.train(folder, recipe=SMALL, set=["fit=crop"], epochs=1, runs=runs, on_event=silent)


def test_mistakes_show_the_users_own_pictures_upright_and_under_a_heat_map(run):
    page = (run.path / "report.html").read_text(encoding="utf-8")
    size = r'[^>]*width="(\d+)" height="(\d+)"'
    own = re.findall(rf'<img src="data:image/webp[^>]*a picture of (\w+)"{size}', page)
    heat = re.findall(rf'<img src="data:image/webp[^>]*heat map for{size}', page)
    mistakes = page.count('class="mistake"')
    assert mistakes == min(12, run.main().count - run.main().correct) > 3
    assert heat == [("134", "224") if name == "three" else ("224", "134") for name, *_ in own[:mistakes]]
    assert [tuple(measures) for _, *measures in own[:mistakes]] == heat
    assert {"134", "224"} == {width for width, _ in heat}
    assert page.count("<span>as the network sees it</span>") == mistakes


def test_a_copy_in_another_class_is_among_the_findings(run):
    page = (run.path / "report.html").read_text(encoding="utf-8")
    words = " ".join(re.sub("<[^>]*>", " ", page).split())
    assert "Duplicates with different labels: 1" in words
    assert "one/00.jpg" in words
    assert "two/copy.jpg" in words


def test_a_large_group_of_duplicates_shows_a_picture_of_each_label(folder, tmp_path):
    """The report shows six of its pictures. A mirror image in another class is no wrong label."""
    home = tmp_path / "data"
    shutil.copytree(folder, home)
    (home / "two" / "copy.jpg").unlink()
    for k in range(8):
        (home / "one" / f"copy{k}.jpg").write_bytes((home / "one" / "00.jpg").read_bytes())
    (home / "two" / "last.jpg").write_bytes((home / "one" / "00.jpg").read_bytes())
    with Image.open(home / "one" / "01.jpg") as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(home / "two" / "mirrored.png")
    events = []
    run = tellapart.train(home, recipe=SMALL, epochs=1, runs=tmp_path, on_event=events.append)
    words = " ".join(re.sub("<[^>]*>", " ", (run.path / "report.html").read_text(encoding="utf-8")).split())
    assert "Duplicates with different labels: 1" in words
    assert "two/last.jpg" in words
    assert "and 4 more pictures" in words
    notes = [event.text for event in events if isinstance(event, Note) and "different labels" in event.text]
    assert notes == [
        "note: 1 group of duplicates with different labels (one/00.jpg (one) and two/last.jpg (two)): at least one "
        "label is wrong; tellapart check lists them"
    ]


@pytest.mark.parametrize("name", ("mistakes", "augmented", "confusion_matrix", "confusion_matrix_normalized"))
def test_drawings_are_beside_the_report(run, name):
    with Image.open(run.path / f"{name}.png") as image:
        assert min(image.size) > 200


def test_a_drawing_that_cannot_be_written_does_not_lose_the_run(folder, tmp_path, monkeypatch):
    real = Plot.save

    def save(self, path):
        if path.name in ("mistakes.png", "confusion_matrix.png"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, path)

    monkeypatch.setattr(Plot, "save", save)
    events = []
    run = tellapart.train(folder, recipe=SMALL, epochs=1, runs=tmp_path, on_event=events.append)
    assert run.evaluations["test"].count
    names = {path.name for path in run.path.iterdir()}
    assert {"report.html", "run.json", "augmented.png"} <= names
    assert "mistakes.png" not in names
    warnings = [event.text for event in events if isinstance(event, Note) and event.warning]
    words = f"note: {run.path / 'mistakes.png'}: cannot be written (No space left on device)"
    assert words in warnings
