"""Replace operations between layers, such as those of `preprocess_input`, by built-in layers that compute the same.

Only arithmetic with constants and between outputs, the order of channels, casts to float32, plain activations and means
over the picture are known. Every argument is checked; anything else is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tellapart.networks.allowed import LAYERS, whole
from tellapart.networks.connections import Reference, is_tensor, reference, tensor
from tellapart.networks.spec import HostileError, LayerSpec, NotAllowedError, short

Made = list[tuple[LayerSpec, list[Reference]]]
"""Layers, each with the inputs of its only call; the last has the name of the operation."""

_MODULES = ("keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.core", "keras.ops", "keras.ops.numpy")

_KERAS_2 = {
    "math.truediv": "TrueDivide", "math.divide": "TrueDivide", "__operators__.truediv": "TrueDivide",
    "math.subtract": "Subtract", "math.multiply": "Multiply", "math.add": "Add", "__operators__.add": "Add",
    "math.negative": "Negative", "nn.bias_add": "Add", "cast": "Cast", "nn.relu": "Relu", "nn.relu6": "Relu6",
    "math.sigmoid": "Sigmoid", "__operators__.getitem": "GetItem",
}  # fmt: skip
"""The functions that Keras 2 writes as TFOpLambda and SlicingOpLambda layers. These hold a name, not a program."""

_ACTIVATIONS = {
    "Relu": "relu", "Relu6": "relu6", "Sigmoid": "sigmoid", "Silu": "silu", "Tanh": "tanh",
    "HardSigmoid": "hard_sigmoid", "HardSilu": "hard_silu", "Softplus": "softplus",
}  # fmt: skip

_OPTIONS: dict[str, tuple[str, ...]] = {
    "Stack": ("axis",), "Concatenate": ("axis",), "Mean": ("axis", "keepdims"), "Cast": ("dtype",),
}  # fmt: skip
"""Options of operations besides their name."""

_KINDS = {"Add", "Subtract", "Multiply", "TrueDivide", "Divide", "Negative", "GetItem", *_OPTIONS, *_ACTIVATIONS}

MOST_CONSTANTS = 4
"""Numbers in a constant: one for each channel of a picture."""


def is_operation(node: Any) -> bool:
    """Whether a node of a description is an operation, not a layer."""
    if not isinstance(node, dict) or not isinstance(node.get("class_name"), str):
        return False
    if node.get("class_name") in ("TFOpLambda", "SlicingOpLambda"):
        return True
    kind, config = node["class_name"], node.get("config")
    if kind in _KINDS and node.get("module") is None:  # as `.h5` files of Keras 3 are written
        return isinstance(config, dict) and "trainable" not in config and (kind not in LAYERS or _has_constant(node))
    return kind in _KINDS and node.get("module") in _MODULES


def _has_constant(node: dict[str, Any]) -> bool:
    """Whether a node is called with anything but outputs of layers, which no layer is."""
    calls = node.get("inbound_nodes")
    call = calls[0] if isinstance(calls, list) and calls else None
    arguments = call.get("args") if isinstance(call, dict) else None
    return isinstance(arguments, list) and not all(is_tensor(item) or isinstance(item, list) for item in arguments)


def layers_of(node: Any, name: str, unused: Callable[[str], str]) -> Made:
    """The layers that compute an operation. `unused` makes a name that no layer of the network has.

    Raises NotAllowedError for operations and arguments that are not on the list.
    """
    kind, arguments, options = _read(node, name)
    if kind == "Cast":
        _only_float32(options, name)
        return [(LayerSpec(name, "Identity"), [_one(arguments, name)])]
    if kind in _ACTIVATIONS:
        return [(LayerSpec(name, "Activation", {"activation": _ACTIVATIONS[kind]}), [_one(arguments, name)])]
    if kind == "Negative":
        return [(_rescaling(name, (-1.0,), (0.0,)), [_one(arguments, name)])]
    if kind == "Mean":
        return [(_mean(options, name), [_one(arguments, name)])]
    if kind in ("Stack", "Concatenate"):
        return [_joined(arguments, options, name)]
    if kind == "GetItem":
        return _channels(arguments, name, unused)
    return _arithmetic(kind, arguments, name)


def is_one_channel(node: Any) -> bool:
    """Whether an operation takes one channel, so that its output has no channels: only Stack may read it."""
    if not is_operation(node):
        return False
    kind, arguments, _ = _read(node, "")
    return kind == "GetItem" and not isinstance(_index(arguments, ""), slice)


def is_stack(node: Any) -> bool:
    """Whether a node joins single channels to a picture."""
    return is_operation(node) and node.get("class_name") == "Stack"


def scaled_layer(kind: str, config: dict[str, Any], name: str) -> LayerSpec:
    """ConvNeXt's LayerScale, a factor for each channel that is a weight, as a convolution of one pixel."""
    if kind != "LayerScale":
        raise NotAllowedError(f"{name} is of type {kind}")
    channels = whole(1, 65_536)(config.get("projection_dim"))
    options = {"kernel_size": 1, "use_bias": False}
    trainable = config.get("trainable", True) is not False
    return LayerSpec(name, "DepthwiseConv2D", options, trainable, stored="LayerScale", channels=channels)


def scaled_sum(config: dict[str, Any], name: str, inputs: list[Reference], unused: Callable[[str], str]) -> Made:
    """Inception-ResNet's CustomScaleLayer: its first input plus its second times a constant."""
    if len(inputs) != 2:
        raise NotAllowedError(f"{name} has {len(inputs)} inputs instead of 2")
    factor = _rescaling(unused(f"{name}_scaled"), _constant(config.get("scale"), name), (0.0,))
    return [(factor, [inputs[1]]), (LayerSpec(name, "Add", stored=""), [inputs[0], (factor.name, 0)])]


def reversed_channels(source: Reference, name: str, unused: Callable[[str], str]) -> Made:
    """The three channels of pictures in the opposite order, RGB as BGR; the last layer has the name `name`."""
    made: Made = []
    chosen = []
    for k in (2, 1, 0):
        made += _one_channel(source, k, unused(f"{name}_{k}"), unused)
        chosen.append((made[-1][0].name, 0))
    return [*made, (LayerSpec(name, "Concatenate", {"axis": -1}, stored=""), chosen)]


def _read(node: dict[str, Any], name: str) -> tuple[str, list[Any], dict[str, Any]]:
    """The kind, the arguments (references, constants, anything else as it is) and the options of an operation."""
    config = node.get("config")
    calls = node.get("inbound_nodes")
    if not isinstance(config, dict) or not isinstance(calls, list) or len(calls) != 1:
        raise NotAllowedError(f"{name} is not called exactly once")
    if node["class_name"] in ("TFOpLambda", "SlicingOpLambda"):
        return _read_keras2(config, calls[0], name)
    kind = node["class_name"]
    allowed = ("name", "dtype", "trainable", *_OPTIONS.get(kind, ()))
    extra = next((key for key in config if key not in allowed), None)
    if node.get("registered_name") not in (None, kind):
        raise HostileError(f"{name}: {kind} is registered as {short(node['registered_name'])}")
    if extra is not None:
        raise NotAllowedError(f"{name}: the operation {kind} has the option {short(extra)}")
    call = calls[0]
    if not isinstance(call, dict) or not isinstance(call.get("args"), list) or not isinstance(call.get("kwargs"), dict):
        raise NotAllowedError(f"{name} is called with {short(call)}")
    if call["kwargs"]:
        raise NotAllowedError(f"{name} is called with {short(call['kwargs'])}")
    return kind, [_argument(value) for value in call["args"]], config


def _read_keras2(config: dict[str, Any], call: Any, name: str) -> tuple[str, list[Any], dict[str, Any]]:
    function = config.get("function")
    kind = _KERAS_2.get(function) if isinstance(function, str) else None
    if kind is None:
        raise NotAllowedError(f"{name}: the operation {short(function)} is not on the list of allowed operations")
    inner = call[0] if isinstance(call, list) and len(call) == 1 and isinstance(call[0], list) else call
    if not isinstance(inner, list) or len(inner) != 4 or not isinstance(inner[3], dict):
        raise NotAllowedError(f"{name} is called with {short(call)}")
    given = {key: value for key, value in inner[3].items() if key != "name" and value is not None}
    layout = given.pop("data_format", None)
    if layout not in (None, "channels_last", "NHWC") or len(given) > 1:
        raise NotAllowedError(f"{name} is called with {short(inner[3])}")
    first = reference(inner[:3])
    if kind == "Cast":
        return kind, [first], given
    values = [_keras2_argument(value) for value in given.values()]
    if not set(given) <= {"y", "bias", "slice_spec"}:
        raise NotAllowedError(f"{name} is called with {short(inner[3])}")
    return kind, [first, *values], {}


def _keras2_argument(value: Any) -> Any:
    """An argument of Keras 2: a reference is written as a list that starts with a name."""
    return reference(value) if isinstance(value, list) and value and isinstance(value[0], str) else value


def _argument(value: Any) -> Any:
    """A reference, a list of them, or another value, without the record around a constant."""
    if is_tensor(value):
        return tensor(value)
    if isinstance(value, list) and value and all(map(is_tensor, value)):
        return [tensor(item) for item in value]
    if isinstance(value, dict) and value.get("class_name") in ("__tensor__", "__numpy__"):
        config = value.get("config")
        return config.get("value") if isinstance(config, dict) else None
    return value


def _is_reference(value: Any) -> bool:
    return isinstance(value, tuple)


def _one(arguments: list[Any], name: str) -> Reference:
    if len(arguments) != 1 or not _is_reference(arguments[0]):
        raise NotAllowedError(f"{name} is called with {short(arguments)}")
    found: Reference = arguments[0]
    return found


def _only_float32(options: dict[str, Any], name: str) -> None:
    kind = options.get("dtype")
    kind = (
        kind.get("config", {}).get("name") if isinstance(kind, dict) and isinstance(kind.get("config"), dict) else kind
    )
    if kind != "float32":
        raise NotAllowedError(f"{name} casts to {short(kind)}, not to float32")


def _mean(options: dict[str, Any], name: str) -> LayerSpec:
    if options.get("axis") not in ([1, 2], [-3, -2]) or not isinstance(options.get("keepdims", False), bool):
        raise NotAllowedError(f"{name} averages over the axes {short(options.get('axis'))}, not over the picture")
    return LayerSpec(name, "GlobalAveragePooling2D", {"keepdims": options.get("keepdims", False)}, stored="")


def _joined(arguments: list[Any], options: dict[str, Any], name: str) -> tuple[LayerSpec, list[Reference]]:
    several = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else None
    if several is None or not all(map(_is_reference, several)) or options.get("axis", 0) not in (-1, 3):
        raise NotAllowedError(f"{name} joins {short(arguments)} along the axis {short(options.get('axis', 0))}")
    return LayerSpec(name, "Concatenate", {"axis": -1}, stored=""), several


def _index(arguments: list[Any], name: str) -> int | slice:
    """The index of the last axis: a channel, or a reversing slice. Raises NotAllowedError for others."""
    key = arguments[1] if len(arguments) == 2 else None
    if not isinstance(key, list) or len(key) not in (2, 4) or not all(_is_everything(item) for item in key[:-1]):
        raise NotAllowedError(f"{name} indexes with {short(key)}, not with a channel")
    last = key[-1]
    if isinstance(last, int) and not isinstance(last, bool) and -3 <= last <= 2:
        return last % 3
    if _bounds(last) == (None, None, -1):
        return slice(None, None, -1)
    raise NotAllowedError(f"{name} indexes with {short(key)}, not with a channel")


def _is_everything(item: Any) -> bool:
    """Whether an index is `...` or `:`."""
    return (isinstance(item, dict) and item.get("class_name") == "__ellipsis__") or _bounds(item) == (None, None, None)


def _bounds(item: Any) -> Any:
    """Start, stop and step of a slice, as Keras 3 or Keras 2 writes it; () for anything else."""
    if not isinstance(item, dict):
        return ()
    config = item.get("config") if item.get("class_name") == "__slice__" else item
    if not isinstance(config, dict) or not {"start", "stop", "step"} <= set(config):
        return ()
    step = config["step"]
    return config["start"], config["stop"], None if step == 1 else step


def _channels(arguments: list[Any], name: str, unused: Callable[[str], str]) -> Made:
    """One of three channels, or all in the opposite order."""
    index = _index(arguments, name)
    if not arguments or not _is_reference(arguments[0]):
        raise NotAllowedError(f"{name} is called with {short(arguments)}")
    if isinstance(index, slice):
        return reversed_channels(arguments[0], name, unused)
    return _one_channel(arguments[0], index, name, unused)


def _one_channel(source: Reference, k: int, name: str, unused: Callable[[str], str]) -> Made:
    """Channel k of three, [height, width, 1]: with columns and channels exchanged, the others can be cropped."""
    turned = LayerSpec(unused(f"{name}_turned"), "Permute", {"dims": (1, 3, 2)}, stored="", channels=3)
    cropped = LayerSpec(unused(f"{name}_cropped"), "Cropping2D", {"cropping": ((0, 0), (k, 2 - k))}, stored="")
    back = LayerSpec(name, "Permute", {"dims": (1, 3, 2)}, stored="")
    return [(turned, [source]), (cropped, [(turned.name, 0)]), (back, [(cropped.name, 0)])]


def _arithmetic(kind: str, arguments: list[Any], name: str) -> Made:
    if len(arguments) != 2 or not any(map(_is_reference, arguments)):
        raise NotAllowedError(f"{name} is called with {short(arguments)}")
    first, second = arguments
    if _is_reference(first) and _is_reference(second):
        if kind not in ("Add", "Subtract", "Multiply"):
            raise NotAllowedError(f"{name} divides by an output of a layer")
        return [(LayerSpec(name, kind, stored=""), [first, second])]
    source, numbers = (first, _constant(second, name)) if _is_reference(first) else (second, _constant(first, name))
    if kind in ("TrueDivide", "Divide"):
        if not _is_reference(first) or 0 in numbers:
            raise NotAllowedError(f"{name} divides by {'an output of a layer' if source is second else 'zero'}")
        return [(_rescaling(name, tuple(1 / number for number in numbers), (0.0,)), [source])]
    if kind == "Multiply":
        return [(_rescaling(name, numbers, (0.0,)), [source])]
    if kind == "Add":
        return [(_rescaling(name, (1.0,), numbers), [source])]
    if _is_reference(first):
        return [(_rescaling(name, (1.0,), tuple(-number for number in numbers)), [source])]
    return [(_rescaling(name, (-1.0,), numbers), [source])]


def _constant(value: Any, name: str) -> tuple[float, ...]:
    """One number, or one for each channel, in lists of one value."""
    for _ in range(4):  # the lists around a constant [1, 1, 1, channels]
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
    numbers = value if isinstance(value, list) else [value]
    if not 1 <= len(numbers) <= MOST_CONSTANTS or not all(_is_number(number) for number in numbers):
        raise NotAllowedError(f"{name} computes with {short(value)}, not a number or one for each channel")
    return tuple(float(number) for number in numbers)


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and abs(value) <= 1e9
    )


def _rescaling(name: str, scale: tuple[float, ...], offset: tuple[float, ...]) -> LayerSpec:
    """Times `scale`, plus `offset`: one number each, or one for each channel."""
    if not all(abs(number) <= 1e9 for number in (*scale, *offset)):
        raise NotAllowedError(f"{name} divides by a number that is too small")
    channels = max(len(scale), len(offset))
    options = {"scale": scale[0] if len(scale) == 1 else scale, "offset": offset[0] if len(offset) == 1 else offset}
    return LayerSpec(name, "Rescaling", options, stored="", channels=channels if channels > 1 else None)
