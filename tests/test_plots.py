from concurrent.futures import ThreadPoolExecutor

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from tellapart.plots.answers import Bars, Calibration, Coverage, Intervals
from tellapart.plots.confusion import ConfusionMatrix, whole_percent
from tellapart.plots.inside import KernelResponse, MapRows
from tellapart.plots.learning import LearningCurve, LearningCurves
from tellapart.plots.ordering import confusion_order
from tellapart.plots.panels import Panels
from tellapart.plots.pictures import PictureGrid, overlay
from tellapart.plots.plot import shorten, shortened

HISTORY = [
    {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.1, "val_accuracy": 0.4},
    {"epoch": 2, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.9, "val_accuracy": 0.6},
]
PLOTS = [
    LearningCurves(HISTORY, 2),
    LearningCurve(HISTORY, 2, "loss"),
    ConfusionMatrix(np.array([[3, 1], [0, 4]]), ["cat", "dog <x>"]),
    Calibration(np.array([[0, np.nan, np.nan], [5, 0.6, 0.4], [5, 0.9, 1.0]]), 0.15),
    Coverage(np.array([0.3, 0.6, 0.9]), np.array([1.0, 0.5, 0.25]), np.array([0.2, 0.1, 0.0]), 0.6),
    Intervals(["a", "b"], np.array([0.1, 0.2]), np.array([[0.0, 0.2], [0.1, 0.3]]), "difference", zero=True),
    PictureGrid([np.full((4, 5, 3), 100, np.uint8)], ["cat"]),
    Bars(["a", "<x>"], np.array([1.0, 20.0]), ["1", "20"], "seconds"),
    Panels([Bars(["a"], np.array([0.0]), ["0"], "parameters")] * 3),
    KernelResponse(np.full((4, 5, 3), 100, np.uint8), np.eye(3), np.arange(20.0).reshape(4, 5), "<x>"),
    MapRows([("<x>", [np.eye(3), np.eye(4)]), ("layer", [np.zeros((2, 2))])]),
]


@pytest.mark.parametrize("plot", PLOTS, ids=lambda plot: type(plot).__name__)
def test_every_plot_draws_on_any_axis_and_in_a_page(plot, tmp_path):
    axis = Figure().subplots()
    plot.draw(axis)
    assert axis.has_data() or axis.images
    assert plot.to_dict()
    svg = plot._repr_html_()
    assert svg.startswith("<svg")
    assert "<x>" not in svg
    plot.save(tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as image:
        assert image.format == "PNG"


def test_curves_show_training_and_validation():
    axes = LearningCurves(HISTORY, best_epoch=2).figure().axes
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        lines = {line.get_label(): list(line.get_ydata()) for line in axis.get_lines()}
        assert lines["training"] == [row[name] for row in HISTORY]
        assert lines["validation"] == [row[f"val_{name}"] for row in HISTORY]
        assert "saved: epoch 2" in lines
    alone = [{key: value for key, value in row.items() if not key.startswith("val")} for row in HISTORY]
    assert "validation" not in [line.get_label() for line in LearningCurves(alone, 1).figure().axes[0].get_lines()]


def test_the_grid_shows_each_picture_with_its_name():
    pictures = [np.full((4, 5, channels), 100, np.uint8) for channels in (1, 3, 1, 1, 1, 3)]
    names = ["a", "b$c", "x" * 40, "d", "e", "f"]
    axis = PictureGrid(pictures, names).figure().axes[0]
    assert [text.get_text() for text in axis.texts] == ["a", "b\\$c", "x" * 21 + "…", "d", "e", "f"]
    places = [tuple(image.get_extent()) for image in axis.images]
    assert len(set(places)) == 6
    left, right, bottom, top = places[0]
    assert (right - left) / (bottom - top) == pytest.approx(5 / 4)  # as wide and high as the picture
    assert axis.get_xlim()[1] >= max(place[1] for place in places)
    assert axis.get_ylim()[0] >= max(place[2] for place in places)


def test_a_grid_by_epoch_has_a_row_for_each_picture():
    pictures = np.stack([np.full((4, 4, 1), value, np.uint8) for value in (10, 20)])
    grid = PictureGrid.by_epoch(["cat", "dog"], pictures, [pictures + 1, pictures + 2])
    assert grid.columns == 3
    assert grid.titles == ["cat", "epoch 1", "epoch 2", "dog", "epoch 1", "epoch 2"]
    assert [int(picture[0, 0, 0]) for picture in grid.pictures] == [10, 11, 12, 20, 21, 22]


def test_the_matrix_names_its_axes():
    axis = ConfusionMatrix(np.array([[3, 1], [0, 4]]), ["cat", "dog"]).figure().axes[0]
    assert [text.get_text() for text in axis.texts] == ["3\n75 %", "1\n25 %", "4"]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["cat", "dog"]


def test_epochs_on_smaller_pictures_are_shaded():
    rows = [row | {"size": size} for row, size in zip(HISTORY, (0.75, 1.0), strict=True)]
    axis = LearningCurve(rows, 2).figure().axes[0]
    (shade,) = axis.patches
    assert shade.get_label() == "pictures at 75 %"
    assert (shade.get_x(), shade.get_x() + shade.get_width()) == (0.5, 1.5)
    assert not LearningCurve(HISTORY, 2).figure().axes[0].patches
    assert LearningCurve(rows, 2).to_dict()[0]["size"] == 0.75


def test_a_normalized_matrix_has_shares_only():
    axis = ConfusionMatrix(np.array([[3, 1], [0, 4]]), ["cat", "dog"], normalized=True).figure().axes[0]
    assert [text.get_text() for text in axis.texts] == ["75 %", "25 %", "100 %"]


def blocks(classes, size, seed=0):
    """A confusion matrix in which classes of the same number modulo classes / size are confused."""
    counts = np.eye(classes, dtype=np.int64) * 20
    same = np.arange(classes) % (classes // size)
    counts[same[:, None] == same[None, :]] += np.random.default_rng(seed).integers(1, 4, classes * size)
    return counts, same


@pytest.mark.parametrize(("classes", "size"), ((24, 4), (60, 3), (300, 5)))
def test_confused_classes_are_neighbours(classes, size):
    counts, same = blocks(classes, size)
    order, groups = confusion_order(counts)
    assert sorted(order.tolist()) == list(range(classes))
    assert (same[order].reshape(-1, size) == same[order].reshape(-1, size)[:, :1]).all()
    assert (np.bincount(groups) == size).all()


def test_an_order_exists_without_confusions():
    for classes in (1, 2, 3, 30):
        order, _ = confusion_order(np.eye(classes, dtype=np.int64) * 5)
        assert sorted(order.tolist()) == list(range(classes))


def test_many_classes_are_named_in_their_order_and_have_frames():
    counts, same = blocks(60, 3)
    axis = ConfusionMatrix(counts, [f"class {c}" for c in range(60)]).figure().axes[0]
    names = [label.get_text() for label in axis.get_yticklabels()]
    of_group = [same[int(name.split()[1])] for name in names]
    assert all(len(set(of_group[i : i + 3])) == 1 for i in range(0, 60, 3))
    assert len(axis.patches) == 20
    assert not axis.texts


def test_the_matrix_of_many_classes_is_coloured_by_count_or_by_share():
    """A class with a hundred times the pictures has a stronger colour only in the plain matrix."""
    counts = np.diag([1000, *[10] * 29])
    names = [f"class {c}" for c in range(30)]
    plain, normalized = (ConfusionMatrix(counts, names, kind).figure().axes[0].images[0] for kind in (False, True))
    shades = [len(np.unique(np.round(image.get_array()[..., 0].diagonal(), 4))) for image in (plain, normalized)]
    assert shades == [2, 1]


def test_a_cell_is_never_called_all_or_nothing_beside_mistakes():
    assert [whole_percent(share) for share in (0, 0.001, 0.5, 0.994, 0.999, 1)] == [
        "0 %", "<1 %", "50 %", "99 %", ">99 %", "100 %"
    ]  # fmt: skip
    axis = ConfusionMatrix(np.array([[999, 1], [0, 4]]), ["cat", "dog"], normalized=True).figure().axes[0]
    assert {text.get_text() for text in axis.texts} == {">99 %", "<1 %", "100 %"}


def test_very_many_classes_become_a_small_picture_with_names_of_groups():
    counts, _ = blocks(1000, 5)
    drawn = ConfusionMatrix(counts, [f"class {c}" for c in range(1000)])
    axis = drawn.figure().axes[0]
    assert axis.images[0].get_array().shape == (250, 250, 4)
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert 10 < len(names) <= 40
    assert all(name.endswith("+3") for name in names)
    assert len(drawn.svg()) < 600_000


def test_titles_may_have_several_lines():
    grid = PictureGrid([np.zeros((4, 4, 3), np.uint8)], ["x" * 40 + "\nlabelled cat"])
    assert grid.figure().axes[0].texts[0].get_text() == "x" * 21 + "…\nlabelled cat"


def test_coverage_marks_the_threshold():
    axis = next(plot for plot in PLOTS if isinstance(plot, Coverage)).figure().axes[0]
    assert axis.get_lines()[1].get_xydata().tolist() == [[50, 10]]


def test_shorten():
    assert shorten("short") == "short"
    assert len(shorten("y" * 50)) == 18


def test_a_heat_map_does_not_change_pixels_where_it_is_zero():
    picture = np.full((4, 5, 1), 100, np.uint8)
    heat = np.zeros((4, 5))
    heat[1, 2] = 1
    shown = overlay(picture, heat)
    assert shown.shape == (4, 5, 3)
    assert (np.delete(shown.reshape(20, 3), 7, axis=0) == 100).all()
    red, green, blue = shown[1, 2].tolist()
    assert red > 100 > max(green, blue)


def test_text_in_pages_falls_back_to_sans_serif():
    assert "sans-serif" in LearningCurves(HISTORY, 1).svg()


def test_drawing_in_threads_restores_the_settings():
    before = matplotlib.rcParams["font.family"]
    plots = [LearningCurves(HISTORY, 1) for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert all(svg.startswith("<svg") for svg in pool.map(LearningCurves.svg, plots))
    assert matplotlib.rcParams["font.family"] == before


@pytest.mark.parametrize(
    ("names", "expected"),
    (
        (["cat", "$dog"], ["cat", r"\$dog"]),
        (["a" * 30, "b" * 30], ["a" * 17 + "…", "b" * 17 + "…"]),
        (["fashion-mnist-quick-001", "fashion-mnist-quick-002"], ["fashi…st-quick-001", "fashi…st-quick-002"]),
        ([f"{20 * 'x'}{i}{20 * 'y'}" for i in "12"], ["…1…", "…2…"]),
        (["x" * 30 + "a" * 20 + "y", "x" * 30 + "a" * 21 + "y"], ["1: " + "x" * 13 + "…", "2: " + "x" * 13 + "…"]),
    ),
)
def test_long_names_stay_different(names, expected):
    assert shortened(names) == expected
