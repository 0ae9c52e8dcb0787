"""What makes two trainings the same: a resumed run must have the pictures, recipe, network and options of its start."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import Any

import numpy as np

from tellapart.data.feeding import Prepared
from tellapart.data.pixel_store import pixels_digest
from tellapart.files import sha256
from tellapart.networks.backend import describe, keras
from tellapart.training.plan import Plan

FORMAT = 3
"""Changes when checkpoints of an earlier version cannot be resumed."""

_LAYER_NAMES_IN = ("keras_history", "input_layers", "output_layers")
"""Where the description of a network refers to layers by name."""


def identity_of(plan: Plan, train: Prepared, validation: Prepared | None, network: str) -> dict[str, Any]:
    """What must be the same to resume a training, as plain values; `network` is its `network_digest`."""
    digest = hashlib.sha256()
    for pictures in [train, *([validation] if validation else [])]:
        digest.update(
            np.ascontiguousarray(pictures.labels).tobytes() + np.ascontiguousarray(pictures.indices).tobytes()
        )
        digest.update(pixels_digest(pictures.pixels).encode())
    return {
        "format": FORMAT,
        "recipe": plan.recipe.changes(),
        "pictures": digest.hexdigest(),
        "seed": plan.seed,
        "precision": plan.precision,
        "versions": {"backend": describe(), "keras": keras.__version__, "tellapart": version("tellapart")},
        "network": network,
    }


def network_digest(network: keras.Model) -> str:
    """A hash of a network's layers and connections.

    Layer names count up within a process, so each is replaced by its position.
    """
    config = json.loads(network.to_json())["config"]
    positions: dict[str, str] = {}

    def collect(node: Any) -> None:
        if isinstance(node, dict) and isinstance(node.get("name"), str):
            positions.setdefault(node["name"], f"#{len(positions)}")
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            collect(child)

    def replaced(node: Any, is_name: bool = False) -> Any:
        """Replaces names only where a layer is meant: an activation may have the name of a layer."""
        if isinstance(node, dict):
            return {key: replaced(child, key in ("name", *_LAYER_NAMES_IN)) for key, child in node.items()}
        if isinstance(node, list):
            return [replaced(child, is_name) for child in node]
        return positions.get(node, node) if is_name and isinstance(node, str) else node

    collect(config)
    return sha256(json.dumps(replaced(config), sort_keys=True).encode())
