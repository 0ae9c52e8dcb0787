"""Keras models that were trained elsewhere: `.keras` archives and `.h5` files, from anybody, read as if by a stranger.

What a file is goes by its content, not its name. Nothing of Keras's loaders takes part: the description is compared
with a list (tellapart.networks.description), the weights are read in a process of its own (`hdf5`, beside this file).
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tellapart.classifier.model_file import CONFIG, METADATA, RECORD, WEIGHTS
from tellapart.classifier.sandbox.hdf5 import SIGNATURE, Weights, read_weights, refused
from tellapart.errors import ModelFileError
from tellapart.networks.description import MOST_BYTES
from tellapart.networks.sizes import Sizes
from tellapart.networks.spec import LayerSpec, NetworkSpec

if TYPE_CHECKING:
    import keras

MOST_WEIGHT_BYTES = 2**31
MOST_RATIO = 200
"""A member may not unpack to more than so many times its packed size: weights hardly pack at all."""

_KNOWN = {
    b"\x80": "a Python pickle, which can run any program",
    b"\x93NUMPY": "a NumPy array",
    b"GGUF": "a GGUF file",
    b"\x08": "an ONNX file or another of Protocol Buffers",
}


@dataclass(frozen=True, eq=False)
class Foreign:
    """A network that was trained elsewhere: what its file says of it, and its weights, not yet put together."""

    name: str
    plan: NetworkSpec
    weights: Weights
    by_layer_names: bool
    """Whether weights lie as in `.h5` files, by the names of layers."""

    @property
    def outputs(self) -> int:
        """How many numbers come out for a picture. Raises ModelFileError unless they are in a row."""
        assert self.plan.shape is not None
        out = Sizes().of(self.plan, self.plan.shape)
        if len(out) != 1 or len(self.plan.shape) != 3 or self.plan.shape[2] not in (1, 3):
            raise ModelFileError(
                f"{self.name}: its network makes {out} of {self.plan.shape}",
                "a classifier of pictures: height, width and 1 or 3 channels go in, a row of numbers comes out",
                "put a Reshape or a pooling layer where the shapes differ, and save it anew",
            )
        return out[0]

    @property
    def rescales(self) -> bool:
        """Whether the network brings pixels into its own range before anything is computed from them."""
        first = _first(self.plan)
        if first is None or first.kind != "Normalization":
            return first is not None and first.kind == "Rescaling"
        mean = first.options.get("mean")
        own = rf"(?:^|/){re.escape(first.name)}/(?:.*/)?mean(?::0)?$" if self.by_layer_names else _MEAN
        adapted = (array for path, array in self.weights.arrays.items() if re.search(own, path))
        return bool(np.max(next(adapted, 0.0) if mean is None else mean) > HIGHEST_MEAN)

    @property
    def ending(self) -> str:
        """The activation that the outputs come from."""
        return _ending(self.plan)

    def network(self, scale: float = 1.0, offset: float = 0.0, activation: str | None = None) -> keras.Model:
        """The network with its weights; in front pixels are rescaled, behind an activation is put, where asked for."""
        from tellapart.classifier.network import with_weights

        plan = self.plan
        if (scale, offset) != (1.0, 0.0):
            plan = _before(plan, LayerSpec(_free(plan, "pixels"), "Rescaling", {"scale": scale, "offset": offset}))
        if activation:
            plan = _behind(plan, LayerSpec(_free(plan, "probabilities"), "Activation", {"activation": activation}))
        if self.by_layer_names:
            return _with_named_weights(plan, self.weights, self.name)
        return with_weights(plan, self.weights.arrays, self.name)


def read_foreign(path: Path) -> Foreign:
    """The network in a file that Keras wrote. Raises ModelFileError for anything else, and says what it is."""
    name = str(path)
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be read ({error.strerror})", "a .keras or .h5 file that Keras wrote", "check the path"
        ) from error
    if head == SIGNATURE:
        if size > MOST_WEIGHT_BYTES:
            raise _refused(name, f"it has {size:,} bytes, more than {MOST_WEIGHT_BYTES:,}")
        weights = read_weights(path.read_bytes(), name)
        from tellapart.classifier.network import plan_of

        said = str(weights.words.get("/", {}).get("keras_version", "2"))
        plan = plan_of(_description(weights, name), name, not said.startswith("3"))
        return Foreign(name, _with_channel(plan), weights, True)
    if head.startswith(b"PK"):
        plan, packed = _unpacked(path, name)
        return Foreign(name, _with_channel(plan), read_weights(packed, name), False)
    kind = next((words for start, words in _KNOWN.items() if head.startswith(start)), "no Keras model")
    raise _refused(name, f"it is {kind}")


_KEEPING_RANGE = (
    "Identity", "Reshape", "Flatten", "Resizing", "CenterCrop", "Cropping2D", "ZeroPadding2D", "Dropout",
    "SpatialDropout2D", "GaussianNoise", "GaussianDropout",
)  # fmt: skip
"""Layers after which pixels are what they were; those that augment are an Identity once they are trained."""


HIGHEST_MEAN = 1.5
"""Pixels of 0..1 or -1..1 have no mean above 1: a normalisation of a higher one was adapted to 0..255."""

_MEAN = r"(?:^|/)normalization/vars/0$"
"""The mean of the first normalisation that was adapted, in Keras 3's files, where layers go by their class."""


def _first(plan: NetworkSpec) -> LayerSpec | None:
    """The first layer that changes pixels; None where there is no such layer."""
    source = (plan.entry, 0)
    while readers := [part for part in plan.parts if any(source in call for call in plan.calls[part.name])]:
        first = readers[0]
        if isinstance(first, NetworkSpec):
            within = _first(first)
            if within is not None:
                return within
        elif first.kind not in _KEEPING_RANGE:
            return first
        source = (first.name, 0)
    return None


_KEEPING_ENDING = (
    "Flatten", "Reshape", "Permute", "Identity", "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianNoise",
    "GaussianDropout", "ActivityRegularization", "GlobalAveragePooling2D", "AveragePooling2D",
)  # fmt: skip
"""Layers that leave probabilities what they are, or give their mean."""


def _ending(plan: NetworkSpec) -> str:
    name = plan.output[0]
    while True:
        part = next(part for part in plan.parts if part.name == name)
        if isinstance(part, NetworkSpec):
            return _ending(part)
        calls = plan.calls.get(name, [])
        if part.kind not in _KEEPING_ENDING or not calls or calls[0][0][0] == plan.entry:
            return "softmax" if part.kind == "Softmax" else part.options.get("activation") or "linear"
        name = calls[0][0][0]


def _with_channel(plan: NetworkSpec) -> NetworkSpec:
    """A network for pictures; one that takes rows of numbers, without channels, is given what a grey picture has."""
    if plan.shape is None or len(plan.shape) != 2:
        return plan
    layer = LayerSpec(_free(plan, "rows"), "Reshape", {"target_shape": plan.shape})
    return _before(replace(plan, shape=(*plan.shape, 1)), layer)


def _free(plan: NetworkSpec, name: str) -> str:
    while name in plan.calls or name == plan.entry:
        name += "_"
    return name


def _before(plan: NetworkSpec, layer: LayerSpec) -> NetworkSpec:
    calls = {
        own: [[(layer.name, 0) if one == (plan.entry, 0) else one for one in call] for call in several]
        for own, several in plan.calls.items()
    }
    return replace(plan, parts=(layer, *plan.parts), calls={layer.name: [[(plan.entry, 0)]]} | calls)


def _behind(plan: NetworkSpec, layer: LayerSpec) -> NetworkSpec:
    calls = plan.calls | {layer.name: [[plan.output]]}
    return replace(plan, parts=(*plan.parts, layer), calls=calls, output=(layer.name, 0))


def _unpacked(path: Path, name: str) -> tuple[NetworkSpec, bytes]:
    """The network that a Keras archive describes and its weights, held to their bounds before they are unpacked."""
    from tellapart.classifier.network import plan_of

    with _opened(path, name) as archive:
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if RECORD in names:
            raise ModelFileError(
                f"{name}: is a tellapart model already", "a model that was trained elsewhere", "use it as it is"
            )
        if len(set(names)) < len(names):
            raise _refused(name, "it has two members of one name")
        extra = sorted(set(names) - {CONFIG, METADATA, WEIGHTS})
        if extra or not {CONFIG, WEIGHTS} <= set(names):
            raise _refused(name, f"its members are {', '.join(sorted(names))[:160] or 'none'}")
        for info in infos:
            _check_kind(info, name)
        description = _member(archive, archive.getinfo(CONFIG), MOST_BYTES, name)
        metadata = _member(archive, archive.getinfo(METADATA), MOST_BYTES, name) if METADATA in names else b"{}"
    plan = plan_of(description, name, _is_keras2(metadata))
    with _opened(path, name) as archive:
        return plan, _member(archive, archive.getinfo(WEIGHTS), _most_bytes(plan), name)


def _is_keras2(metadata: bytes) -> bool:
    try:
        return str(json.loads(metadata)["keras_version"]).startswith("2.")
    except (ValueError, RecursionError, KeyError, TypeError):
        return False


@contextmanager
def _opened(path: Path, name: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except ModelFileError:
        raise
    except Exception as error:  # zipfile's, zlib's and struct's, of damaged archives
        raise _refused(name, f"its archive is damaged: {str(error)[:120] or type(error).__name__}") from error


def _check_kind(info: zipfile.ZipInfo, name: str) -> None:
    if info.flag_bits & 1:
        raise _refused(name, f"{info.filename} is encrypted")
    if info.external_attr >> 16 & 0o170000 == 0o120000:
        raise _refused(name, f"{info.filename} is a link")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(name, f"{info.filename} is packed in an unusual way")


def _most_bytes(plan: NetworkSpec) -> int:
    """What the weights' member of such a network may have: some optimizers keep five numbers beside each weight."""
    assert plan.shape is not None
    sizes = Sizes()
    sizes.of(plan, plan.shape)
    return min(MOST_WEIGHT_BYTES, 2**24 + 6 * 8 * sizes.parameters)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int, name: str) -> bytes:
    most = min(most, MOST_RATIO * max(info.compress_size, 4096))
    if info.file_size > most:
        raise _refused(name, f"{info.filename} unpacks to {info.file_size:,} bytes, of {most:,} at most")
    with archive.open(info) as member:
        data = member.read(most + 1)
    if len(data) != info.file_size:
        raise _refused(name, f"{info.filename} is not as long as it says")
    return data


def _description(weights: Weights, name: str) -> str:
    found = weights.words.get("/", {}).get("model_config")
    if not isinstance(found, str):
        raise _refused(name, "it holds weights and no network: save the whole model with model.save")
    return found


def _with_named_weights(plan: NetworkSpec, weights: Weights, name: str) -> keras.Model:
    """The network of an `.h5` file: weights lie by the names of layers, in an order that their group tells."""
    from tellapart.classifier.network import built, check_held
    from tellapart.networks.inside import weights_changed

    check_held(plan, weights.arrays, name)
    network = built(plan, name)
    for part in plan.parts:
        layer = network.get_layer(part.name)
        wanted = [*layer.trainable_weights, *layer.non_trainable_weights]
        group = f"/model_weights/{part.name}"
        found = weights.words.get(group, {}).get("weight_names", [])
        arrays = [weights.arrays.get(f"{group}/{one}") for one in found] if isinstance(found, list) else []
        shapes = [None if array is None else array.shape for array in arrays]
        if shapes != [tuple(variable.shape) for variable in wanted]:
            raise refused(name, f"{part.name} has {[tuple(one.shape) for one in wanted]}, the file {shapes}")
        for variable, array in zip(wanted, arrays, strict=True):
            assert array is not None
            if not np.isfinite(array).all():
                raise refused(name, f"{part.name} holds what is no number")
            variable.assign(array)
    weights_changed(network)
    return network


def _refused(name: str, reason: str) -> ModelFileError:
    return ModelFileError(
        f"{name}: is refused ({reason})",
        "a .keras or .h5 file that Keras wrote, of plain layers",
        "save it anew from Keras with model.save('model.keras'), and do not open a file whose origin you do not know",
    )
