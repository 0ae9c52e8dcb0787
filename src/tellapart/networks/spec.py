"""A network as plain values - layers, their options and what goes into what - and the Keras model that is made of it.

Nothing here reads files or trusts anything: tellapart.networks.description makes plans of descriptions, value by value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Shape = tuple[int, ...]

MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
"""Layers that join several inputs."""


class NotAllowedError(ValueError):
    """A description holds what is not on the list, or more than the bounds allow; its words say what."""


@dataclass(frozen=True)
class LayerSpec:
    """One layer: its class by name and the values for its constructor."""

    name: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    trainable: bool = True
    """Whether it was still trained: the order of weights in `.h5` files goes by that."""


@dataclass(frozen=True)
class NetworkSpec:
    """A network: its input's shape, its layers, and for each the calls with what goes in, by (layer, call).

    `sequential` keeps which of Keras's two classes it is: files of weights go by that.
    """

    name: str
    sequential: bool
    entry: str
    shape: Shape | None
    parts: tuple[LayerSpec | NetworkSpec, ...]
    calls: dict[str, list[list[tuple[str, int]]]]
    output: tuple[str, int]


def order(plan: NetworkSpec) -> list[tuple[str, int]]:
    """Calls in an order in which each has what goes in. Raises NotPlainError where they go in a circle."""
    waiting = {(own, i): set(call) for own, several in plan.calls.items() for i, call in enumerate(several)}
    followers: dict[tuple[str, int], list[tuple[str, int]]] = {}
    for one, origins in waiting.items():
        for origin in origins:
            followers.setdefault(origin, []).append(one)
    order = [(plan.entry, 0)]
    for origin in order:  # which grows as it goes
        for one in followers.get(origin, ()):
            waiting[one].discard(origin)
            if not waiting[one]:
                order.append(one)
    if len(order) <= len(waiting):
        stuck = next(own for (own, _), origins in waiting.items() if origins)
        raise NotAllowedError(f"{stuck} waits for itself")
    return order[1:]


def build(plan: NetworkSpec) -> Any:
    """The keras.Model of a plan, with fresh weights; its layers have the names that the description gave them.

    Raises NotPlainError for options that do not go together.
    """
    from tellapart.networks.backend import keras

    assert plan.shape is not None
    try:
        return _built(plan, plan.shape, keras)
    except Exception as error:  # Keras's words for options that do not go together
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise NotAllowedError(f"Keras does not build it: {reason}") from error


def _built(plan: NetworkSpec, shape: Shape, keras: Any) -> Any:
    entry = keras.Input(shape, name=plan.entry if plan.entry != "input" else None)
    made: dict[str, Any] = {}
    found: dict[tuple[str, int], Any] = {(plan.entry, 0): entry}
    parts = {part.name: part for part in plan.parts}
    if plan.sequential:
        model = keras.Sequential([entry], name=plan.name)
        for part in plan.parts:
            model.add(_made(part, tuple(model.output_shape[1:]) if model.layers else shape, keras))
        return model
    for own, call in order(plan):
        inputs = [found[origin] for origin in plan.calls[own][call]]
        if own not in made:
            made[own] = _made(parts[own], tuple(inputs[0].shape[1:]), keras)
        part = parts[own]
        merging = isinstance(part, LayerSpec) and part.kind in MERGING
        found[own, call] = made[own](inputs if merging else inputs[0])
    return keras.Model(entry, found[plan.output], name=plan.name)


def _made(part: LayerSpec | NetworkSpec, shape: Shape, keras: Any) -> Any:
    if isinstance(part, NetworkSpec):
        return _built(part, shape, keras)
    layer = getattr(keras.layers, part.kind)(**part.options, name=part.name)
    if not part.trainable:
        layer.trainable = False
    return layer


def short(value: Any) -> str:
    """A value in words of an error."""
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
