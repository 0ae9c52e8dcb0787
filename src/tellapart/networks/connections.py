"""Read the connections between layers from an untrusted description: references to outputs, and calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tellapart.networks.allowed import whole
from tellapart.networks.spec import NotAllowedError, short

Reference = tuple[str, int]
"""The name of a layer and the number of its call."""

MOST_NODES = 20_000
"""Limit of lists and objects in a description."""


def references(value: Any) -> list[Reference]:
    """Inputs or outputs as (layer name, call number); they are written as [name, 0, 0] or a list of these."""
    if isinstance(value, list) and value and isinstance(value[0], str):
        value = [value]
    return [reference(item) for item in value] if isinstance(value, list) else []


def reference(value: Any) -> Reference:
    """One of them. Raises NotAllowedError for anything else."""
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[0], str):
        raise NotAllowedError(f"{short(value)} is not a reference to a layer's output")
    if whole(0, MOST_NODES)(value[2]):
        raise NotAllowedError(f"{short(value[0])} has several outputs")
    return value[0], whole(0, MOST_NODES)(value[1])


def is_tensor(value: Any) -> bool:
    """Whether a value in a call is an output of a layer, as Keras 3 writes it."""
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def tensor(value: Any) -> Reference:
    """The reference in an output of a layer, as Keras 3 writes it."""
    config = value.get("config") if isinstance(value, dict) else None
    history = config.get("keras_history") if isinstance(config, dict) else None
    if not isinstance(history, list) or not is_tensor(value):
        raise NotAllowedError(f"a layer is called with {short(value)}")
    return reference(history)


def inbound(call: Any, indifferent: bool) -> list[Reference]:
    """The inputs of one call, as Keras 3 ({"args": ..., "kwargs": ...}) or Keras 2 ([[name, 0, 0, {}]]) writes them.

    An `indifferent` layer computes the same with training=True and without.
    """
    if isinstance(call, list):
        for item in call:
            if isinstance(item, list) and len(item) > 3 and _has_effect(item[3], indifferent):
                raise NotAllowedError(f"{short(item[0])} is called with {short(item[3])}")
        return [reference(item) for item in ([call] if call and isinstance(call[0], str) else call)]
    wrong = not isinstance(call, dict) or not isinstance(call.get("args"), list)
    if wrong or _has_effect(call.get("kwargs"), indifferent):
        raise NotAllowedError(f"a layer is called with {short(call)}")
    tensors = call["args"][0] if len(call["args"]) == 1 and isinstance(call["args"][0], list) else call["args"]
    return [tensor(item) for item in tensors]


def names_read(value: Any) -> Iterator[str]:
    """The names of the layers whose outputs a call reads, at any depth."""
    if isinstance(value, list):
        if len(value) > 2 and isinstance(value[0], str):
            yield value[0]
        for item in value:
            yield from names_read(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from names_read(item)


def _has_effect(options: Any, indifferent: bool) -> bool:
    """Whether the options of a call change what it computes."""
    if not options:
        return False
    harmless = (None, False, True) if indifferent else (None, False)
    return not isinstance(options, dict) or any(
        name not in ("training", "mask") or value not in (harmless if name == "training" else (None,))
        for name, value in options.items()
    )
