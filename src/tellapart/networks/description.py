"""Read the description of a network from an untrusted file into a spec of plain layers.

A description is what Keras writes as `config.json` or into an `.h5` file. Keras never sees it: every value is compared
with the allow-list in tellapart.networks.allowed, sizes are computed and limited, and only then is each layer made, by
one constructor call with the checked values. Initializers and penalties are ignored, because weights are read later.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tellapart.networks.allowed import LAYERS, TRAINING_ONLY, activation_named, whole
from tellapart.networks.cost import NetworkCost
from tellapart.networks.spec import LayerSpec, NetworkSpec, NotAllowedError, Shape, call_order, short

MOST_BYTES, MOST_DEPTH, MOST_NODES = 8 * 2**20, 64, 20_000
"""Limits of a description: bytes, nesting depth, number of lists and objects."""

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

_UNSUPPORTED = (
    "lora_rank",
    "lora_alpha",
    "quantization_config",
    "renorm",
    "virtual_batch_size",
    "adjustment",
    "fused",
)


def read_description(data: bytes | str, keras2: bool = False) -> NetworkSpec:
    """The spec of a network, with every value checked. `keras2`: Keras 2 wrote it, and a few options mean other things.

    Raises NotAllowedError for invalid JSON, for anything outside the allow-list and beyond the limits.
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
    NetworkCost().add(spec, spec.shape)
    return spec


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
    inputs, outputs = _references(config.get("input_layers")), _references(config.get("output_layers"))
    if len(inputs) != 1 or len(outputs) != 1:
        raise NotAllowedError(f"{name} has {len(inputs)} inputs and {len(outputs)} outputs, but must have one of each")
    input_name, shape = inputs[0][0], None
    made: list[LayerSpec | NetworkSpec] = []
    calls: dict[str, list[list[tuple[str, int]]]] = {}
    for node in layers:
        kind, inner, layer_name = _class_of(node)
        if kind == "InputLayer":
            if layer_name != input_name:
                raise NotAllowedError(f"{layer_name}: an input layer that the network does not list as its input")
            shape = _shape(inner.get("batch_shape") or inner.get("batch_input_shape"))
            continue
        layer = _layer(node)
        made.append(layer)
        inbound = node.get("inbound_nodes")
        if not isinstance(inbound, list) or not inbound:
            raise NotAllowedError(f"{layer_name} is not reached from the input")
        calls[layer_name] = [_inbound(call, kind not in _OTHER_IN_TRAINING) for call in inbound]
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
    if kind in TRAINING_ONLY:
        return LayerSpec(name, "Identity", {}, _trainable(config))
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
            raise NotAllowedError(f"{where} is {short(value)}")
        for item in value.values():
            _check_ignored(item, where)


def _class_of(node: Any) -> tuple[str, Any, str]:
    """Class, config and name of a layer. Raises NotAllowedError for a class outside the allow-list."""
    if not isinstance(node, dict) or not isinstance(node.get("class_name"), str):
        raise NotAllowedError(f"{short(node)} is not a layer")
    kind, module, registered = node["class_name"], node.get("module"), node.get("registered_name")
    known = kind in LAYERS or kind in TRAINING_ONLY or kind in ("Sequential", "Functional", "Model", "InputLayer")
    plain = module is None or (isinstance(module, str) and module.split(".")[0] in _MODULES)
    if not known or not plain:
        place = f"{module}." if isinstance(module, str) else ""
        raise NotAllowedError(f"{short(place + kind)} is not on the list of allowed layers")
    if registered not in (None, kind):
        raise NotAllowedError(f"{short(kind)} is registered as {short(registered)}")
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
    """Height, width and channels, or a single length: a shape without its batch axis. None where there is no shape."""
    if isinstance(value, dict):  # as TensorFlow's shapes are written
        value = value.get("items")
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not 2 <= len(value) <= 5:
        raise NotAllowedError(f"its input shape is {short(value)}")
    if None in value[1:]:
        raise NotAllowedError(f"its input shape {short(value[1:])} has no fixed size: set every size and save it again")
    return tuple(whole(1, 8192)(size) for size in value[1:])


def _references(value: Any) -> list[tuple[str, int]]:
    """Inputs or outputs as (layer name, call number); they are written as [name, 0, 0] or a list of these."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        value = [value]
    return [_reference(item) for item in value] if isinstance(value, list) else []


def _reference(value: Any) -> tuple[str, int]:
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[0], str):
        raise NotAllowedError(f"{short(value)} is not a reference to a layer's output")
    if whole(0, MOST_NODES)(value[2]):
        raise NotAllowedError(f"{short(value[0])} has several outputs")
    return value[0], whole(0, MOST_NODES)(value[1])


def _inbound(call: Any, indifferent: bool) -> list[tuple[str, int]]:
    """The inputs of one call, as Keras 3 ({"args": ..., "kwargs": ...}) or Keras 2 ([[name, 0, 0, {}]]) writes them.

    An `indifferent` layer computes the same with training=True and without.
    """
    if isinstance(call, list):
        for item in call:
            if isinstance(item, list) and len(item) > 3 and _has_effect(item[3], indifferent):
                raise NotAllowedError(f"{short(item[0])} is called with {short(item[3])}")
        return [_reference(item) for item in ([call] if call and isinstance(call[0], str) else call)]
    wrong = not isinstance(call, dict) or not isinstance(call.get("args"), list)
    if wrong or _has_effect(call.get("kwargs"), indifferent):
        raise NotAllowedError(f"a layer is called with {short(call)}")
    tensors = call["args"][0] if len(call["args"]) == 1 and isinstance(call["args"][0], list) else call["args"]
    references = []
    for tensor in tensors:
        config = tensor.get("config") if isinstance(tensor, dict) else None
        history = config.get("keras_history") if isinstance(config, dict) else None
        if not isinstance(history, list) or tensor.get("class_name") != "__keras_tensor__":
            raise NotAllowedError(f"a layer is called with {short(tensor)}")
        references.append(_reference(history))
    return references


def _has_effect(options: Any, indifferent: bool) -> bool:
    """Whether the options of a call change what it computes."""
    if not options:
        return False
    harmless = (None, False, True) if indifferent else (None, False)
    return not isinstance(options, dict) or any(
        name not in ("training", "mask") or value not in (harmless if name == "training" else (None,))
        for name, value in options.items()
    )
