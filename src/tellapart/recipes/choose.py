"""Choose from the data what was not set: the recipe, size, fit and colour mode of pictures, and mirroring."""

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
from tellapart.networks import backbones
from tellapart.recipes.mirror import may_mirror
from tellapart.recipes.recipe import Recipe
from tellapart.text import percent

PHOTO = 64
"""Pictures count as photos if the median of their shorter sides is at least this many pixels."""

SMALL_PHOTO, FEW = 24, 10_000
"""Pictures in colour start from a backbone from this size on, in pixels, if there are at most `FEW`.

A pretrained backbone then helps: of 2,000 test pictures of CIFAR-10, `quick` predicts 37 % right with 250 training
pictures and 78 % with 4,000; logistic regression on the features of EfficientNet-Lite0 predicts 76 and 85 %.
"""

SIDES = (128, 96, 64)
"""Default sizes of photos, in pixels; the largest that fits is used."""

LEAST = 32
"""Photos are never reduced below this size, however blurred they are."""

MOST_WORK = 1.0e8
"""Pictures times pixels per picture that two cores can train on, for enough epochs, in about twenty minutes."""

TUNABLE = 600
"""With fewer training pictures a backbone is not trained further: it would rather get worse."""

RIGHT_ENOUGH = 0.97
"""With this accuracy on frozen features, training the backbone further is not worth its time."""

TUNED_PER_MINUTE = 1.2e8
"""Pictures times pixels per picture on which two cores train a small backbone in a minute."""

SHORTEST_TUNING, LEAST_EPOCHS, LONGEST = 2, 4, 30
"""Epochs for which a time limit must be enough; epochs of a training without one, and the most minutes for them."""

WORK_PER_MINUTE = 1.2e7
"""The same for a minute of training, twelve epochs: for trainings with a time limit."""

SAME_RATIO, MOST_CROPPED = 1.05, 1.8
"""Aspect ratios within the first factor count as equal; beyond the second, cropping loses too much."""


def choose_recipe(
    collection: Collection, among: np.ndarray, minutes: float | None = None, backbone: str | None = None
) -> tuple[str, str]:
    """The library recipe for the pictures `among`, int64 [n], of a collection, and the reason as text.

    From 64 pixels a side on `features`, if there is a pretrained `backbone` to start from; else `photos`, unless the
    time limit is too short; else `quick`. Few smaller pictures in colour get `features` too. `choose_tuning` may change
    `features` to `finetune` later.
    """
    side = int(np.median([min(shape[:2]) for shape in _shapes(collection, among)]))
    if side < PHOTO:
        few = side >= SMALL_PHOTO and len(among) <= FEW
        if backbone is not None and few and not _without_colour(collection, among):
            why = f"{len(among):,} pictures in colour, with a side of {side} pixels"
            return "features", f"for few photos, with a pretrained backbone: {why}"
        return "quick", f"for small pictures: half of them have a side of at most {side} pixels"
    if backbone is not None:
        return "features", f"for photos, with a pretrained backbone: half of them have a side of at least {side} pixels"
    if minutes is not None and minutes * WORK_PER_MINUTE < len(among) * min(SIDES) ** 2:
        return "quick", f"{minutes:g} min are too short for the recipe photos with {len(among):,} pictures"
    return "photos", f"for photos: half of them have a side of at least {side} pixels"


def choose_tuning(
    accuracy: float | None, counts: np.ndarray, shape: tuple[int, int, int], minutes: float | None
) -> tuple[str, str]:
    """`features` or `finetune` for photos with a pretrained backbone, and the reason as text.

    `accuracy` 0..1 is that of a head on the frozen features, cross-validated on the training pictures, of which each
    class has `counts`, int [classes]; None if it cannot be known. `shape` is that of the prepared pictures.
    """
    pictures = int(counts.sum())
    if accuracy is None or pictures < TUNABLE:
        return "features", f"{pictures:,} training pictures are too few to train a backbone further"
    right = f"its features alone predict {percent(accuracy)} right"
    if accuracy >= RIGHT_ENOUGH:
        return "features", f"{right} in cross-validation; training it further would gain little"
    epoch = pictures * shape[0] * shape[1] / TUNED_PER_MINUTE
    if minutes is not None and minutes < SHORTEST_TUNING * epoch:
        return "features", f"{minutes:g} min are too short to train the backbone further; {right}"
    if minutes is None and epoch * LEAST_EPOCHS > LONGEST:
        asked = "--recipe finetune, or --minutes, trains it further"
        return "features", f"training the backbone further would take about {epoch * LEAST_EPOCHS:.0f} minutes: {asked}"
    return "finetune", f"{right} in cross-validation; with {pictures:,} pictures the backbone can be trained further"


def choose_preparation(
    recipe: Recipe, collection: Collection, among: np.ndarray, minutes: float | None = None
) -> tuple[Preparation, str]:
    """The preprocessing for a recipe, and the reason as text; samples 64 of the pictures `among`, int64 [n].

    What the recipe leaves open depends on the data. The size is smaller for very many pictures, little time, or
    pictures that were enlarged. The fit depends on how aspect ratios differ; grey is used if no picture has colour.
    """
    shapes = _shapes(collection, among)
    if recipe.backbone is not None and recipe.side is None and not (recipe.height or recipe.width):
        height = width = _backbone_side(recipe.backbone, shapes, _needed(collection, among))
        why = f"a size that {recipe.backbone} is good at"
    else:
        height, width, why = _size(recipe, shapes, len(among), minutes)
        free = recipe.side is None and not (recipe.height or recipe.width)
        if free and (side := _needed(collection, among)) < height:
            why = f"the pictures are no sharper than {side} x {side}: they were enlarged, or are blurred"
            height = width = side
    fit, shape_why = _fit(recipe, shapes)
    colour, colour_why = _colour(recipe, collection, shapes, among)
    samples = collection.samples
    preprocessing = Preparation(
        height=height,
        width=width,
        colour=colour,
        fit=fit,
        values=samples.values,
        values_of=samples.of,
        last_band=samples.last_band,
    )
    return preprocessing, "; ".join(reason for reason in (why, shape_why, colour_why) if reason)


def _size(
    recipe: Recipe, shapes: list[tuple[int, int, int]], pictures: int, minutes: float | None
) -> tuple[int, int, str]:
    if recipe.height and recipe.width:
        return recipe.height, recipe.width, "the recipe's size"
    sizes = {shape[:2] for shape in shapes}
    work = MOST_WORK if minutes is None else minutes * WORK_PER_MINUTE
    height, width = next(iter(sizes))
    small = max(height, width) <= (recipe.side or max(SIDES))
    if len(sizes) == 1 and small and (recipe.side or max(height, width) <= PHOTO or pictures * height * width <= work):
        return recipe.height or height, recipe.width or width, "the pictures' size"
    if recipe.side is not None:
        side, why = recipe.side, "the pictures are larger or of several sizes"
    else:
        usual = int(np.median([min(shape[:2]) for shape in shapes]))
        fitting = [side for side in SIDES if side <= usual] or [min(SIDES)]
        side = next((side for side in fitting if pictures * side**2 <= work), fitting[-1])
        larger = "the pictures are larger or of several sizes"
        slow = f"{pictures:,} pictures at {fitting[0]} x {fitting[0]} would take long; --set side={fitting[0]} uses it"
        why = larger if side == fitting[0] else slow
    return recipe.height or side, recipe.width or side, why


def _backbone_side(backbone: str, shapes: list[tuple[int, int, int]], needed: int) -> int:
    """The smallest size that a backbone is good at and that keeps the detail of the pictures; else its largest."""
    sides: tuple[int, ...] = backbones.load(backbone).BACKBONE.sides
    usual = min(needed, int(np.median([min(shape[:2]) for shape in shapes])))
    return next((side for side in sides if side >= usual), sides[-1])


def _needed(collection: Collection, among: np.ndarray) -> int:
    """The smallest side at which photos keep their detail: a multiple of 8, at least 32 pixels."""
    pictures = list(sampled_pictures(collection, among, (LARGEST, LARGEST)))
    shorter = [min(min(picture.shape[:2]), LARGEST) for picture in pictures] or [LARGEST]
    share = detail(pictures)
    return LARGEST if share == 1 else max(LEAST, 8 * math.ceil(share * float(np.median(shorter)) / 8))


def _fit(recipe: Recipe, shapes: list[tuple[int, int, int]]) -> tuple[Fit, str]:
    if recipe.fit != "auto":
        return recipe.fit, ""
    ratios = np.sort([shape[1] / shape[0] for shape in shapes])
    low, high = ratios[len(ratios) // 20], ratios[-1 - len(ratios) // 20]
    if high / low <= SAME_RATIO:
        return "stretch", ""
    if max(high, 1 / low) <= MOST_CROPPED:
        return "crop", "several aspect ratios, cropped to the middle"
    return "pad", f"aspect ratios up to {max(high, 1 / low):.1f} : 1, padded"


def _colour(
    recipe: Recipe, collection: Collection, shapes: list[tuple[int, int, int]], among: np.ndarray
) -> tuple[Colour, str]:
    if recipe.colour is not None:
        return recipe.colour, ""
    if all(shape[2] == 1 for shape in shapes):
        return "grey", ""
    if _without_colour(collection, among):
        return "grey", "no colour in the pictures that were sampled"
    return "rgb", ""


def _without_colour(collection: Collection, among: np.ndarray) -> bool:
    """Whether none of the sampled pictures has colour. Stops at the first one that has."""
    sampled = 0
    for pixels in sampled_pictures(collection, among, (32, 32)):
        if pixels.shape[2] == 3 and has_colour(pixels):
            return False
        sampled += 1
    return sampled > 0


def choose_mirror(
    recipe: Recipe, pixels: Pixels, labels: np.ndarray, class_names: tuple[str, ...]
) -> tuple[Recipe, str | None]:
    """The recipe with flip="auto" replaced by a decision on the training pictures, and the decision as text.

    `pixels` uint8 [n, height, width, channels], `labels` int [n]. If training must not mirror, the TTA views do not
    mirror either. A recipe with another flip is returned unchanged, with None as the text.
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
