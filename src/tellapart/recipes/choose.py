"""What a recipe leaves to the data: the size and colour mode of the prepared pictures, and whether to mirror them."""

from __future__ import annotations

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.rows import Pixels
from tellapart.errors import PictureError
from tellapart.images.preparation import Colour, Preparation
from tellapart.images.views import without_mirror
from tellapart.recipes.mirror import may_mirror
from tellapart.recipes.recipe import Recipe

SMALL = 64
"""Pictures that are all of one size up to this side are taken as they are; others are brought to it."""


def choose_preparation(recipe: Recipe, collection: Collection, among: np.ndarray) -> tuple[Preparation, str]:
    """How pictures are prepared for a recipe, and the reason in words; looks at the headers of 64 of `among`, [n]."""
    shapes = _sampled_shapes(collection, among)
    sizes = {shape[:2] for shape in shapes}
    alike = len(sizes) == 1 and max(next(iter(sizes))) <= SMALL
    height, width = next(iter(sizes)) if alike else (SMALL, SMALL)
    colour: Colour = "rgb" if any(shape[2] == 3 for shape in shapes) else "grey"
    preparation = Preparation(
        height=recipe.height or height, width=recipe.width or width, colour=recipe.colour or colour, fit=recipe.fit
    )
    if recipe.height and recipe.width:
        return preparation, "the recipe's size"
    return preparation, "as the pictures are" if alike else "the pictures are larger or of several sizes"


def choose_mirror(
    recipe: Recipe, pixels: Pixels, labels: np.ndarray, class_names: tuple[str, ...]
) -> tuple[Recipe, str | None]:
    """The recipe with its `auto` mirroring decided by the training pictures, and what was decided and why, in words.

    Where training must not mirror, the views at prediction do not either.

    `pixels` uint8 [n, height, width, channels], `labels` int [n]. A recipe that leaves nothing open comes back as is.
    """
    if recipe.augmentation.flip != "auto":
        return recipe, None
    allowed, reason = may_mirror(pixels, labels, class_names)
    flip = "alternate" if allowed else "none"
    changed = recipe.model_copy(
        update={
            "augmentation": recipe.augmentation.model_copy(update={"flip": flip}),
            "views": recipe.views if allowed else without_mirror(recipe.views),
        }
    )
    return changed, f"mirroring: {'on' if allowed else 'off'} ({reason})"


def _sampled_shapes(collection: Collection, among: np.ndarray) -> set[tuple[int, int, int]]:
    shapes = set()
    for i in among[np.unique(np.linspace(0, len(among) - 1, 64).astype(int))]:
        try:
            shapes.add(collection.pictures.shape(int(i)))
        except PictureError:  # set aside later, by name
            continue
    return shapes or {(SMALL, SMALL, 3)}
