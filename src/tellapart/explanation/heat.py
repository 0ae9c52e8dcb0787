"""What in a picture speaks for a class: a map from the network's gradients, and one from covering parts of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tellapart.networks.backend import gradient, keras
from tellapart.networks.inside import at_a_time, give_weights

FINE = 7
"""Maps are taken from the last layers that have at least so many fields a side, or from the finest there is."""

LAYERS = 2
"""From so many layers, whose maps are added: one alone may answer strongly where nothing is."""

SHIFTS = ((0, 0), (1, 1), (-1, -1), (1, -1), (-1, 1), (2, 0), (-2, 0), (0, 2), (0, -2))
"""Moves of the picture, in 28ths of its side, over which maps are averaged: maxima jump from field to field."""

BLUR = 1 / 14
"""Deviation of the Gaussian that maps are smoothed with, as a share of the side."""

COVERS = (6, 3)
"""Squares of a sixth and of a third of the picture's shorter side are laid over it, every half of their side."""


class HeatMaps:
    """Class activation maps of a network with convolutions; `layers` names those that they are taken from.

    A layer's map is the sum, over its channels, of what a channel answers times the gradient of the class's logit
    there, where that speaks for the class: Grad-CAM (Selvaraju and others 2017) with a weight for each place, which
    lets it be taken from finer layers than the last (LayerCAM, Jiang and others 2021). Maps are averaged over small
    moves of the picture, as SmoothGrad averages over noise (Smilkov and others 2017), and smoothed.
    """

    def __init__(self, network: keras.Model) -> None:
        """Make the maps' own copy of the network, whose answers are logits. Raises LookupError without convolutions."""
        own = _with_logits(network)
        found = _layers(own)
        if not found:
            inner = any(isinstance(one, keras.Model) and _convolves(one) for one in own.layers)
            raise LookupError(
                "its convolutions are in a model within the model"
                if inner
                else "the network has no convolution that a map could be taken from"
            )
        self.layers = tuple(layer.name for layer, _, _ in found)
        self._halves = [(front, back) for _, front, back in found]
        self._at_a_time = at_a_time(own)

    def __call__(self, pixels: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Maps float32 [n, height, width] in 0..1 for prepared pictures uint8 [n, height, width, channels], each for
        its class int [n]; all 0 where nothing speaks for it.
        """
        from scipy.ndimage import gaussian_filter

        count, (height, width) = len(pixels), pixels.shape[1:3]
        moves = [(round(down * height / 28), round(right * width / 28)) for down, right in SHIFTS]
        moved = np.concatenate([np.roll(pixels, move, (1, 2)) for move in moves])
        wanted, step = np.tile(classes, len(moves)), self._at_a_time
        pieces = [(moved[i : i + step], wanted[i : i + step]) for i in range(0, len(moved), step)]
        own = [np.concatenate([self._maps(*half, *piece) for piece in pieces]) for half in self._halves]
        maps = np.sum([_scaled(one) for one in own], axis=0)
        back = [
            np.roll(maps[k * count : (k + 1) * count], (-down, -right), (1, 2)) for k, (down, right) in enumerate(moves)
        ]
        smooth = gaussian_filter(np.mean(back, axis=0), (0, BLUR * height, BLUR * width))
        return _scaled(smooth)

    def _maps(self, front: keras.Model, back: keras.Model, pixels: np.ndarray, classes: np.ndarray) -> np.ndarray:
        seen = keras.ops.convert_to_numpy(front(pixels.astype(np.float32), training=False))
        signs = _wanted(classes, back.output_shape[-1])

        def logits(x: object) -> object:
            return keras.ops.sum(back(x, training=False) * signs)

        spoken = np.maximum((np.maximum(gradient(logits, seen), 0) * seen).sum(axis=-1), 0)
        large = keras.ops.image.resize(spoken[..., None], pixels.shape[1:3], interpolation="bilinear")
        result: np.ndarray = keras.ops.convert_to_numpy(large)[..., 0]
        return result


def occlusion(answer: Callable[[np.ndarray], np.ndarray], picture: np.ndarray, position: int) -> np.ndarray:
    """How much the class at `position` loses when a part of a picture is covered: float32 [height, width] in 0..1.

    `answer` gives probabilities [n, classes] for pictures uint8 [n, height, width, channels]. A grey square, of the
    picture's mean, is put on every place in turn; the fall of the class's log-odds is shared among the pixels below
    it. Maps of two sizes of square are added. Source: Zeiler and Fergus 2014.
    """
    before = _log_odds(answer(picture[None]), position)
    maps = [_covered(answer, before, picture, position, share) for share in COVERS]
    result: np.ndarray = _scaled(_scaled(np.stack(maps)).sum(axis=0)[None])[0]
    return result


def _covered(
    answer: Callable[[np.ndarray], np.ndarray], before: np.ndarray, picture: np.ndarray, position: int, share: int
) -> np.ndarray:
    height, width = picture.shape[:2]
    side = max(1, round(min(height, width) / share))
    places = [(top, left) for top in _steps(height, side) for left in _steps(width, side)]
    covered = np.repeat(picture[None], len(places), axis=0)
    middle = picture.mean(axis=(0, 1)).round().astype(np.uint8)
    for k, (top, left) in enumerate(places):
        covered[k, top : top + side, left : left + side] = middle
    falls, counts = np.zeros((height, width)), np.zeros((height, width))
    for (top, left), fall in zip(places, before - _log_odds(answer(covered), position), strict=True):
        falls[top : top + side, left : left + side] += fall
        counts[top : top + side, left : left + side] += 1
    return np.maximum(falls / counts, 0)


def agreement(one: np.ndarray, other: np.ndarray) -> float:
    """The rank correlation of two maps, -1..1: whether they point at the same places."""
    from scipy.stats import spearmanr

    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(spearmanr(one.ravel(), other.ravel()).statistic)


def _with_logits(network: keras.Model) -> keras.Model:
    """A copy of a network whose last layer answers before its softmax or sigmoid, where it has one."""
    copy = keras.models.clone_model(network)
    give_weights(copy, network.get_weights())
    last = copy.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return keras.Model(copy.inputs[0], last.input)
    if getattr(last, "activation", None) in (keras.activations.softmax, keras.activations.sigmoid):
        last.activation = keras.activations.linear
    return copy


Half = tuple[keras.Layer, keras.Model, keras.Model]
"""A layer, and the network up to it and after it."""


def _layers(network: keras.Model) -> list[Half]:
    """The last LAYERS layers with an activation, or that pool, behind a convolution and of at least FINE fields a side.

    Where no layer has so many, the last of those with the most. Layers that a connection passes by are left out.
    """
    found: list[keras.Layer] = []
    convolved = False
    for layer in network.layers:
        convolved = convolved or _convolves(layer)
        if not convolved or isinstance(layer, keras.Model) or not _is_active(layer):
            continue
        shape = layer.output.shape
        if len(shape) == 4 and min(shape[1:3]) > 1:
            found.append(layer)
    fine = [layer for layer in found if min(layer.output.shape[1:3]) >= FINE]
    finest = max((min(layer.output.shape[1:3]) for layer in found), default=0)
    coarse = [layer for layer in found if min(layer.output.shape[1:3]) == finest]
    halves: list[Half] = []
    for layer in reversed(fine or coarse):
        if len(halves) < (LAYERS if fine else 1) and (half := _halved(network, layer)) is not None:
            halves.insert(0, half)
    return halves


def _convolves(layer: keras.Layer) -> bool:
    return any(len(weight.shape) == 4 for weight in layer.weights)


def _halved(network: keras.Model, layer: keras.Layer) -> Half | None:
    """The network before and after a layer; None where something else leads around it."""
    try:
        return layer, keras.Model(network.inputs[0], layer.output), keras.Model(layer.output, network.outputs[0])
    except ValueError:
        return None


def _is_active(layer: keras.Layer) -> bool:
    kinds = keras.layers
    if isinstance(layer, (kinds.ReLU, kinds.LeakyReLU, kinds.PReLU, kinds.ELU, kinds.Add, kinds.MaxPooling2D)):
        return True
    if isinstance(layer, kinds.AveragePooling2D):
        return True
    return getattr(layer, "activation", None) not in (None, keras.activations.linear)


def _wanted(classes: np.ndarray, outputs: int) -> np.ndarray:
    """What each logit counts, float32 [n, outputs]; one output speaks for the second class and against the first."""
    if outputs == 1:
        return np.where(classes == 1, 1.0, -1.0).astype(np.float32)[:, None]
    result: np.ndarray = np.eye(outputs, dtype=np.float32)[classes]
    return result


def _scaled(maps: np.ndarray) -> np.ndarray:
    """Maps [n, height, width] with a highest value of 1 each, or all 0."""
    top = maps.max(axis=(1, 2), keepdims=True)
    return (maps / np.where(top > 0, top, 1)).astype(np.float32)


def _steps(size: int, side: int) -> list[int]:
    """Where squares begin along a side, the last one at its end."""
    return sorted({*range(0, size - side + 1, max(1, side // 2)), size - side})


def _log_odds(values: np.ndarray, position: int) -> np.ndarray:
    """Of one class, float64 [n]; exact where it is next to certain, since what is left to the others is added up."""
    least = np.finfo(np.float32).tiny
    others = np.delete(values, position, axis=1).astype(np.float64).sum(axis=1)
    result: np.ndarray = np.log(np.maximum(values[:, position].astype(np.float64), least)) - np.log(
        np.maximum(others, least)
    )
    return result
