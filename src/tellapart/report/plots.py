"""Plots as matplotlib figures; nothing here keeps global state, so they can be drawn anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tellapart.files import replacing

TRAIN, VALIDATION, MARK = "#1f6feb", "#d9480f", "#6b7280"


def learning_curves(history: Sequence[dict[str, float]], best_epoch: int) -> Figure:
    """Loss and accuracy by epoch, for training and validation, the epoch of the kept weights marked."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        for column, label, colour in ((name, "training", TRAIN), (f"val_{name}", "validation", VALIDATION)):
            if column in history[0]:
                values = [row[column] for row in history]
                axis.plot(epochs, values, color=colour, label=label, marker="o", markersize=3)
        axis.axvline(best_epoch, color=MARK, linestyle=":", label=f"kept: epoch {best_epoch}")
        axis.set(xlabel="epoch", title=name.capitalize())
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False)
    if "val_loss" in history[0]:
        figure.suptitle("Training figures are means over the epoch, on augmented pictures", fontsize=9, color=MARK)
    return figure


def confusion_heat(confusion: np.ndarray, class_names: Sequence[str]) -> Figure:
    """The confusion matrix, coloured by the share of each true class, counts written in where they fit."""
    count = len(class_names)
    size = min(4 + 0.45 * count, 14)
    figure = Figure(figsize=(size, size), layout="constrained")
    axis = figure.subplots()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if count <= 20:
        for (row, column), value in np.ndenumerate(confusion):
            if value:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axis.text(column, row, f"{value}", ha="center", va="center", color=colour, fontsize=8)
    if count <= 50:
        names = [shorten(name) for name in class_names]
        axis.set_xticks(range(count), names, rotation=90)
        axis.set_yticks(range(count), names)
    axis.set(xlabel="predicted class", ylabel="true class")
    return figure


def picture_grid(pictures: Sequence[np.ndarray], titles: Sequence[str], columns: int = 5) -> Figure:
    """Pictures, uint8 [height, width, 1 or 3] each, in rows with a title over each."""
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(1.7 * columns, 1.9 * rows), layout="constrained")
    for number, axis in enumerate(np.ravel(figure.subplots(rows, columns, squeeze=False))):
        axis.set_axis_off()
        if number < len(pictures):
            _draw(axis, pictures[number])
            axis.set_title(shorten(titles[number]), fontsize=9)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, wholly or not at all."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def shorten(name: str, length: int = 18) -> str:
    """A class name that fits a label; dollar signs are text, not formulas."""
    return (name if len(name) <= length else name[: length - 1] + "…").replace("$", r"\$")


def _draw(axis: Axes, picture: np.ndarray) -> None:
    if picture.shape[2] == 1:
        axis.imshow(picture[:, :, 0], cmap="gray", vmin=0, vmax=255)
    else:
        axis.imshow(picture)
