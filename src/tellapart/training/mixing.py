"""Pictures and their labels blended in pairs: MixUp and CutMix, on the batches as they are made."""

from __future__ import annotations

import numpy as np

from tellapart.recipes.augmentation import Augmentation


def mixed(
    pixels: np.ndarray, wanted: np.ndarray, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A batch uint8 [n, height, width, channels] with targets float32 [n, outputs], each blended with its neighbour.

    By MixUp (Zhang and others 2018, arXiv:1710.09412) or CutMix (Yun and others 2019, arXiv:1905.04899), each in half
    of the batches where both are asked for. Shares are drawn for each picture; with neither, the batch as it is.
    """
    both = bool(augmentation.mixup and augmentation.cutmix)
    if not (augmentation.mixup or augmentation.cutmix) or len(pixels) < 2:
        return pixels, wanted
    blend = rng.random() < 0.5 if both else bool(augmentation.mixup)
    alpha = augmentation.mixup if blend else augmentation.cutmix
    share = rng.beta(alpha, alpha, len(pixels)).astype(np.float32)
    if blend:
        pixels = _blended(pixels, share)
    else:
        pixels, share = _pasted(pixels, share, rng)
    kept = share[:, None]
    return pixels, wanted * kept + np.roll(wanted, 1, axis=0) * (1 - kept)


def _blended(pixels: np.ndarray, share: np.ndarray) -> np.ndarray:
    """`share` of each picture, the rest of the one before it."""
    weights = np.rint(share * 256).astype(np.uint16)[:, None, None, None]
    return ((pixels * weights + np.roll(pixels, 1, axis=0) * (256 - weights)) >> 8).astype(np.uint8)


def _pasted(pixels: np.ndarray, share: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A box of 1 - `share` of the area from the picture before it; the shares that are left, after edges cut boxes."""
    height, width = pixels.shape[1:3]
    found, left = pixels.copy(), share.copy()
    side = np.sqrt(1 - share)
    rows, columns = rng.integers(0, height, len(pixels)), rng.integers(0, width, len(pixels))
    for k in range(len(pixels)):
        tall, wide = round(side[k] * height), round(side[k] * width)
        top, first = max(0, rows[k] - tall // 2), max(0, columns[k] - wide // 2)
        bottom, last = min(height, rows[k] - tall // 2 + tall), min(width, columns[k] - wide // 2 + wide)
        found[k, top:bottom, first:last] = pixels[k - 1, top:bottom, first:last]
        left[k] = 1 - max(0, bottom - top) * max(0, last - first) / (height * width)
    return found, left
