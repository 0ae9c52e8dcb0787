"""A backbone with its weights for pictures of one size: the members of a model file, kept in the cache.

Making them takes seconds and needs Keras. From the cache they are read in a fraction of a second, so that a training on
known features never starts Keras.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tellapart.classifier.model_file import CONFIG, METADATA, ONNX, WEIGHTS, Layer
from tellapart.classifier.runtime import OnnxRuntime
from tellapart.data.datasets import cache_folder
from tellapart.errors import WeightsError
from tellapart.files import replacing
from tellapart.networks import backbones
from tellapart.networks.head import HEAD
from tellapart.pretrained.weights import Found, place

if TYPE_CHECKING:
    import keras

VERSION = 2
"""Changes when what is kept in the cache does."""

ABOUT = "backbone.json"

CLASSES = 2
"""The number of classes of the head that is exchanged later."""

TOLERANCE = 1e-4
"""The largest allowed difference between the features of Keras and of ONNX Runtime, relative to the largest one."""

COMPARED = 8
"""Pictures on which they are compared."""


@dataclass(frozen=True, eq=False)
class Compiled:
    """A backbone with its weights for pictures of `shape` (height, width, channels).

    `members` are those of a model file, with a head for two classes that says nothing. The ONNX member has three
    outputs: the head's, the features float32 [n, features], and what is pooled to them, float32 [n, rows, columns,
    features] (None where the features are not a mean over places). `layers` are for the summary.
    """

    name: str
    found: Found
    shape: tuple[int, int, int]
    members: dict[str, bytes]
    layers: tuple[Layer, ...]
    head_path: str
    """Where the weights of the head are in the member with the weights."""

    @cached_property
    def digest(self) -> str:
        """A hash of all that the features depend on except the pictures.

        Not of the ONNX member, in which the names differ each time it is made, perhaps by two processes at once.
        """
        return hashlib.sha256(_path(self.name, self.found, self.shape).name.encode()).hexdigest()

    @cached_property
    def runtime(self) -> OnnxRuntime:
        """Runs the ONNX member."""
        return OnnxRuntime(self.members[ONNX], self.name)

    def features(self, pixels: np.ndarray) -> np.ndarray:
        """Features float32 [n, features] of preprocessed pictures uint8 [n, *shape]."""
        return self.runtime.output(1, pixels)

    def maps(self, pixels: np.ndarray) -> np.ndarray:
        """What is pooled to the features, float32 [n, rows, columns, features]."""
        return self.runtime.output(2, pixels)


def compiled(name: str, found: Found, shape: tuple[int, int, int]) -> Compiled:
    """The backbone `name` with the weights `found` for pictures of `shape`, from the cache or made now.

    Raises WeightsError for weights that do not fit, or features that differ between Keras and ONNX Runtime.
    """
    path = _path(name, found, shape)
    kept = _read(path) if path.is_file() else None
    if kept is None:
        kept = _made(name, found, shape)
        _write(path, kept)
    about = json.loads(kept[ABOUT])
    members = {member: kept[member] for member in (METADATA, CONFIG, WEIGHTS, ONNX)}
    layers = tuple(Layer.model_validate(layer) for layer in about["layers"])
    return Compiled(name, found, shape, members, layers, about["head_path"])


def _path(name: str, found: Found, shape: tuple[int, int, int]) -> Path:
    """The file in the cache."""
    makers = [VERSION, found.sha256, shape, *(version(library) for library in ("tellapart", "keras", "tf2onnx"))]
    digest = hashlib.sha256(json.dumps(makers).encode()).hexdigest()[:16]
    return cache_folder() / "backbones" / f"{name}-{'x'.join(map(str, shape))}-{digest}.zip"


def _read(path: Path) -> dict[str, bytes] | None:
    """The members in a file of the cache; None if it is damaged, by the checksums of its members."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in (ABOUT, METADATA, CONFIG, WEIGHTS, ONNX)}
    except Exception:  # zipfile and zlib raise many types: it is made again
        return None


def _write(path: Path, members: dict[str, bytes]) -> None:
    """Keep the members. If they cannot be written, they are made again next time."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as new, zipfile.ZipFile(new, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)


def _made(name: str, found: Found, shape: tuple[int, int, int]) -> dict[str, bytes]:
    """The members of a model file of the backbone, and what is known of it as JSON."""
    from tellapart.classifier.network import describe_layers, to_members
    from tellapart.classifier.onnx_copy import make_onnx_copy
    from tellapart.networks.backend import keras
    from tellapart.networks.folding import folded

    base = backbones.load(name).network(shape)
    place(base, found)
    base = folded(base)
    head = keras.layers.Dense(CLASSES, activation="softmax", name=HEAD)
    network = keras.Model(base.input, head(base.output))
    about: dict[str, Any] = {
        "layers": [layer.model_dump() for layer in describe_layers(network)],
        "head_path": _head_path(network),
    }
    outputs = keras.Model(network.input, [network.output, base.output, _pooled(base)])
    members = to_members(network) | {ONNX: make_onnx_copy(outputs), ABOUT: json.dumps(about).encode()}
    _check(name, base, members[ONNX])
    return members


def _head_path(network: keras.Model) -> str:
    """Where Keras writes the weights of the last dense layer of a network."""
    from tellapart.networks.backend import keras

    number = sum(type(layer) is keras.layers.Dense for layer in network.layers) - 1
    return f"/layers/dense{f'_{number}' if number else ''}/vars"


def _pooled(base: keras.Model) -> Any:
    """What the last pooling of a backbone pools; the features themselves where nothing is pooled."""
    from tellapart.networks.backend import keras

    last = base.layers[-1]
    return last.input if isinstance(last, keras.layers.GlobalAveragePooling2D) else base.output


def _check(name: str, base: keras.Model, onnx: bytes) -> None:
    """Raise WeightsError unless Keras and ONNX Runtime compute the same features."""
    from tellapart.classifier.network import outputs_of

    noise = np.random.default_rng(0).integers(0, 256, (COMPARED, 4, 4, base.input_shape[-1]), dtype=np.uint8)
    height, width = base.input_shape[1:3]
    pixels = noise.repeat(-(-height // 4), axis=1).repeat(-(-width // 4), axis=2)[:, :height, :width]
    expected = outputs_of(base, pixels)
    difference = float(np.abs(expected - OnnxRuntime(onnx, name).output(1, pixels)).max() / np.abs(expected).max())
    if not difference <= TOLERANCE:
        raise WeightsError(
            f"{name}: its ONNX copy differs from Keras (by {difference:.2g} of the largest feature)",
            f"a difference of at most {TOLERANCE:g}",
            "use another backbone, and report this",
        )
