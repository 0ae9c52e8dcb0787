import numpy as np
from PIL import Image

from tellapart.report.plots import confusion_heat, learning_curves, picture_grid, save_figure, shorten

HISTORY = [
    {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.1, "val_accuracy": 0.4},
    {"epoch": 2, "loss": 0.5, "accuracy": 0.8, "val_loss": 0.9, "val_accuracy": 0.6},
]


def test_curves_show_training_and_validation():
    axes = learning_curves(HISTORY, best_epoch=2).axes
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        lines = {line.get_label(): list(line.get_ydata()) for line in axis.get_lines()}
        assert lines["training"] == [row[name] for row in HISTORY]
        assert lines["validation"] == [row[f"val_{name}"] for row in HISTORY]
        assert "kept: epoch 2" in lines
    alone = [{key: value for key, value in row.items() if not key.startswith("val")} for row in HISTORY]
    assert "validation" not in [line.get_label() for line in learning_curves(alone, 1).axes[0].get_lines()]


def test_the_grid_shows_each_picture_with_its_name(tmp_path):
    pictures = [np.full((4, 5, channels), 100, np.uint8) for channels in (1, 3, 1)]
    figure = picture_grid(pictures, ["a", "b$c", "x" * 40])
    assert [axis.get_title() for axis in figure.axes] == ["a", "b\\$c", "x" * 17 + "…", "", ""]
    save_figure(figure, tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as image:
        assert image.format == "PNG"
        assert image.width > 400


def test_the_matrix_names_its_axes():
    figure = confusion_heat(np.array([[3, 1], [0, 4]]), ["cat", "dog"])
    axis = figure.axes[0]
    assert [text.get_text() for text in axis.texts] == ["3", "1", "4"]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["cat", "dog"]


def test_shorten():
    assert shorten("short") == "short"
    assert len(shorten("y" * 50)) == 18
