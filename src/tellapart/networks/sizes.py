"""What a network would take - shapes, parameters, bytes of outputs -, by its plan alone, and held to bounds."""

from __future__ import annotations

import math
from typing import Any

from tellapart.networks.spec import MERGING, LayerSpec, NetworkSpec, NotAllowedError, Shape, order

MOST_PARAMETERS = 500_000_000
MOST_ACTIVATIONS = 2**31
"""Bytes of all layers' outputs for one picture, in float32."""

MOST_OPERATIONS = 10**12
"""Multiplications of weights for one picture: a hundred times a large network's."""

MOST_CALLS = 20_000
"""Of layers, those of networks within networks counted each time."""


class Sizes:
    """Computes what a network would take, by its plan alone, and stops where it is too much."""

    def __init__(self) -> None:
        self.parameters = self.activations = self.evaluated = self.operations = 0

    def of(self, plan: NetworkSpec, shape: Shape) -> Shape:
        """The shape that comes out where `shape` goes in. Raises NotPlainError beyond the bounds."""
        found: dict[tuple[str, int], Shape] = {(plan.entry, 0): shape}
        parts = {part.name: part for part in plan.parts}
        for own, call in order(plan):
            part, inputs = parts[own], [found[origin] for origin in plan.calls[own][call]]
            before = self.parameters
            self.evaluated += max(1, len(inputs))
            if self.evaluated > MOST_CALLS:
                raise NotAllowedError(f"its layers are called more than {MOST_CALLS:,} times")
            if isinstance(part, NetworkSpec):
                out = self.of(part, self._single(own, inputs))
            else:
                out = self._layer(part, inputs)
                self.operations += (self.parameters - before) * math.prod(out[:-1])  # each weight at each place
                if self.operations > MOST_OPERATIONS:
                    raise NotAllowedError(
                        f"with {own} it takes {self.operations:,} multiplications for a picture; the bound is "
                        f"{MOST_OPERATIONS:,}"
                    )
            if call:  # the same layer once more, with the same weights
                self.parameters = before
            found[own, call] = out
            self.activations += 4 * math.prod(out)
            if self.activations > MOST_ACTIVATIONS or self.parameters > MOST_PARAMETERS:
                raise NotAllowedError(
                    f"with {own} it has {self.parameters:,} parameters and {self.activations:,} bytes of outputs for a "
                    f"picture; the bounds are {MOST_PARAMETERS:,} and {MOST_ACTIVATIONS:,}"
                )
        return found[plan.output]

    def _single(self, name: str, inputs: list[Shape]) -> Shape:
        if len(inputs) != 1:
            raise NotAllowedError(f"{name} is given {len(inputs)} inputs")
        return inputs[0]

    def _layer(self, part: LayerSpec, inputs: list[Shape]) -> Shape:
        if part.kind in MERGING:
            return self._merged(part, inputs)
        shape = self._single(part.name, inputs)
        _check_axis(part, shape)
        try:
            self.parameters += _parameters(part, shape)
            self.activations += 4 * _between(part, shape)
        except (TypeError, ValueError, IndexError, KeyError, ZeroDivisionError) as error:
            raise NotAllowedError(f"{part.name} is not described in full") from error
        if self.parameters > MOST_PARAMETERS:
            raise NotAllowedError(f"with {part.name} it has more than {MOST_PARAMETERS:,} parameters")
        try:
            out = _shape_after(part, shape)
        except (TypeError, ValueError, IndexError, KeyError, ZeroDivisionError) as error:
            raise NotAllowedError(f"{part.name} does not take the shape {shape}") from error
        if not all(isinstance(size, int) and size > 0 for size in out):
            raise NotAllowedError(f"{part.name} leaves nothing of the shape {shape}")
        return out

    def _merged(self, part: LayerSpec, inputs: list[Shape]) -> Shape:
        if len(inputs) < 2 or len({len(one) for one in inputs}) > 1:
            raise NotAllowedError(f"{part.name} joins {inputs}")
        _check_axis(part, inputs[0])
        if part.kind == "Concatenate":
            return (*inputs[0][:-1], sum(one[-1] for one in inputs))
        return tuple(max(sizes) for sizes in zip(*inputs, strict=True))


def _check_axis(part: LayerSpec, shape: Shape) -> None:
    axis = part.options.get("axis")
    if axis not in (None, -1, len(shape)):
        raise NotAllowedError(f"{part.name} works along axis {axis} of {shape}, which is not its last")


def _pair(value: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple):
        return value, value
    if len(value) == 1:
        return value[0], value[0]
    return value[0], value[1]


def _parameters(part: LayerSpec, shape: Shape) -> int:
    """How many numbers a layer's weights have, those that are not trained included."""
    options, channels = part.options, shape[-1]
    bias = options.get("use_bias", True)
    if part.kind == "Dense":
        return int((channels + bias) * options["units"])
    if "kernel_size" in options:
        area = math.prod(_pair(options["kernel_size"]))
        times = channels * options.get("depth_multiplier", 1)
        if part.kind == "DepthwiseConv2D":
            return int((area + bias) * times)
        if part.kind == "SeparableConv2D":
            return int(area * times + (times + bias) * options["filters"])
        return int((area * (channels // options.get("groups", 1)) + bias) * options["filters"])
    if part.kind == "Normalization":
        return 0 if options.get("mean") is not None else 2 * channels + 1
    if part.kind.endswith("Normalization"):
        moving = 2 if part.kind == "BatchNormalization" else 0
        return int((options.get("center", True) + options.get("scale", True) + moving) * channels)
    if part.kind == "PReLU":
        shared = options.get("shared_axes") or ()
        axes = shared if isinstance(shared, tuple) else (shared,)
        return math.prod(size for axis, size in enumerate(shape, 1) if axis not in axes)
    return 0


def _between(part: LayerSpec, shape: Shape) -> int:
    """Numbers that a layer computes on the way and gives to none."""
    return math.prod(shape) * int(part.options.get("depth_multiplier", 1)) if part.kind == "SeparableConv2D" else 0


def _shape_after(part: LayerSpec, shape: Shape) -> Shape:
    """The shape after a layer, by the formulas of Keras's documentation."""
    kind, options = part.kind, part.options
    if kind == "Dense":
        return (*shape[:-1], options["units"])
    if kind == "Flatten":
        return (math.prod(shape),)
    if kind == "Reshape":
        target = options["target_shape"]
        target = target if isinstance(target, tuple) else (target,)
        known = math.prod(size for size in target if size != -1)
        found = tuple(math.prod(shape) // known if size == -1 else size for size in target)
        if math.prod(found) != math.prod(shape):
            raise ValueError("reshape")
        return found
    if kind == "Permute":
        return tuple(shape[place - 1] for place in options["dims"])
    if kind in ("GlobalMaxPooling2D", "GlobalAveragePooling2D"):
        height, width, channels = shape
        return (1, 1, channels) if options.get("keepdims") else (channels,)
    if kind in ("Resizing", "CenterCrop"):
        height, width, channels = shape
        return options["height"], options["width"], channels
    if kind == "UpSampling2D":
        height, width, channels = shape
        rows, columns = _pair(options.get("size", 2))
        return height * rows, width * columns, channels
    if kind in ("ZeroPadding2D", "Cropping2D"):
        height, width, channels = shape
        rows, columns = _pair(options.get("padding", options.get("cropping", 1 if kind == "ZeroPadding2D" else 0)))
        sign = 1 if kind == "ZeroPadding2D" else -1
        return height + sign * sum(_pair(rows)), width + sign * sum(_pair(columns)), channels
    if "kernel_size" in options or "pool_size" in options or kind in ("MaxPooling2D", "AveragePooling2D"):
        height, width, channels = shape
        window = options.get("kernel_size", options.get("pool_size", 2))
        steps = options.get("strides")
        steps = (window if "kernel_size" not in options else 1) if steps is None else steps
        across = zip((height, width), _pair(window), _pair(steps), _pair(options.get("dilation_rate", 1)), strict=True)
        sizes = [_slid(part, *one) for one in across]
        times = channels * options.get("depth_multiplier", 1)
        return sizes[0], sizes[1], options.get("filters", times if kind == "DepthwiseConv2D" else channels)
    return shape


def _slid(part: LayerSpec, size: int, window: int, step: int, dilation: int) -> int:
    """The length after a window slid over `size`."""
    same, reach = part.options.get("padding", "valid") == "same", dilation * (window - 1) + 1
    if part.kind == "Conv2DTranspose":
        return size * step if same else size * step + max(reach - step, 0)
    return -(-size // step) if same else (size - reach) // step + 1
