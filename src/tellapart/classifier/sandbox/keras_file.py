"""Read untrusted Keras models, `.keras` archives and `.h5` files, that were trained elsewhere.

The content of a file decides how it is read, not its name. Keras's loaders are not used: the description is checked
against an allow-list (tellapart.networks.description), and hdf5.py reads the weights in a restricted process.
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
from tellapart.classifier.sandbox.hdf5 import SIGNATURE, Weights, read_weights, refused_weights
from tellapart.errors import ModelFileError
from tellapart.networks.cost import NetworkCost
from tellapart.networks.description import MOST_BYTES
from tellapart.networks.operations import reversed_channels
from tellapart.networks.spec import LayerSpec, NetworkSpec

if TYPE_CHECKING:
    import keras

MOST_WEIGHT_BYTES = 2**31
MOST_RATIO = 200
"""Limits of a member: its size in bytes, and the ratio to its packed size. Weights hardly compress."""

_KNOWN = {
    b"\x80": "a Python pickle, which can run any program",
    b"\x93NUMPY": "a NumPy array",
    b"GGUF": "a GGUF file",
    b"\x08": "an ONNX file or another kind of Protocol Buffers",
}


@dataclass(frozen=True)
class PixelScale:
    """What a network's training did to pixels 0..255: times `scale`, plus `offset`, which may differ by channel.

    With `reverses`, the channels are in the order blue, green, red before that.
    """

    scale: float | tuple[float, ...] = 1.0
    offset: float | tuple[float, ...] = 0.0
    reverses: bool = False


@dataclass(frozen=True, eq=False)
class KerasFile:
    """A network that was trained elsewhere: its description and its weights, before the network is built."""

    name: str
    spec: NetworkSpec
    weights: Weights
    by_layer_names: bool
    """Whether weights are stored by the names of layers, as in `.h5` files."""

    @property
    def outputs(self) -> int:
        """The number of outputs for a picture. Raises ModelFileError unless they have the shape [n, outputs]."""
        assert self.spec.shape is not None
        out = NetworkCost().add(self.spec, self.spec.shape)
        if len(out) != 1 or len(self.spec.shape) != 3 or self.spec.shape[2] not in (1, 3):
            raise ModelFileError(
                f"{self.name}: its network turns inputs of shape {self.spec.shape} into {out}",
                "a classifier of pictures: height, width and 1 or 3 channels in, a row of numbers out",
                "add a Reshape or pooling layer, and save the model again",
            )
        return out[0]

    @property
    def rescales(self) -> bool:
        """Whether the network starts with a layer that rescales pixels."""
        first = _first_changing(self.spec)
        if first is None or first.kind != "Normalization":
            return first is not None and first.kind == "Rescaling"
        mean = first.options.get("mean")
        pattern = rf"(?:^|/){re.escape(first.name)}/(?:.*/)?mean(?::0)?$" if self.by_layer_names else _MEAN
        adapted = (array for path, array in self.weights.arrays.items() if re.search(pattern, path))
        return bool(np.max(next(adapted, 0.0) if mean is None else mean) > HIGHEST_MEAN)

    @property
    def ending(self) -> str:
        """The activation that computes the outputs."""
        return _last_activation(self.spec)

    def network(self, pixels: PixelScale | None = None, activation: str | None = None) -> keras.Model:
        """Build the network with its weights; optionally rescale its inputs first, and apply an activation last."""
        from tellapart.classifier.network import with_weights

        spec = self.spec
        if pixels is not None and pixels != PixelScale():
            options = {"scale": pixels.scale, "offset": pixels.offset}
            spec = _with_first(spec, LayerSpec(_unused_name(spec, "pixels"), "Rescaling", options, stored=""))
        if pixels is not None and pixels.reverses:
            spec = _with_reversed_channels(spec)
        if activation:
            spec = _with_last(
                spec,
                LayerSpec(_unused_name(spec, "probabilities"), "Activation", {"activation": activation}, stored=""),
            )
        if self.by_layer_names:
            return _with_named_weights(spec, self.weights, self.name)
        return with_weights(spec, self.weights.arrays, self.name)


def read_keras_file(path: Path, size: tuple[int, int] | None = None) -> KerasFile:
    """Read a file that Keras wrote; `size` is the height and width for a network that accepts any.

    Raises ModelFileError, which names the kind of file, for anything else."""
    name = str(path)
    try:
        length = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise ModelFileError(
            f"{path}: cannot be read ({error.strerror})", "a .keras or .h5 file that Keras wrote", "check the path"
        ) from error
    if head == SIGNATURE:
        if length > MOST_WEIGHT_BYTES:
            raise _refused(name, f"it has {length:,} bytes, more than {MOST_WEIGHT_BYTES:,}")
        weights = read_weights(path.read_bytes(), name)
        from tellapart.classifier.network import read_spec

        version = str(weights.attributes.get("/", {}).get("keras_version", "2"))
        spec = read_spec(_description(weights, name), name, not version.startswith("3"), size)
        return KerasFile(name, _with_channel(_depthwise(spec)), weights, True)
    if head.startswith(b"PK"):
        spec, packed = _unpacked(path, name, size)
        return KerasFile(name, _with_channel(_depthwise(spec)), read_weights(packed, name), False)
    kind = next((kind for start, kind in _KNOWN.items() if head.startswith(start)), "not a Keras model")
    raise _refused(name, f"it is {kind}")


_KEEPS_RANGE = (
    "Identity", "Reshape", "Flatten", "Resizing", "CenterCrop", "Cropping2D", "ZeroPadding2D", "Dropout",
    "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "Permute", "Concatenate",
)  # fmt: skip
"""Layers that do not change the range of pixels. Augmentation layers were replaced by Identity."""


HIGHEST_MEAN = 1.5
"""Pixels in 0..1 or -1..1 cannot have a mean above 1: a normalisation with a higher mean was adapted to 0..255."""

_MEAN = r"(?:^|/)normalization/vars/0$"
"""The path of the first adapted normalisation's mean in Keras 3's files, which name layers by their class."""


def _first_changing(spec: NetworkSpec) -> LayerSpec | None:
    """The first layer that changes the range of pixels; None without such a layer."""
    source = (spec.input_name, 0)
    while readers := [layer for layer in spec.layers if any(source in call for call in spec.calls[layer.name])]:
        first = readers[0]
        if isinstance(first, NetworkSpec):
            within = _first_changing(first)
            if within is not None:
                return within
        elif first.kind not in _KEEPS_RANGE:
            return first
        source = (first.name, 0)
    return None


_KEEPS_PROBABILITIES = (
    "Flatten", "Reshape", "Permute", "Identity", "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianNoise",
    "GaussianDropout", "ActivityRegularization", "GlobalAveragePooling2D", "AveragePooling2D",
)  # fmt: skip
"""Layers that do not change probabilities, or average them."""


def _last_activation(spec: NetworkSpec) -> str:
    """The name of the activation that computes the outputs."""
    name = spec.output[0]
    while True:
        layer = next(layer for layer in spec.layers if layer.name == name)
        if isinstance(layer, NetworkSpec):
            return _last_activation(layer)
        calls = spec.calls.get(name, [])
        if layer.kind not in _KEEPS_PROBABILITIES or not calls or calls[0][0][0] == spec.input_name:
            return "softmax" if layer.kind == "Softmax" else layer.options.get("activation") or "linear"
        name = calls[0][0][0]


def _depthwise(spec: NetworkSpec) -> NetworkSpec:
    """The spec with depthwise convolutions for those with a group for each channel, as in ConvNeXt.

    They compute the same. TensorFlow's compiler takes part in grouped convolutions, which no ONNX copy can hold.
    """
    return replace(spec, layers=tuple(map(_depthwise_layer, spec.layers)))


def _depthwise_layer(layer: LayerSpec | NetworkSpec) -> LayerSpec | NetworkSpec:
    if isinstance(layer, NetworkSpec):
        return _depthwise(layer)
    options = dict(layer.options)
    groups, strides = options.get("groups", 1), options.get("strides", 1)
    even = not isinstance(strides, tuple) or len(set(strides)) == 1
    if layer.kind != "Conv2D" or groups == 1 or groups != options.get("filters") or not even:
        return layer
    del options["groups"], options["filters"]
    return replace(layer, kind="DepthwiseConv2D", options=options, stored="Conv2D", channels=groups)


def _with_channel(spec: NetworkSpec) -> NetworkSpec:
    """The spec; inputs [height, width] without channels become [height, width, 1], as for grey pictures."""
    if spec.shape is None or len(spec.shape) != 2:
        return spec
    layer = LayerSpec(_unused_name(spec, "rows"), "Reshape", {"target_shape": spec.shape}, stored="")
    return _with_first(replace(spec, shape=(*spec.shape, 1)), layer)


def _unused_name(spec: NetworkSpec, name: str) -> str:
    """`name`, with underscores added until no layer of the network has it."""
    while name in spec.calls or name == spec.input_name:
        name += "_"
    return name


def _with_first(spec: NetworkSpec, layer: LayerSpec) -> NetworkSpec:
    """The spec with a layer between its input and everything that reads the input."""
    calls = {
        name: [[(layer.name, 0) if origin == (spec.input_name, 0) else origin for origin in call] for call in calls_of]
        for name, calls_of in spec.calls.items()
    }
    return replace(spec, layers=(layer, *spec.layers), calls={layer.name: [[(spec.input_name, 0)]]} | calls)


def _with_reversed_channels(spec: NetworkSpec) -> NetworkSpec:
    """The spec with the channels of its input in the opposite order."""
    assert spec.shape is not None
    taken = {spec.input_name, *spec.calls}

    def unused(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    made = reversed_channels((spec.input_name, 0), unused("reversed"), unused)
    spec = _with_first(spec, made[-1][0])
    layers = (*(layer for layer, _ in made[:-1]), *spec.layers)
    return replace(
        spec, sequential=False, layers=layers, calls=spec.calls | {layer.name: [origins] for layer, origins in made}
    )


def _with_last(spec: NetworkSpec, layer: LayerSpec) -> NetworkSpec:
    """The spec with a layer after its output."""
    calls = spec.calls | {layer.name: [[spec.output]]}
    return replace(spec, layers=(*spec.layers, layer), calls=calls, output=(layer.name, 0))


def _unpacked(path: Path, name: str, size: tuple[int, int] | None) -> tuple[NetworkSpec, bytes]:
    """The spec in a Keras archive and the bytes of its weights, whose size is checked before they are unpacked."""
    from tellapart.classifier.network import read_spec

    with _opened(path, name) as archive:
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if RECORD in names:
            raise ModelFileError(
                f"{name}: is already a tellapart model", "a model that was trained elsewhere", "use this file directly"
            )
        if len(set(names)) < len(names):
            raise _refused(name, "it has two members with the same name")
        extra = sorted(set(names) - {CONFIG, METADATA, WEIGHTS})
        if extra or not {CONFIG, WEIGHTS} <= set(names):
            raise _refused(name, f"its members are {', '.join(sorted(names))[:160] or 'none'}")
        for info in infos:
            _check_kind(info, name)
        description = _member(archive, archive.getinfo(CONFIG), MOST_BYTES, name)
        metadata = _member(archive, archive.getinfo(METADATA), MOST_BYTES, name) if METADATA in names else b"{}"
    spec = read_spec(description, name, _is_keras2(metadata), size)
    with _opened(path, name) as archive:
        return spec, _member(archive, archive.getinfo(WEIGHTS), _most_bytes(spec), name)


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
    except Exception as error:  # zipfile, zlib and struct raise their own types for damaged archives
        raise _refused(name, f"its archive is damaged: {str(error)[:120] or type(error).__name__}") from error


def _check_kind(info: zipfile.ZipInfo, name: str) -> None:
    if info.flag_bits & 1:
        raise _refused(name, f"{info.filename} is encrypted")
    if info.external_attr >> 16 & 0o170000 == 0o120000:
        raise _refused(name, f"{info.filename} is a link")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(name, f"{info.filename} is packed with an unsupported method")


def _most_bytes(spec: NetworkSpec) -> int:
    """The most bytes of weights for a network: some optimizers store five more numbers for each parameter."""
    assert spec.shape is not None
    cost = NetworkCost()
    cost.add(spec, spec.shape)
    return min(MOST_WEIGHT_BYTES, 2**24 + 6 * 8 * cost.parameters)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int, name: str) -> bytes:
    most = min(most, MOST_RATIO * max(info.compress_size, 4096))
    if info.file_size > most:
        raise _refused(name, f"{info.filename} unpacks to {info.file_size:,} bytes, the limit is {most:,}")
    with archive.open(info) as member:
        data = member.read(most + 1)
    if len(data) != info.file_size:
        raise _refused(name, f"{info.filename} does not have the size that it declares")
    return data


def _description(weights: Weights, name: str) -> str:
    description = weights.attributes.get("/", {}).get("model_config")
    if not isinstance(description, str):
        raise _refused(name, "it contains only weights: save the whole model with model.save")
    return description


def _with_named_weights(spec: NetworkSpec, weights: Weights, name: str) -> keras.Model:
    """Build the network of an `.h5` file, which stores weights by the names of layers, in the order of an attribute."""
    from tellapart.classifier.network import built, check_parameters
    from tellapart.classifier.stored_weights import fitted
    from tellapart.networks.inside import weights_changed

    check_parameters(spec, weights.arrays, name)
    network = built(spec, name)
    for layer_spec in spec.layers:
        layer = network.get_layer(layer_spec.name)
        wanted = [*layer.trainable_weights, *layer.non_trainable_weights]
        group = f"/model_weights/{layer_spec.name}"
        names = weights.attributes.get(group, {}).get("weight_names", [])
        arrays = [weights.arrays.get(f"{group}/{weight}") for weight in names] if isinstance(names, list) else []
        if isinstance(layer_spec, LayerSpec):
            arrays = [None if array is None else fitted(layer_spec, array) for array in arrays]
        elif len(arrays) == len(wanted):
            arrays = [_as_kernel(array, tuple(variable.shape)) for array, variable in zip(arrays, wanted, strict=True)]
        shapes = [None if array is None else array.shape for array in arrays]
        if shapes != [tuple(variable.shape) for variable in wanted]:
            expected = [tuple(variable.shape) for variable in wanted]
            raise refused_weights(name, f"{layer_spec.name} has weights of shapes {expected}, the file {shapes}")
        for variable, array in zip(wanted, arrays, strict=True):
            assert array is not None
            if not np.isfinite(array).all():
                raise refused_weights(name, f"{layer_spec.name} contains NaN or infinity")
            variable.assign(array)
    weights_changed(network)
    return network


def _as_kernel(array: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """Factors of channels and grouped kernels inside a nested network, as `fitted` returns them."""
    if array is not None and array.ndim == 1 and shape == (1, 1, *array.shape, 1):
        return array.reshape(shape)
    if array is not None and array.ndim == 4 and array.shape[2] == 1 and shape[2:] == array.shape[:1:-1]:
        return array.transpose(0, 1, 3, 2)
    return array


def _refused(name: str, reason: str) -> ModelFileError:
    return ModelFileError(
        f"{name}: is refused ({reason})",
        "a .keras or .h5 file that Keras wrote, of layers that docs/model.md lists",
        "save it again with model.save('model.keras'), and do not use a file unless you know where it comes from",
    )
