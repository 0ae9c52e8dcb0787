"""Convert between a Keras network and the members of a model file."""

from __future__ import annotations

import math
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from tellapart.classifier.model_file import CONFIG, METADATA, ONNX, WEIGHTS, Layer
from tellapart.classifier.onnx_copy import make_onnx_copy
from tellapart.classifier.sandbox.hdf5 import read_weights, refused_weights, to_hdf5
from tellapart.classifier.stored_weights import at_built_paths
from tellapart.errors import ModelFileError
from tellapart.networks.backend import exactly, keras
from tellapart.networks.cost import NetworkCost
from tellapart.networks.description import read_description
from tellapart.networks.inside import at_a_time
from tellapart.networks.spec import HostileError, NetworkSpec, NotAllowedError, SizeError, build


def to_members(network: keras.Model) -> dict[str, bytes]:
    """The members that Keras writes for a network, and its ONNX copy."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.keras")
        network.save(path)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in (METADATA, CONFIG, WEIGHTS)}
    return members | {ONNX: make_onnx_copy(network)}


def from_members(members: dict[str, bytes], name: str = "the model") -> keras.Model:
    """Rebuild the network from Keras's built-in layers, and read its weights.

    The members are untrusted, so Keras's loader is not used: see tellapart.networks.description and sandbox/hdf5.py.
    Raises ModelFileError for layers outside the allow-list, and for weights that do not fit them.
    """
    spec = read_spec(members[CONFIG], name)  # checked before any weights are read
    return with_weights(spec, read_weights(members[WEIGHTS], name).arrays, name)


def read_spec(
    description: bytes | str, name: str, keras2: bool = False, size: tuple[int, int] | None = None
) -> NetworkSpec:
    """The spec from a network's description; `size` is for networks that accept any.

    Raises ModelFileError for anything outside the allow-list.
    """
    try:
        return read_description(description, keras2, size)
    except NotAllowedError as error:
        raise _not_plain(name, error) from error


def built(spec: NetworkSpec, name: str) -> keras.Model:
    """Build the network of a spec, with fresh weights. Raises ModelFileError where Keras cannot build it."""
    try:
        return build(spec)
    except NotAllowedError as error:
        raise _not_plain(name, error) from error


def _not_plain(name: str, error: NotAllowedError) -> ModelFileError:
    if isinstance(error, SizeError):
        return ModelFileError(
            f"{name}: {error}",
            "the size of its input, or for any size the one that it was trained with",
            "give it as --preprocessing size=HEIGHTxWIDTH, such as size=224x224, or leave out another size",
        )
    return ModelFileError(
        f"{name}: its network is refused ({error})",
        "layers that docs/model.md lists, within its size limits",
        _advice(error),
    )


def _advice(error: NotAllowedError) -> str:
    if isinstance(error, HostileError):
        return "do not use this file unless you know where it comes from"
    return "replace that part by layers of the list, such as Rescaling for arithmetic, and save it with model.save"


def with_weights(spec: NetworkSpec, arrays: dict[str, np.ndarray], name: str) -> keras.Model:
    """Build the network of a spec and set its weights, which are given by their paths in Keras 3's weight files.

    Raises ModelFileError for weights that are missing, of other shapes, or not finite.
    """
    check_parameters(spec, arrays, name)
    network = built(spec, name)
    # Keras 2.12 to 2.15 stored layers under another name.
    plain = {path.replace("/_layer_checkpoint_dependencies/", "/layers/"): array for path, array in arrays.items()}
    plain = at_built_paths(spec, network, plain)
    for path, array in plain.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise refused_weights(name, f"{path} contains NaN or infinity")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, WEIGHTS)
        file.write_bytes(to_hdf5(plain))
        try:
            network.load_weights(file)
        except Exception as error:  # Keras raises many types for missing arrays and other shapes
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise refused_weights(name, f"they do not fit its layers: {reason}") from error
    return network


def check_parameters(spec: NetworkSpec, arrays: dict[str, np.ndarray], name: str) -> None:
    """Raise ModelFileError for a network with more parameters than the file, before memory is allocated for it."""
    assert spec.shape is not None
    cost = NetworkCost()
    cost.add(spec, spec.shape)
    stored = sum(array.size for array in arrays.values())
    if cost.parameters > stored:
        raise refused_weights(name, f"its layers have {cost.parameters:,} parameters, the file {stored:,}")


def outputs_of(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Outputs float32 [n, outputs] for pixels uint8 [n, height, width, channels]."""
    size = at_a_time(network)
    pieces = [pixels[i : i + size].astype(np.float32) for i in range(0, len(pixels), size)]
    with exactly():
        return np.concatenate([keras.ops.convert_to_numpy(network(piece, training=False)) for piece in pieces])


def describe_layers(network: keras.Model) -> tuple[Layer, ...]:
    """The layers of a network, for its summary."""
    return tuple(
        Layer(
            name=layer.name,
            kind=type(layer).__name__,
            shape=list(layer.output.shape[1:]),
            parameters=layer.count_params(),
            operations=_operations(layer),
        )
        for layer in network.layers
    )


def _operations(layer: keras.Layer) -> int:
    """Multiplications and additions of a layer's kernels for one picture: two per weight and output position."""
    if isinstance(layer, keras.Model):
        return sum(map(_operations, layer.layers))
    applied = layer.input if isinstance(layer, keras.layers.Conv2DTranspose) else layer.output
    positions = math.prod(size or 1 for size in applied.shape[1:-1])
    return sum(
        2 * math.prod(weight.shape) * positions for weight in layer.weights if "kernel" in weight.path.split("/")[-1]
    )
