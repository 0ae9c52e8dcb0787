"""What is left to the data: the recipe, the size, fit and colour mode of the pictures, and whether to mirror them."""

from __future__ import annotations

import math

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.pixel_store import Pixels
from tellapart.data.sample import sampled_pictures, sampled_shapes
from tellapart.images.detail import LARGEST, detail
from tellapart.images.preprocessing import Colour, Fit, Preparation
from tellapart.images.summary import has_colour
from tellapart.images.views import without_mirror
from tellapart.recipes.mirror import may_mirror
from tellapart.recipes.recipe import Recipe

PHOTO = 64
"""Pictures whose shorter side is mostly at least this are photos, and not small pictures."""

SIDES = (128, 96, 64)
"""Sides that photos may be brought to where nobody says another."""

LEAST = 32
"""Photos are not brought to less, however little they show."""

MOST_WORK = 1.0e8
"""Pictures times their pixels: what a training on two cores goes through often enough in some twenty minutes."""

WORK_A_MINUTE = 1.2e7
"""The same, of what two cores go through a dozen times in a minute: for trainings that have to end by the clock."""

ALIKE, ODD = 1.05, 1.8
"""Shapes within this ratio of each other are one; beyond the other, cutting out the middle would lose too much."""


def choose_recipe(collection: Collection, among: np.ndarray, minutes: float | None = None) -> tuple[str, str]:
    """The library recipe for some pictures of a collection, int64 [n], and why, in words.

    `photos` for those of 64 pixels a side and more, unless the time that is given is too short for it; else `quick`.
    """
    side = int(np.median([min(shape[:2]) for shape in _shapes(collection, among)]))
    if side < PHOTO:
        return "quick", f"for small pictures: half of them have a side of {side} pixels or less"
    if minutes is not None and minutes * WORK_A_MINUTE < len(among) * min(SIDES) ** 2:
        return "quick", f"{minutes:g} min are too short for photos, with so many pictures"
    return "photos", f"for photos: half of them have a side of {side} pixels or more"


def choose_preparation(
    recipe: Recipe, collection: Collection, among: np.ndarray, minutes: float | None = None
) -> tuple[Preparation, str]:
    """How pictures are prepared for a recipe, and the reason in words; looks at 64 of `among`, int64 [n].

    What the recipe leaves open follows them: the size, smaller where there are very many, little time, or enlarged
    pictures; whether other shapes are stretched, cut or padded; grey where there is no colour in any.
    """
    shapes = _shapes(collection, among)
    height, width, why = _size(recipe, shapes, len(among), minutes)
    if recipe.side is None and not (recipe.height or recipe.width) and (side := _needed(collection, among)) < height:
        why = f"at {height} x {width} they show no more than at {side} x {side}: they were enlarged, or are blurred"
        height = width = side
    fit, shape_why = _fit(recipe, shapes)
    colour, colour_why = _colour(recipe, collection, shapes, among)
    preprocessing = Preparation(height=height, width=width, colour=colour, fit=fit)
    return preprocessing, "; ".join(reason for reason in (why, shape_why, colour_why) if reason)


def _size(
    recipe: Recipe, shapes: list[tuple[int, int, int]], pictures: int, minutes: float | None
) -> tuple[int, int, str]:
    if recipe.height and recipe.width:
        return recipe.height, recipe.width, "the recipe's size"
    sizes = {shape[:2] for shape in shapes}
    work = MOST_WORK if minutes is None else minutes * WORK_A_MINUTE
    height, width = next(iter(sizes))
    small = max(height, width) <= (recipe.side or max(SIDES))
    if len(sizes) == 1 and small and (recipe.side or max(height, width) <= PHOTO or pictures * height * width <= work):
        return recipe.height or height, recipe.width or width, "as the pictures are"
    if recipe.side is not None:
        side, why = recipe.side, "the pictures are larger or of several sizes"
    else:
        usual = int(np.median([min(shape[:2]) for shape in shapes]))
        fitting = [side for side in SIDES if side <= usual] or [min(SIDES)]
        side = next((side for side in fitting if pictures * side**2 <= work), fitting[-1])
        few = "the pictures are larger or of several sizes"
        why = few if side == fitting[0] else f"{pictures:,} pictures of {fitting[0]} would take long; ask with side"
    return recipe.height or side, recipe.width or side, why


def _needed(collection: Collection, among: np.ndarray) -> int:
    """The side, in steps of 8 and at least 32 pixels, at which photos show all that they do."""
    pictures = list(sampled_pictures(collection, among, (LARGEST, LARGEST)))
    shorter = [min(min(picture.shape[:2]), LARGEST) for picture in pictures] or [LARGEST]
    share = detail(pictures)
    return LARGEST if share == 1 else max(LEAST, 8 * math.ceil(share * float(np.median(shorter)) / 8))


def _fit(recipe: Recipe, shapes: list[tuple[int, int, int]]) -> tuple[Fit, str]:
    if recipe.fit != "auto":
        return recipe.fit, ""
    ratios = np.sort([shape[1] / shape[0] for shape in shapes])
    low, high = ratios[len(ratios) // 20], ratios[-1 - len(ratios) // 20]
    if high / low <= ALIKE:
        return "stretch", ""
    if max(high, 1 / low) <= ODD:
        return "crop", "of several shapes, whose middle is cut out"
    return "pad", f"of shapes up to {max(high, 1 / low):.1f} : 1, which are padded"


def _colour(
    recipe: Recipe, collection: Collection, shapes: list[tuple[int, int, int]], among: np.ndarray
) -> tuple[Colour, str]:
    if recipe.colour is not None:
        return recipe.colour, ""
    if all(shape[2] == 1 for shape in shapes):
        return "grey", ""
    if _without_colour(collection, among):
        return "grey", "there is no colour in any of those looked at"
    return "rgb", ""


def _without_colour(collection: Collection, among: np.ndarray) -> bool:
    """Whether the sampled pictures have three channels, all alike. Stops at the first that has colour."""
    seen = 0
    for pixels in sampled_pictures(collection, among, (32, 32)):
        if pixels.shape[2] == 3 and has_colour(pixels):
            return False
        seen += 1
    return seen > 0


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


def _shapes(collection: Collection, among: np.ndarray) -> list[tuple[int, int, int]]:
    return sampled_shapes(collection, among) or [(min(SIDES), min(SIDES), 3)]
