"""Between a Keras network and the members of a model file."""

from __future__ import annotations

import math
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from tellapart.classifier.model_file import CONFIG, METADATA, ONNX, WEIGHTS, Layer
from tellapart.classifier.onnx_copy import make_onnx_copy
from tellapart.classifier.sandbox.hdf5 import read_weights, refused, written
from tellapart.errors import ModelFileError
from tellapart.networks.backend import exactly, keras
from tellapart.networks.description import read_description
from tellapart.networks.inside import at_a_time
from tellapart.networks.sizes import Sizes
from tellapart.networks.spec import NetworkSpec, NotAllowedError, build


def to_members(network: keras.Model) -> dict[str, bytes]:
    """The members that Keras writes for a network, and its ONNX twin."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.keras")
        network.save(path)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in (METADATA, CONFIG, WEIGHTS)}
    return members | {ONNX: make_onnx_copy(network)}


def from_members(members: dict[str, bytes], name: str = "the model") -> keras.Model:
    """Rebuild the network, of Keras's own layers only, and read its weights.

    Keras's loader is not given the file, which may come from anybody: see tellapart.networks.description and hdf5.
    Raises ModelFileError for what is not on the list of plain layers, and for weights that are not theirs.
    """
    plan = plan_of(members[CONFIG], name)  # before a byte of the weights is looked at
    return with_weights(plan, read_weights(members[WEIGHTS], name).arrays, name)


def plan_of(description: bytes | str, name: str, keras2: bool = False) -> NetworkSpec:
    """What a network's description says. Raises ModelFileError for anything that is not on the list."""
    try:
        return read_description(description, keras2)
    except NotAllowedError as error:
        raise _not_plain(name, error) from error


def built(plan: NetworkSpec, name: str) -> keras.Model:
    """The network of a plan, with fresh weights. Raises ModelFileError where Keras does not build it."""
    try:
        return build(plan)
    except NotAllowedError as error:
        raise _not_plain(name, error) from error


def _not_plain(name: str, error: NotAllowedError) -> ModelFileError:
    return ModelFileError(
        f"{name}: its network is refused ({error})",
        "layers on the list in docs/model.md, in a size that a machine can hold",
        "do not open this file unless you know where it comes from",
    )


def with_weights(plan: NetworkSpec, arrays: dict[str, np.ndarray], name: str) -> keras.Model:
    """The network of a plan, with weights by their paths in Keras 3's file of them."""
    check_held(plan, arrays, name)
    network = built(plan, name)
    # Keras 2.12 to 2.15 kept layers under another name.
    plain = {path.replace("/_layer_checkpoint_dependencies/", "/layers/"): array for path, array in arrays.items()}
    for path, array in plain.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise refused(name, f"{path} holds what is no number")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, WEIGHTS)
        place.write_bytes(written(plain))
        try:
            network.load_weights(place)
        except Exception as error:  # Keras's words for arrays that are missing or of other shapes
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            raise refused(name, f"they do not fit its layers: {reason}") from error
    return network


def check_held(plan: NetworkSpec, arrays: dict[str, np.ndarray], name: str) -> None:
    """Raise ModelFileError for a network that is larger than the file: before any memory is taken for it."""
    assert plan.shape is not None
    sizes = Sizes()
    sizes.of(plan, plan.shape)
    held = sum(array.size for array in arrays.values())
    if sizes.parameters > held:
        raise refused(name, f"its layers have {sizes.parameters:,} numbers, the file {held:,}")


def outputs_of(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """What the network gives for pixels uint8 [n, height, width, channels]: float32 [n, outputs]."""
    size = at_a_time(network)
    pieces = [pixels[i : i + size].astype(np.float32) for i in range(0, len(pixels), size)]
    with exactly():
        return np.concatenate([keras.ops.convert_to_numpy(network(piece, training=False)) for piece in pieces])


def describe_layers(network: keras.Model) -> tuple[Layer, ...]:
    """The network's summary, a line a layer."""
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
    """Multiplications and additions of a layer's kernels for one picture: two for each of their weights and places."""
    if isinstance(layer, keras.Model):
        return sum(map(_operations, layer.layers))
    applied = layer.input if isinstance(layer, keras.layers.Conv2DTranspose) else layer.output
    places = math.prod(size or 1 for size in applied.shape[1:-1])
    return sum(
        2 * math.prod(weight.shape) * places for weight in layer.weights if "kernel" in weight.path.split("/")[-1]
    )
