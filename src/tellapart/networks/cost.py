"""What a network costs (parameters, bytes of outputs, multiplications), computed from its spec and limited."""

from __future__ import annotations

import math
from typing import Any

from tellapart.networks.spec import MERGING, LayerSpec, NetworkSpec, NotAllowedError, Shape, call_order

MOST_PARAMETERS = 500_000_000
MOST_ACTIVATIONS = 2**31
"""Bytes of all layers' outputs for one picture, in float32."""

MOST_OPERATIONS = 10**12
"""Multiplications of weights for one picture: a hundred times those of a large network."""

MOST_CALLS = 20_000
"""Calls of layers; those of nested networks count every time the network is called."""


class NetworkCost:
    """Sums what a network costs, from its spec alone, before anything is built or allocated.

    `parameters`: numbers in all weights. `activations`: bytes of all layers' outputs for one picture, in float32.
    `operations`: multiplications for one picture. `evaluated`: calls of layers.
    """

    def __init__(self) -> None:
        self.parameters = self.activations = self.evaluated = self.operations = 0

    def add(self, spec: NetworkSpec, shape: Shape) -> Shape:
        """Add a network that is given inputs of `shape`; returns the shape of its output.

        Raises NotAllowedError beyond the limits above, and for options and shapes that do not fit each other.
        """
        shapes: dict[tuple[str, int], Shape] = {(spec.input_name, 0): shape}
        layers = {layer.name: layer for layer in spec.layers}
        for name, call in call_order(spec):
            layer, inputs = layers[name], [shapes[origin] for origin in spec.calls[name][call]]
            before = self.parameters
            self.evaluated += max(1, len(inputs))
            if self.evaluated > MOST_CALLS:
                raise NotAllowedError(f"its layers are called more than {MOST_CALLS:,} times")
            if isinstance(layer, NetworkSpec):
                out = self.add(layer, self._single(name, inputs))
            else:
                out = self._layer(layer, inputs)
                self.operations += (self.parameters - before) * math.prod(out[:-1])  # each weight at each position
                if self.operations > MOST_OPERATIONS:
                    raise NotAllowedError(
                        f"up to {name}, it takes {self.operations:,} multiplications for a picture; the limit is "
                        f"{MOST_OPERATIONS:,}"
                    )
            if call:  # a repeated call shares the weights of the first
                self.parameters = before
            shapes[name, call] = out
            self.activations += 4 * math.prod(out)
            if self.activations > MOST_ACTIVATIONS or self.parameters > MOST_PARAMETERS:
                raise NotAllowedError(
                    f"up to {name}, it has {self.parameters:,} parameters and {self.activations:,} bytes of outputs "
                    f"for a picture; the limits are {MOST_PARAMETERS:,} and {MOST_ACTIVATIONS:,}"
                )
        return shapes[spec.output]

    def _single(self, name: str, inputs: list[Shape]) -> Shape:
        if len(inputs) != 1:
            raise NotAllowedError(f"{name} has {len(inputs)} inputs instead of 1")
        return inputs[0]

    def _layer(self, layer: LayerSpec, inputs: list[Shape]) -> Shape:
        if layer.kind in MERGING:
            return self._merged(layer, inputs)
        shape = self._single(layer.name, inputs)
        _check_axis(layer, shape)
        if layer.channels not in (None, shape[-1]):
            raise NotAllowedError(f"{layer.name} is made for {layer.channels} channels, its input has shape {shape}")
        try:
            self.parameters += _parameters(layer, shape)
            self.activations += 4 * _between(layer, shape)
        except (TypeError, ValueError, IndexError, KeyError, ZeroDivisionError) as error:
            raise NotAllowedError(f"{layer.name} lacks options") from error
        if self.parameters > MOST_PARAMETERS:
            raise NotAllowedError(f"up to {layer.name}, it has more than {MOST_PARAMETERS:,} parameters")
        try:
            out = _shape_after(layer, shape)
        except (TypeError, ValueError, IndexError, KeyError, ZeroDivisionError) as error:
            raise NotAllowedError(f"{layer.name} does not accept inputs of shape {shape}") from error
        if not all(isinstance(size, int) and size > 0 for size in out):
            raise NotAllowedError(f"{layer.name} reduces the shape {shape} to nothing")
        return out

    def _merged(self, layer: LayerSpec, inputs: list[Shape]) -> Shape:
        if len(inputs) < 2 or len({len(shape) for shape in inputs}) > 1:
            raise NotAllowedError(f"{layer.name} cannot combine {inputs}")
        _check_axis(layer, inputs[0])
        if layer.kind == "Concatenate":
            return (*inputs[0][:-1], sum(shape[-1] for shape in inputs))
        return tuple(max(sizes) for sizes in zip(*inputs, strict=True))


def _check_axis(layer: LayerSpec, shape: Shape) -> None:
    axis = layer.options.get("axis")
    if axis not in (None, -1, len(shape)):
        raise NotAllowedError(f"{layer.name} uses axis {axis} of {shape}, which is not the last")
    for option in ("scale", "offset") if layer.kind == "Rescaling" else ():
        value = layer.options.get(option)
        if isinstance(value, tuple) and len(value) not in (1, shape[-1]):
            raise NotAllowedError(f"{layer.name} has {len(value)} values of {option}, its input has shape {shape}")


def _pair(value: Any) -> tuple[Any, Any]:
    if not isinstance(value, tuple):
        return value, value
    if len(value) == 1:
        return value[0], value[0]
    return value[0], value[1]


def _parameters(layer: LayerSpec, shape: Shape) -> int:
    """How many numbers a layer's weights have, trainable or not."""
    options, channels = layer.options, shape[-1]
    bias = options.get("use_bias", True)
    if layer.kind == "Dense":
        return int((channels + bias) * options["units"])
    if "kernel_size" in options:
        area = math.prod(_pair(options["kernel_size"]))
        times = channels * options.get("depth_multiplier", 1)
        if layer.kind == "DepthwiseConv2D":
            return int((area + bias) * times)
        if layer.kind == "SeparableConv2D":
            return int(area * times + (times + bias) * options["filters"])
        return int((area * (channels // options.get("groups", 1)) + bias) * options["filters"])
    if layer.kind == "Normalization":
        return 0 if options.get("mean") is not None else 2 * channels + 1
    if layer.kind.endswith("Normalization"):
        moving = 2 if layer.kind == "BatchNormalization" else 0
        return int((options.get("center", True) + options.get("scale", True) + moving) * channels)
    if layer.kind == "PReLU":
        shared = options.get("shared_axes") or ()
        axes = shared if isinstance(shared, tuple) else (shared,)
        return math.prod(size for axis, size in enumerate(shape, 1) if axis not in axes)
    return 0


def _between(layer: LayerSpec, shape: Shape) -> int:
    """Numbers that a layer computes for itself and does not return."""
    return math.prod(shape) * int(layer.options.get("depth_multiplier", 1)) if layer.kind == "SeparableConv2D" else 0


def _shape_after(layer: LayerSpec, shape: Shape) -> Shape:
    """The shape after a layer, by the formulas in Keras's documentation."""
    kind, options = layer.kind, layer.options
    if kind == "Dense":
        return (*shape[:-1], options["units"])
    if kind == "Flatten":
        return (math.prod(shape),)
    if kind == "Reshape":
        target = options["target_shape"]
        target = target if isinstance(target, tuple) else (target,)
        known = math.prod(size for size in target if size != -1)
        reshaped = tuple(math.prod(shape) // known if size == -1 else size for size in target)
        if math.prod(reshaped) != math.prod(shape):
            raise ValueError("reshape")
        return reshaped
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
        sizes = [_slid(layer, *axis) for axis in across]
        times = channels * options.get("depth_multiplier", 1)
        return sizes[0], sizes[1], options.get("filters", times if kind == "DepthwiseConv2D" else channels)
    return shape


def _slid(layer: LayerSpec, size: int, window: int, step: int, dilation: int) -> int:
    """The output length of a window that slides over `size` values."""
    same, reach = layer.options.get("padding", "valid") == "same", dilation * (window - 1) + 1
    if layer.kind == "Conv2DTranspose":
        return size * step if same else size * step + max(reach - step, 0)
    return -(-size // step) if same else (size - reach) // step + 1
