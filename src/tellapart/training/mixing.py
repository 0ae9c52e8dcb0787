"""MixUp and CutMix: blend pictures and their labels in pairs, batch by batch."""

from __future__ import annotations

import numpy as np

from tellapart.recipes.augmentation import Augmentation


def mixed(
    pixels: np.ndarray, wanted: np.ndarray, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A batch uint8 [n, height, width, channels] with targets float32 [n, outputs], each blended with its neighbour.

    Uses MixUp (Zhang and others 2018, arXiv:1710.09412) or CutMix (Yun and others 2019, arXiv:1905.04899); with both,
    each in half of the batches; with neither, the batch is unchanged. Shares are drawn for each picture.
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
    """Each picture by its `share`, blended with the previous one."""
    weights = np.rint(share * 256).astype(np.uint16)[:, None, None, None]
    return ((pixels * weights + np.roll(pixels, 1, axis=0) * (256 - weights)) >> 8).astype(np.uint8)


def _pasted(pixels: np.ndarray, share: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Each picture with a box of 1 - `share` of its area from the previous one, and the true shares after clipping."""
    height, width = pixels.shape[1:3]
    pasted, left = pixels.copy(), share.copy()
    side = np.sqrt(1 - share)
    rows, columns = rng.integers(0, height, len(pixels)), rng.integers(0, width, len(pixels))
    for k in range(len(pixels)):
        tall, wide = round(side[k] * height), round(side[k] * width)
        top, first = max(0, rows[k] - tall // 2), max(0, columns[k] - wide // 2)
        bottom, last = min(height, rows[k] - tall // 2 + tall), min(width, columns[k] - wide // 2 + wide)
        pasted[k, top:bottom, first:last] = pixels[k - 1, top:bottom, first:last]
        left[k] = 1 - max(0, bottom - top) * max(0, last - first) / (height * width)
    return pasted, left
