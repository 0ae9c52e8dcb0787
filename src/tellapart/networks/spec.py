"""A network as plain values (layers, their options, their connections), and the Keras model built from it.

Nothing here reads files or checks values: tellapart.networks.description makes specs from untrusted descriptions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, ...]

MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
"""Layers that combine several inputs."""


class NotAllowedError(ValueError):
    """A description contains something outside the allow-list, or exceeds a limit. The message says what."""


class HostileError(NotAllowedError):
    """A description names a program, which no description of a network needs."""


class SizeError(NotAllowedError):
    """A network accepts pictures of any size and none was given, or another size than the given one."""


@dataclass(frozen=True)
class LayerSpec:
    """One layer: the name of its Keras class and the arguments of its constructor."""

    name: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    trainable: bool = True
    """Whether the layer was trainable; the order of weights in `.h5` files depends on it."""

    stored: str | None = None
    """The class whose name its weights have in the file; None: `kind`, "": it replaces an operation without weights."""

    channels: int | None = None
    """The channels that its input must have, where its meaning depends on them."""


@dataclass(frozen=True)
class NetworkSpec:
    """A network: input shape, layers and connections.

    `calls[name][i]` lists the inputs of the i-th call of a layer, each as (layer name, call number); `input_name` names
    the input tensor. `sequential` says which Keras class the network is, which the layout of weight files depends on.
    """

    name: str
    sequential: bool
    input_name: str
    shape: Shape | None
    layers: tuple[LayerSpec | NetworkSpec, ...]
    calls: dict[str, list[list[tuple[str, int]]]]
    output: tuple[str, int]


def call_order(spec: NetworkSpec) -> list[tuple[str, int]]:
    """Calls as (layer name, call number), each after the calls that produce its inputs.

    Raises NotAllowedError where the connections form a circle.
    """
    waiting = {(name, i): set(inputs) for name, calls in spec.calls.items() for i, inputs in enumerate(calls)}
    followers: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for call, origins in waiting.items():
        for origin in origins:
            followers.setdefault(origin, []).append(call)
    ordered = [(spec.input_name, 0)]
    for origin in ordered:  # the list grows during the loop
        for call in followers.get(origin, ()):
            waiting[call].discard(origin)
            if not waiting[call]:
                ordered.append(call)
    if len(ordered) <= len(waiting):
        stuck = next(name for (name, _), origins in waiting.items() if origins)
        raise NotAllowedError(f"{stuck} waits for itself")
    return ordered[1:]


def build(spec: NetworkSpec) -> Any:
    """Build the keras.Model of a spec, with fresh weights and the layer names of the spec.

    Raises NotAllowedError where Keras refuses a combination of options.
    """
    from tellapart.networks.backend import keras

    assert spec.shape is not None
    try:
        return _built(spec, spec.shape, keras)
    except Exception as error:  # Keras raises many types for options that do not fit each other
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise NotAllowedError(f"Keras cannot build it: {reason}") from error


def _built(spec: NetworkSpec, shape: Shape, keras: Any) -> Any:
    inputs = keras.Input(shape, name=spec.input_name if spec.input_name != "input" else None)
    if spec.sequential:
        model = keras.Sequential([inputs], name=spec.name)
        for layer in spec.layers:
            model.add(_keras_layer(layer, tuple(model.output_shape[1:]) if model.layers else shape, keras))
        return model
    made: dict[str, Any] = {}
    tensors: dict[tuple[str, int], Any] = {(spec.input_name, 0): inputs}
    layers = {layer.name: layer for layer in spec.layers}
    for name, call in call_order(spec):
        given = [tensors[origin] for origin in spec.calls[name][call]]
        layer = layers[name]
        if name not in made:
            made[name] = _keras_layer(layer, tuple(given[0].shape[1:]), keras)
        merging = isinstance(layer, LayerSpec) and layer.kind in MERGING
        tensors[name, call] = made[name](given if merging else given[0])
    return keras.Model(inputs, tensors[spec.output], name=spec.name)


def _keras_layer(layer: LayerSpec | NetworkSpec, shape: Shape, keras: Any) -> Any:
    if isinstance(layer, NetworkSpec):
        return _built(layer, shape, keras)
    made = getattr(keras.layers, layer.kind)(**layer.options, name=layer.name)
    if not layer.trainable:
        made.trainable = False
    return made


def short(value: Any) -> str:
    """A value as text for an error message, cut to 80 characters."""
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
