"""Heat maps of what in a picture supports a class, from the network's gradients or by covering parts of the picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tellapart.explanation.pooled import BLUR, scaled
from tellapart.networks.backend import gradient, keras
from tellapart.networks.inside import at_a_time, give_weights

FINE = 7
"""Maps are computed at the last layers with at least this many cells per side, or at the finest layer there is."""

LAYERS = 2
"""Number of layers whose maps are added: a single layer may respond strongly to an empty place."""

SHIFTS = ((0, 0), (1, 1), (-1, -1), (1, -1), (-1, 1), (2, 0), (-2, 0), (0, 2), (0, -2))
"""Shifts of the picture (down, right) in 28ths of its side. Maps are averaged over them, because the maximum may jump
from one cell to the next.
"""

COVERS = (6, 3)
"""Occlusion covers the picture with squares of 1/6 and of 1/3 of its shorter side, in steps of half a square."""


class HeatMaps:
    """Class activation maps of a network with convolutions; `layers` are the names of the layers they are computed at.

    A layer's map is the sum over its channels of the activation times the positive gradient of the class's logit. That
    is Grad-CAM (Selvaraju and others 2017) with a weight for each place, which also works for layers finer than the
    last one (LayerCAM, Jiang and others 2021). Maps are averaged over small shifts of the picture, as SmoothGrad
    averages over noise (Smilkov and others 2017), and smoothed.
    """

    def __init__(self, network: keras.Model) -> None:
        """Copy the network with logits as its output. Raises LookupError if no layer suits a map."""
        copy = _with_logits(network)
        halves = _halves(copy)
        if not halves:
            nested = any(isinstance(layer, keras.Model) and _convolves(layer) for layer in copy.layers)
            raise LookupError(
                "its convolutions are inside a nested model"
                if nested
                else "the network has no convolution to compute a map at"
            )
        self.layers = tuple(layer.name for layer, _, _ in halves)
        self._halves = [(front, back) for _, front, back in halves]
        self._batch_size = at_a_time(copy)

    def __call__(self, pixels: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Return maps float32 [n, height, width] from 0 to 1 for preprocessed pictures uint8 [n, height, width,
        channels], each for its class int [n]. A map is all 0 if nothing supports the class.
        """
        from scipy.ndimage import gaussian_filter

        count, (height, width) = len(pixels), pixels.shape[1:3]
        shifts = [(round(down * height / 28), round(right * width / 28)) for down, right in SHIFTS]
        shifted = np.concatenate([np.roll(pixels, shift, (1, 2)) for shift in shifts])
        repeated, step = np.tile(classes, len(shifts)), self._batch_size
        batches = [(shifted[i : i + step], repeated[i : i + step]) for i in range(0, len(shifted), step)]
        of_layers = [np.concatenate([self._maps(*half, *batch) for batch in batches]) for half in self._halves]
        maps = np.sum([scaled(layer_maps) for layer_maps in of_layers], axis=0)
        shifted_back = [
            np.roll(maps[k * count : (k + 1) * count], (-down, -right), (1, 2))
            for k, (down, right) in enumerate(shifts)
        ]
        smooth = gaussian_filter(np.mean(shifted_back, axis=0), (0, BLUR * height, BLUR * width))
        return scaled(smooth)

    def _maps(self, front: keras.Model, back: keras.Model, pixels: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Return the maps float32 [n, height, width] of one layer, given the network before and after it."""
        activations = keras.ops.convert_to_numpy(front(pixels.astype(np.float32), training=False))
        weights = _logit_weights(classes, back.output_shape[-1])

        def logits(x: object) -> object:
            return keras.ops.sum(back(x, training=False) * weights)

        support = np.maximum((np.maximum(gradient(logits, activations), 0) * activations).sum(axis=-1), 0)
        large = keras.ops.image.resize(support[..., None], pixels.shape[1:3], interpolation="bilinear")
        return np.asarray(keras.ops.convert_to_numpy(large)[..., 0])


def occlusion(predict: Callable[[np.ndarray], np.ndarray], picture: np.ndarray, position: int) -> np.ndarray:
    """Return how much the class at `position` loses if a place is covered: float32 [height, width] from 0 to 1.

    `predict` returns probabilities [n, classes] for pictures uint8 [n, height, width, channels]. A square of the
    picture's mean colour covers every place in turn; the drop in the class's log-odds is averaged over the squares that
    cover a pixel. Maps for two sizes of square are added. Source: Zeiler and Fergus 2014.
    """
    before = _log_odds(predict(picture[None]), position)
    maps = [_drops(predict, before, picture, position, share) for share in COVERS]
    return np.asarray(scaled(scaled(np.stack(maps)).sum(axis=0)[None])[0])


def _drops(
    predict: Callable[[np.ndarray], np.ndarray], before: np.ndarray, picture: np.ndarray, position: int, share: int
) -> np.ndarray:
    """Return the mean drop in log-odds, at least 0, for squares of 1 / `share` of the shorter side."""
    height, width = picture.shape[:2]
    side = max(1, round(min(height, width) / share))
    places = [(top, left) for top in _steps(height, side) for left in _steps(width, side)]
    covered = np.repeat(picture[None], len(places), axis=0)
    mean_colour = picture.mean(axis=(0, 1)).round().astype(np.uint8)
    for k, (top, left) in enumerate(places):
        covered[k, top : top + side, left : left + side] = mean_colour
    drops, counts = np.zeros((height, width)), np.zeros((height, width))
    for (top, left), drop in zip(places, before - _log_odds(predict(covered), position), strict=True):
        drops[top : top + side, left : left + side] += drop
        counts[top : top + side, left : left + side] += 1
    return np.maximum(drops / counts, 0)


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return the rank correlation of two maps, -1 to 1: how far they highlight the same places; 0 for a flat map."""
    from scipy.stats import spearmanr

    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(spearmanr(first.ravel(), second.ravel()).statistic)


def _with_logits(network: keras.Model) -> keras.Model:
    """Return a copy of a network without the final softmax or sigmoid, if it has one."""
    copy = keras.models.clone_model(network)
    give_weights(copy, network.get_weights())
    last = copy.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return keras.Model(copy.inputs[0], last.input)
    if getattr(last, "activation", None) in (keras.activations.softmax, keras.activations.sigmoid):
        last.activation = keras.activations.linear
    return copy


Half = tuple[keras.Layer, keras.Model, keras.Model]
"""A layer, the network up to and including it, and the network after it."""


def _halves(network: keras.Model) -> list[Half]:
    """Return the last LAYERS layers for maps, each with the network before and after it.

    They have an activation or pool, come after a convolution, and have at least FINE cells per side. If no layer is as
    fine, it is the last of the finest layers. Layers bypassed by another connection are left out.
    """
    candidates = _candidates(network)
    fine = [layer for layer in candidates if _side(layer) >= FINE]
    finest = max((_side(layer) for layer in candidates), default=0)
    coarse = [layer for layer in candidates if _side(layer) == finest]
    halves: list[Half] = []
    for layer in reversed(fine or coarse):
        if len(halves) < (LAYERS if fine else 1) and (half := _halved(network, layer)) is not None:
            halves.insert(0, half)
    return halves


def _candidates(network: keras.Model) -> list[keras.Layer]:
    """Return the layers with an activation or that pool, from the first convolution on, with more than one cell."""
    candidates: list[keras.Layer] = []
    convolved = False
    for layer in network.layers:
        convolved = convolved or _convolves(layer)
        if not convolved or isinstance(layer, keras.Model) or not _is_active(layer):
            continue
        if len(layer.output.shape) == 4 and _side(layer) > 1:
            candidates.append(layer)
    return candidates


def _side(layer: keras.Layer) -> int:
    """Return the number of cells along the shorter side of a layer's output."""
    return int(min(layer.output.shape[1:3]))


def _convolves(layer: keras.Layer) -> bool:
    return any(len(weight.shape) == 4 for weight in layer.weights)


def _halved(network: keras.Model, layer: keras.Layer) -> Half | None:
    """Return a layer with the network before and after it; None if another connection bypasses the layer."""
    try:
        return layer, keras.Model(network.inputs[0], layer.output), keras.Model(layer.output, network.outputs[0])
    except ValueError:
        return None


def _is_active(layer: keras.Layer) -> bool:
    """Whether a layer has an activation, adds or pools."""
    kinds = keras.layers
    if isinstance(layer, (kinds.ReLU, kinds.LeakyReLU, kinds.PReLU, kinds.ELU, kinds.Add, kinds.MaxPooling2D)):
        return True
    if isinstance(layer, kinds.AveragePooling2D):
        return True
    return getattr(layer, "activation", None) not in (None, keras.activations.linear)


def _logit_weights(classes: np.ndarray, outputs: int) -> np.ndarray:
    """Return the weight of each logit, float32 [n, outputs]. A single output supports the second class if positive."""
    if outputs == 1:
        return np.where(classes == 1, 1.0, -1.0).astype(np.float32)[:, None]
    result: np.ndarray = np.eye(outputs, dtype=np.float32)[classes]
    return result


def _steps(size: int, side: int) -> list[int]:
    """Return where squares start along a side; the last one ends at its end."""
    return sorted({*range(0, size - side + 1, max(1, side // 2)), size - side})


def _log_odds(values: np.ndarray, position: int) -> np.ndarray:
    """Return the log-odds of one class, float64 [n]. The other probabilities are added up, which is exact near 1."""
    least = np.finfo(np.float32).tiny
    others = np.delete(values, position, axis=1).astype(np.float64).sum(axis=1)
    result: np.ndarray = np.log(np.maximum(values[:, position].astype(np.float64), least)) - np.log(
        np.maximum(others, least)
    )
    return result
