"""What a description that may come from anybody says of a network, as a plan of plain layers.

A description is what Keras writes as `config.json` or into an `.h5` file. It is never given to Keras: every value is
compared with the list in tellapart.networks.allowed, sizes are computed and held to bounds, and only then are layers
made, one constructor call each with the values that were compared. Initializers and penalties are ignored, since the
weights are read afterwards.
"""

from __future__ import annotations

import json
import re
from typing import Any

from tellapart.networks.allowed import LAYERS, TRAINING_ONLY, activation_named, whole
from tellapart.networks.sizes import Sizes
from tellapart.networks.spec import LayerSpec, NetworkSpec, NotAllowedError, Shape, order, short

MOST_BYTES, MOST_DEPTH, MOST_NODES = 8 * 2**20, 64, 20_000
"""Of a description: its size, how deep its values nest, how many lists and objects it has."""

NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")

_ONE_GROUP = ("Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D")
"""Convolutions without groups, which Keras 2 writes all the same."""

_OTHER_IN_TRAINING = (
    "BatchNormalization", "Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
    "Sequential", "Functional", "Model",
)  # fmt: skip
"""Layers to which it matters whether they are called for training."""

_PASSED_OVER = {
    "name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_shape", "input_dim", "seed", "noise_shape",
    "kernel_initializer", "bias_initializer", "depthwise_initializer", "pointwise_initializer", "alpha_initializer",
    "beta_initializer", "gamma_initializer", "moving_mean_initializer", "moving_variance_initializer",
    "kernel_regularizer", "bias_regularizer", "activity_regularizer", "depthwise_regularizer", "pointwise_regularizer",
    "beta_regularizer", "gamma_regularizer", "alpha_regularizer", "kernel_constraint", "bias_constraint",
    "depthwise_constraint", "pointwise_constraint", "beta_constraint", "gamma_constraint", "alpha_constraint",
    "synchronized", "autocast", "renorm_clipping", "renorm_momentum", "input_mean", "input_variance", "implementation",
}  # fmt: skip

_MODULES = ("keras", "tf_keras")

_MUST_BE_EMPTY = (
    "lora_rank",
    "lora_alpha",
    "quantization_config",
    "renorm",
    "virtual_batch_size",
    "adjustment",
    "fused",
)


def read_description(data: bytes | str, keras2: bool = False) -> NetworkSpec:
    """What a description says, every value compared; that of a `keras2` says some things in another sense. Raises
    NotPlainError.
    """
    if len(data) > MOST_BYTES:
        raise NotAllowedError(f"its description has {len(data):,} bytes, more than {MOST_BYTES:,}")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotAllowedError("its description is no JSON") from error
    _measure(content)
    if keras2:
        _check_changed(content)
    plan = _network(content)
    if plan.shape is None:
        raise NotAllowedError("it does not say which shape goes in")
    Sizes().of(plan, plan.shape)
    return plan


def _trainable(config: dict[str, Any]) -> bool:
    return config.get("trainable", True) is not False


def _measure(content: Any) -> None:
    count, level = 0, [content]
    for _ in range(MOST_DEPTH + 1):
        level = [one for one in level if isinstance(one, (dict, list))]
        count += len(level)
        if count > MOST_NODES:
            raise NotAllowedError(f"its description has more than {MOST_NODES:,} lists and objects")
        if not level:
            return
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    raise NotAllowedError(f"its description nests deeper than {MOST_DEPTH}")


def _check_changed(content: Any) -> None:
    """Raise NotPlainError for what Keras 3 computes otherwise than Keras 2, which wrote the description."""
    left = [content]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            if node.get("class_name") == "RandomCrop":
                raise NotAllowedError("Keras 2's RandomCrop resizes pictures at prediction, which Keras 3's does not")
            if activation_named(node.get("activation")) == "hard_sigmoid":
                raise NotAllowedError("Keras 2's hard_sigmoid is steeper than Keras 3's")
        left += node.values() if isinstance(node, dict) else node if isinstance(node, list) else []


def _network(node: Any) -> NetworkSpec:
    kind, config, name = _class_of(node)
    if kind not in ("Sequential", "Functional", "Model"):
        raise NotAllowedError(f"it is a {kind}, neither Sequential nor Functional")
    if isinstance(config, list):  # as Keras 1 and early Keras 2 wrote a Sequential
        config = {"layers": config}
    layers = config.get("layers")
    if not isinstance(config, dict) or not isinstance(layers, list) or not layers:
        raise NotAllowedError(f"{name} has no layers")
    if len({_name(layer) for layer in layers}) < len(layers):
        raise NotAllowedError(f"{name} has two layers of one name")
    return _sequential(name, config, layers) if kind == "Sequential" else _functional(name, config, layers)


def _sequential(name: str, config: dict[str, Any], layers: list[Any]) -> NetworkSpec:
    shape = _shape(config.get("build_input_shape"))
    parts, calls, before = [], {}, "input"
    entry = before
    for i, node in enumerate(layers):
        kind, inner, own = _class_of(node)
        given = _shape(inner.get("batch_shape") or inner.get("batch_input_shape")) if isinstance(inner, dict) else None
        if kind == "InputLayer":
            if i:
                raise NotAllowedError(f"{own}: an input in the middle")
            shape, entry, before = given or shape, own, own
            continue
        part = _part(node)
        if not i:
            shape = given or shape or (part.shape if isinstance(part, NetworkSpec) else None)
        parts.append(part)
        calls[part.name] = [[(before, 0)]]
        before = part.name
    if not parts:
        raise NotAllowedError(f"{name} has no layers")
    return NetworkSpec(name, True, entry, shape, tuple(parts), calls, (before, 0))


def _functional(name: str, config: dict[str, Any], layers: list[Any]) -> NetworkSpec:
    entries, outputs = _references(config.get("input_layers")), _references(config.get("output_layers"))
    if len(entries) != 1 or len(outputs) != 1:
        raise NotAllowedError(f"{name} has {len(entries)} inputs and {len(outputs)} outputs, not one of each")
    entry, shape = entries[0][0], None
    parts: list[LayerSpec | NetworkSpec] = []
    calls: dict[str, list[list[tuple[str, int]]]] = {}
    for node in layers:
        kind, inner, own = _class_of(node)
        if kind == "InputLayer":
            if own != entry:
                raise NotAllowedError(f"{own}: an input that is none of the network's")
            shape = _shape(inner.get("batch_shape") or inner.get("batch_input_shape"))
            continue
        part = _part(node)
        parts.append(part)
        inbound = node.get("inbound_nodes")
        if not isinstance(inbound, list) or not inbound:
            raise NotAllowedError(f"{own} is not reached from the input")
        calls[own] = [_inbound(call, kind not in _OTHER_IN_TRAINING) for call in inbound]
        if not all(calls[own]):
            raise NotAllowedError(f"{own} is called with nothing")
    outputs = _counted_from_zero(parts, calls, outputs)
    known = {entry} | set(calls)
    for own, several in calls.items():
        for origin, call in (one for inputs in several for one in inputs):
            if origin not in known or call >= len(calls.get(origin, [0])):
                raise NotAllowedError(f"{own} takes what {origin} does not give")
    plan = NetworkSpec(name, False, entry, shape, tuple(parts), calls, outputs[0])
    if outputs[0][0] not in calls or outputs[0][1] >= len(calls[outputs[0][0]]):
        raise NotAllowedError(f"{name}: its output {outputs[0][0]} is none of its layers")
    _check_reached(plan)
    return plan


def _counted_from_zero(
    parts: list[LayerSpec | NetworkSpec], calls: dict[str, list[list[tuple[str, int]]]], outputs: list[tuple[str, int]]
) -> list[tuple[str, int]]:
    """The outputs, with calls of networks within this one counted as those of layers are; `calls` is changed likewise.

    Keras counts the making of a network as a call: Keras 2 wherever it refers to one, Keras 3 in the outputs only.
    """
    for part in parts:
        if not isinstance(part, NetworkSpec):
            continue
        inside = [one for several in calls.values() for call in several for one in call if one[0] == part.name]
        if inside and min(call for _, call in inside) > 0:
            for several in calls.values():
                several[:] = [[(name, i - (name == part.name)) for name, i in call] for call in several]
        at_end = [call for name, call in outputs if name == part.name]
        if at_end and (not part.sequential or at_end[0] >= len(calls[part.name])):
            outputs = [(name, max(0, i - (name == part.name))) for name, i in outputs]
    return outputs


def _check_reached(plan: NetworkSpec) -> None:
    """Every call has to matter for the output, and none may wait for itself."""
    wanted, reached = [plan.output], {plan.output}
    while wanted:
        own, call = wanted.pop()
        for origin in plan.calls[own][call]:
            if origin[0] != plan.entry and origin not in reached:
                reached.add(origin)
                wanted.append(origin)
    idle = [own for own, several in plan.calls.items() if any((own, i) not in reached for i in range(len(several)))]
    if idle:
        raise NotAllowedError(f"{idle[0]} does not lead to the output")
    order(plan)


def _part(node: Any) -> LayerSpec | NetworkSpec:
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
        elif key in _MUST_BE_EMPTY:
            if value:
                raise NotAllowedError(f"{name}: {key} is {short(value)}, which is not read")
        elif key in _PASSED_OVER:
            _check_passed_over(value, f"{name}: {key}")
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


def _check_passed_over(value: Any, where: str) -> None:
    """What is not used is looked at all the same: whoever names a program there means no good."""
    if isinstance(value, list):
        for one in value:
            _check_passed_over(one, where)
    elif isinstance(value, dict):
        module, registered = value.get("module"), value.get("registered_name")
        plain = module is None or (isinstance(module, str) and module.split(".")[0] in _MODULES)
        program = value.get("class_name") in ("function", "__lambda__", "Lambda", "__bytes__")
        if not plain or program or registered not in (None, value.get("class_name")):
            raise NotAllowedError(f"{where} is {short(value)}")
        for one in value.values():
            _check_passed_over(one, where)


def _class_of(node: Any) -> tuple[str, Any, str]:
    """Class, config and name. Raises NotPlainError for a class that is not on the list."""
    if not isinstance(node, dict) or not isinstance(node.get("class_name"), str):
        raise NotAllowedError(f"{short(node)} stands where a layer should")
    kind, module, registered = node["class_name"], node.get("module"), node.get("registered_name")
    known = kind in LAYERS or kind in TRAINING_ONLY or kind in ("Sequential", "Functional", "Model", "InputLayer")
    plain = module is None or (isinstance(module, str) and module.split(".")[0] in _MODULES)
    if not known or not plain:
        place = f"{module}." if isinstance(module, str) else ""
        raise NotAllowedError(f"it holds a {short(place + kind)}, which is not on the list of plain layers")
    if registered not in (None, kind):
        raise NotAllowedError(f"it holds a {short(kind)} registered as {short(registered)}")
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
        raise NotAllowedError(f"a layer is called {short(name)}")
    return name


def _shape(value: Any) -> Shape | None:
    """Height, width and channels (or a single length) behind the batch."""
    if isinstance(value, dict):  # as TensorFlow's shapes are written
        value = value.get("items")
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not 2 <= len(value) <= 5:
        raise NotAllowedError(f"the shape {short(value)} goes in")
    if None in value[1:]:
        raise NotAllowedError(f"its input {short(value[1:])} has no size of its own: give it one and save it anew")
    return tuple(whole(1, 8192)(size) for size in value[1:])


def _references(value: Any) -> list[tuple[str, int]]:
    """(layer, call) of inputs or outputs, which are written as [name, 0, 0] or a list of such."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        value = [value]
    return [_reference(one) for one in value] if isinstance(value, list) else []


def _reference(value: Any) -> tuple[str, int]:
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[0], str):
        raise NotAllowedError(f"{short(value)} stands where a layer's output should")
    if whole(0, MOST_NODES)(value[2]):
        raise NotAllowedError(f"{short(value[0])} gives several outputs")
    return value[0], whole(0, MOST_NODES)(value[1])


def _inbound(call: Any, indifferent: bool) -> list[tuple[str, int]]:
    """What goes into one call, as Keras 3 writes it ({"args": ..., "kwargs": ...}) or Keras 2 ([[name, 0, 0, {}]]).

    To an `indifferent` layer it does not matter whether it is called for training.
    """
    if isinstance(call, list):
        for one in call:
            if isinstance(one, list) and len(one) > 3 and _beyond(one[3], indifferent):
                raise NotAllowedError(f"{short(one[0])} is called with {short(one[3])}")
        return [_reference(one) for one in ([call] if call and isinstance(call[0], str) else call)]
    wrong = not isinstance(call, dict) or not isinstance(call.get("args"), list)
    if wrong or _beyond(call.get("kwargs"), indifferent):
        raise NotAllowedError(f"a layer is called with {short(call)}")
    tensors = call["args"][0] if len(call["args"]) == 1 and isinstance(call["args"][0], list) else call["args"]
    found = []
    for tensor in tensors:
        config = tensor.get("config") if isinstance(tensor, dict) else None
        history = config.get("keras_history") if isinstance(config, dict) else None
        if not isinstance(history, list) or tensor.get("class_name") != "__keras_tensor__":
            raise NotAllowedError(f"a layer is called with {short(tensor)}")
        found.append(_reference(history))
    return found


def _beyond(options: Any, indifferent: bool) -> bool:
    """Whether a call has options that matter."""
    if not options:
        return False
    harmless = (None, False, True) if indifferent else (None, False)
    return not isinstance(options, dict) or any(
        name not in ("training", "mask") or value not in (harmless if name == "training" else (None,))
        for name, value in options.items()
    )
