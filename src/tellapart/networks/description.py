"""Read the description of a network from an untrusted file into a spec of plain layers.

A description is what Keras writes as `config.json` or into an `.h5` file. Keras never sees it: every value is compared
with the allow-list in tellapart.networks.allowed, sizes are computed and limited, and only then is each layer made, by
one constructor call with the checked values. Initializers and penalties are ignored, because weights are read later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tellapart.networks.allowed import LAYERS, TRAINING_ONLY, activation_named, whole
from tellapart.networks.connections import MOST_NODES, Reference, inbound, names_read, references
from tellapart.networks.cost import NetworkCost
from tellapart.networks.operations import (
    Made,
    is_one_channel,
    is_operation,
    is_stack,
    layers_of,
    scaled_layer,
    scaled_sum,
)
from tellapart.networks.spec import (
    HostileError,
    LayerSpec,
    NetworkSpec,
    NotAllowedError,
    Shape,
    SizeError,
    call_order,
    short,
)

MOST_BYTES, MOST_DEPTH = 8 * 2**20, 64
"""Limits of a description: bytes and nesting depth."""

NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")

_ONE_GROUP = ("Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D")
"""Convolutions without groups; Keras 2 writes the option anyway."""

_OTHER_IN_TRAINING = (
    "BatchNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
    "Sequential", "Functional", "Model",
)  # fmt: skip
"""Layers that behave differently when called with training=True."""

_IGNORED = {
    "name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape", "input_dim", "seed", "noise_shape",
    "kernel_initializer", "bias_initializer", "depthwise_initializer", "pointwise_initializer", "alpha_initializer",
    "beta_initializer", "gamma_initializer", "moving_mean_initializer", "moving_variance_initializer",
    "kernel_regularizer", "bias_regularizer", "activity_regularizer", "depthwise_regularizer", "pointwise_regularizer",
    "beta_regularizer", "gamma_regularizer", "alpha_regularizer", "kernel_constraint", "bias_constraint",
    "depthwise_constraint", "pointwise_constraint", "beta_constraint", "gamma_constraint", "alpha_constraint",
    "synchronized", "autocast", "renorm_clipping", "renorm_momentum", "input_mean", "input_variance", "implementation",
}  # fmt: skip

_MODULES = ("keras", "tf_keras")

_OF_APPLICATIONS = {
    "LayerScale": "keras.src.applications.convnext",
    "CustomScaleLayer": "keras.src.applications.inception_resnet_v2",
}
"""Layers of keras.applications that are replaced by built-in ones, and their modules in Keras 3."""

_UNSUPPORTED = (
    "lora_rank",
    "lora_alpha",
    "quantization_config",
    "renorm",
    "virtual_batch_size",
    "adjustment",
    "fused",
)


def read_description(data: bytes | str, keras2: bool = False, size: tuple[int, int] | None = None) -> NetworkSpec:
    """The spec of a network, with every value checked. `keras2`: Keras 2 wrote it, and a few options mean other things.

    A network that accepts any size is given `size`, height and width, or else that of its first Resizing layer. Raises
    SizeError without either or for another size than its own, and NotAllowedError for invalid JSON, for anything
    outside the allow-list and beyond the limits.
    """
    if len(data) > MOST_BYTES:
        raise NotAllowedError(f"its description has {len(data):,} bytes, more than {MOST_BYTES:,}")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotAllowedError("its description is not valid JSON") from error
    _measure(content)
    if keras2:
        _check_changed(content)
    spec = _network(content)
    if spec.shape is None:
        raise NotAllowedError("it does not give its input shape")
    spec = _with_size(spec, spec.shape, size)
    assert spec.shape is not None
    NetworkCost().add(spec, spec.shape)
    return spec


def _with_size(spec: NetworkSpec, shape: Shape, size: tuple[int, int] | None) -> NetworkSpec:
    """The spec with a fixed input size, where the description leaves it open."""
    if 0 not in shape:
        if size is not None and size != shape[:2]:
            raise SizeError(f"its input is {shape[0]} x {shape[1]}, not {size[0]} x {size[1]}")
        return spec
    if len(shape) != 3 or shape[2] == 0:
        raise NotAllowedError(f"its input shape {short(shape)} has no fixed number of channels")
    size = size or _first_size(spec)
    if size is None:
        raise SizeError("it accepts pictures of any size")
    return replace(spec, shape=(*size, shape[2]))


def _first_size(spec: NetworkSpec) -> tuple[int, int] | None:
    """The size to which the first layer that changes the size resizes pictures, or None."""
    for layer in spec.layers:
        if isinstance(layer, NetworkSpec):
            return _first_size(layer)
        if layer.kind in ("Resizing", "CenterCrop"):
            return layer.options.get("height", 1), layer.options.get("width", 1)
        if layer.kind not in ("Rescaling", "Normalization", "Identity", "Permute", "Cropping2D", "Concatenate"):
            return None
    return None


def _trainable(config: dict[str, Any]) -> bool:
    return config.get("trainable", True) is not False


def _measure(content: Any) -> None:
    """Raise NotAllowedError for a description that is too large or too deeply nested."""
    count, level = 0, [content]
    for _ in range(MOST_DEPTH + 1):
        level = [value for value in level if isinstance(value, (dict, list))]
        count += len(level)
        if count > MOST_NODES:
            raise NotAllowedError(f"its description has more than {MOST_NODES:,} lists and objects")
        if not level:
            return
        level = [inner for value in level for inner in (value.values() if isinstance(value, dict) else value)]
    raise NotAllowedError(f"its description nests deeper than {MOST_DEPTH}")


def _check_changed(content: Any) -> None:
    """Raise NotAllowedError for options that Keras 3 computes differently from Keras 2, which wrote the description."""
    left = [content]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            if node.get("class_name") == "RandomCrop":
                raise NotAllowedError("RandomCrop resizes pictures at prediction in Keras 2 but not in Keras 3")
            if activation_named(node.get("activation")) == "hard_sigmoid":
                raise NotAllowedError("hard_sigmoid has another slope in Keras 2 than in Keras 3")
        left += node.values() if isinstance(node, dict) else node if isinstance(node, list) else []


def _network(node: Any) -> NetworkSpec:
    kind, config, name = _class_of(node)
    if kind not in ("Sequential", "Functional", "Model"):
        raise NotAllowedError(f"it is of type {kind}, not Sequential or Functional")
    if isinstance(config, list):  # as Keras 1 and early Keras 2 wrote a Sequential
        config = {"layers": config}
    layers = config.get("layers")
    if not isinstance(config, dict) or not isinstance(layers, list) or not layers:
        raise NotAllowedError(f"{name} has no layers")
    if len({_name(layer) for layer in layers}) < len(layers):
        raise NotAllowedError(f"{name} has two layers with the same name")
    return _sequential(name, config, layers) if kind == "Sequential" else _functional(name, config, layers)


def _sequential(name: str, config: dict[str, Any], layers: list[Any]) -> NetworkSpec:
    shape = _shape(config.get("build_input_shape"))
    made, calls, before = [], {}, "input"
    input_name = before
    for i, node in enumerate(layers):
        kind, inner, layer_name = _class_of(node)
        given = _shape(inner.get("batch_shape") or inner.get("batch_input_shape")) if isinstance(inner, dict) else None
        if kind == "InputLayer":
            if i:
                raise NotAllowedError(f"{layer_name}: an input layer that is not the first layer")
            shape, input_name, before = given or shape, layer_name, layer_name
            continue
        layer = _layer(node)
        if not i:
            shape = given or shape or (layer.shape if isinstance(layer, NetworkSpec) else None)
        made.append(layer)
        calls[layer.name] = [[(before, 0)]]
        before = layer.name
    if not made:
        raise NotAllowedError(f"{name} has no layers")
    return NetworkSpec(name, True, input_name, shape, tuple(made), calls, (before, 0))


def _functional(name: str, config: dict[str, Any], layers: list[Any]) -> NetworkSpec:
    inputs, outputs = references(config.get("input_layers")), references(config.get("output_layers"))
    if len(inputs) != 1 or len(outputs) != 1:
        raise NotAllowedError(f"{name} has {len(inputs)} inputs and {len(outputs)} outputs, but must have one of each")
    input_name, shape = inputs[0][0], None
    made: list[LayerSpec | NetworkSpec] = []
    calls: dict[str, list[list[Reference]]] = {}
    names = {_name(node) for node in layers}

    def unused(wanted: str) -> str:
        while wanted in names or not NAME.fullmatch(wanted):
            wanted = f"{wanted[:100]}_"
        names.add(wanted)
        return wanted

    _check_channels(layers)
    for node in layers:
        kind, inner, layer_name = _class_of(node)
        if is_operation(node) or kind == "CustomScaleLayer":
            for replacement, origins in _replaced(node, kind, inner, layer_name, unused):
                made.append(replacement)
                calls[replacement.name] = [origins]
            continue
        if kind == "InputLayer":
            if layer_name != input_name:
                raise NotAllowedError(f"{layer_name}: an input layer that the network does not list as its input")
            shape = _shape(inner.get("batch_shape") or inner.get("batch_input_shape"))
            continue
        layer = _layer(node)
        made.append(layer)
        nodes = node.get("inbound_nodes")
        if not isinstance(nodes, list) or not nodes:
            raise NotAllowedError(f"{layer_name} is not reached from the input")
        calls[layer_name] = [inbound(call, kind not in _OTHER_IN_TRAINING) for call in nodes]
        if not all(calls[layer_name]):
            raise NotAllowedError(f"{layer_name} is called without inputs")
    outputs = _counted_from_zero(made, calls, outputs)
    known = {input_name} | set(calls)
    for layer_name, layer_calls in calls.items():
        for origin, call in (reference for call_inputs in layer_calls for reference in call_inputs):
            if origin not in known or call >= len(calls.get(origin, [0])):
                raise NotAllowedError(f"{layer_name} takes an output that {origin} does not have")
    spec = NetworkSpec(name, False, input_name, shape, tuple(made), calls, outputs[0])
    if outputs[0][0] not in calls or outputs[0][1] >= len(calls[outputs[0][0]]):
        raise NotAllowedError(f"{name}: its output {outputs[0][0]} is not one of its layers")
    _check_reached(spec)
    return spec


def _replaced(node: Any, kind: str, config: dict[str, Any], name: str, unused: Callable[[str], str]) -> Made:
    """The layers that replace an operation, or Inception-ResNet's scaled sum."""
    if kind != "CustomScaleLayer":
        return layers_of(node, name, unused)
    made_calls = node.get("inbound_nodes")
    if not isinstance(made_calls, list) or len(made_calls) != 1:
        raise NotAllowedError(f"{name} is not called exactly once")
    return scaled_sum(config, name, inbound(made_calls[0], True), unused)


def _check_channels(nodes: list[Any]) -> None:
    """Raise NotAllowedError where anything but Stack reads a single channel, which has no axis of channels."""
    single = {_name(node) for node in nodes if is_one_channel(node)}
    if not single:
        return
    for node in nodes:
        if not is_stack(node) and any(name in single for name in names_read(node.get("inbound_nodes"))):
            raise NotAllowedError(f"{_name(node)} computes with a single channel of a picture")


def _counted_from_zero(
    made: list[LayerSpec | NetworkSpec], calls: dict[str, list[list[tuple[str, int]]]], outputs: list[tuple[str, int]]
) -> list[tuple[str, int]]:
    """The outputs, with calls of nested networks numbered from 0 like those of layers; `calls` is changed in place.

    Keras counts the construction of a network as its call 0: Keras 2 in every reference, Keras 3 only in the outputs.
    """
    for layer in made:
        if not isinstance(layer, NetworkSpec):
            continue
        numbers = [i for own in calls.values() for inputs in own for name, i in inputs if name == layer.name]
        if numbers and min(numbers) > 0:
            for own in calls.values():
                own[:] = [[(name, i - (name == layer.name)) for name, i in inputs] for inputs in own]
        as_output = [call for name, call in outputs if name == layer.name]
        if as_output and (not layer.sequential or as_output[0] >= len(calls[layer.name])):
            outputs = [(name, max(0, i - (name == layer.name))) for name, i in outputs]
    return outputs


def _check_reached(spec: NetworkSpec) -> None:
    """Raise NotAllowedError for a call that the output does not depend on, and for circles."""
    waiting, reached = [spec.output], {spec.output}
    while waiting:
        name, call = waiting.pop()
        for origin in spec.calls[name][call]:
            if origin[0] != spec.input_name and origin not in reached:
                reached.add(origin)
                waiting.append(origin)
    unused = [name for name, calls in spec.calls.items() if any((name, i) not in reached for i in range(len(calls)))]
    if unused:
        raise NotAllowedError(f"the output does not depend on {unused[0]}")
    call_order(spec)


def _layer(node: Any) -> LayerSpec | NetworkSpec:
    kind, config, name = _class_of(node)
    if kind in ("Sequential", "Functional", "Model"):
        return _network(node)
    if kind == "LayerScale":
        return scaled_layer(kind, config, name)
    if kind in TRAINING_ONLY:
        return LayerSpec(name, "Identity", {}, _trainable(config))
    if kind not in LAYERS:
        raise NotAllowedError(f"{name}: the operation {kind} has no inputs in a Sequential network")
    options: dict[str, Any] = {}
    for key, value in config.items():
        if key in LAYERS[kind]:
            try:
                options[key] = LAYERS[kind][key](value)
            except NotAllowedError as error:
                raise NotAllowedError(f"{name}: {key} is {error}") from error
        elif key in _UNSUPPORTED:
            if value:
                raise NotAllowedError(f"{name}: {key} is {short(value)}, which is not supported")
        elif key in _IGNORED:
            _check_ignored(value, f"{name}: {key}")
        else:
            raise NotAllowedError(f"{name}: {kind} has no option {short(key)}")
    if kind == "LeakyReLU" and "alpha" in options:  # its name in Keras 2
        options["negative_slope"] = options.pop("alpha")
    if kind in _ONE_GROUP:
        options.pop("groups", None)
    if kind == "Rescaling":
        options.setdefault("scale", 1.0)
    axis = options.get("axis")
    if isinstance(axis, tuple):
        options["axis"] = axis[0] if axis else None
        if not axis and kind != "Normalization":
            raise NotAllowedError(f"{name}: axis is empty")
    return LayerSpec(name, kind, options, _trainable(config))


def _check_ignored(value: Any, where: str) -> None:
    """Raise NotAllowedError for an ignored option that names code: a file that does so is malicious."""
    if isinstance(value, list):
        for item in value:
            _check_ignored(item, where)
    elif isinstance(value, dict):
        module, registered = value.get("module"), value.get("registered_name")
        plain = module is None or (isinstance(module, str) and module.split(".")[0] in _MODULES)
        program = value.get("class_name") in ("function", "__lambda__", "Lambda", "__bytes__")
        if not plain or program or registered not in (None, value.get("class_name")):
            raise HostileError(f"{where} is {short(value)}")
        for item in value.values():
            _check_ignored(item, where)


def _class_of(node: Any) -> tuple[str, Any, str]:
    """Class, config and name of a layer. Raises NotAllowedError for a class outside the allow-list."""
    if not isinstance(node, dict) or not isinstance(node.get("class_name"), str):
        raise NotAllowedError(f"{short(node)} is not a layer")
    kind, module, registered = node["class_name"], node.get("module"), node.get("registered_name")
    known = kind in LAYERS or kind in TRAINING_ONLY or kind in ("Sequential", "Functional", "Model", "InputLayer")
    known = known or is_operation(node) or (kind in _OF_APPLICATIONS and module in (None, _OF_APPLICATIONS[kind]))
    plain = module is None or (isinstance(module, str) and module.split(".")[0] in _MODULES)
    if not known or not plain:
        place = f"{module}." if isinstance(module, str) else ""
        program = not plain or kind in ("Lambda", "TFSMLayer", "function", "__lambda__")
        error = HostileError if program else NotAllowedError
        raise error(f"{short(place + kind)} is not on the list of allowed layers")
    if registered not in (None, kind):
        raise HostileError(f"{short(kind)} is registered as {short(registered)}")
    config = node.get("config")
    if not isinstance(config, dict) and not (kind == "Sequential" and isinstance(config, list)):
        raise NotAllowedError(f"the {kind} {short(node.get('name'))} has no config")
    return kind, config, _name(node)


def _name(node: Any) -> str:
    config = node.get("config") if isinstance(node, dict) else None
    name = config.get("name") if isinstance(config, dict) else None
    if name is None and isinstance(node, dict):
        name = node.get("name") or str(node.get("class_name", "")).lower()
    if not isinstance(name, str) or not NAME.fullmatch(name) or ".." in name:
        raise NotAllowedError(f"{short(name)} is not a valid layer name")
    return name


def _shape(value: Any) -> Shape | None:
    """Height, width and channels, or a single length: a shape without its batch axis. None where there is no shape.

    A size that is not fixed is 0.
    """
    if isinstance(value, dict):  # as TensorFlow's shapes are written
        value = value.get("items")
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not 2 <= len(value) <= 5:
        raise NotAllowedError(f"its input shape is {short(value)}")
    return tuple(0 if size is None else whole(1, 8192)(size) for size in value[1:])
