"""Pretrained backbones: one file per backbone, found by listing this folder.

A backbone is a module. Its docstring is its card, and the first line of it is `name - what it is`. It defines

    BACKBONE: Backbone
    def network(shape: tuple[int, int, int]) -> keras.Model
    def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]

`network` turns pixels 0..255 of `shape` (height, width, 1 or 3 channels) into features [n, BACKBONE.features]. It has
only built-in layers that docs/model.md lists, so the saved classifier opens in stock Keras. Its first layers are the
preprocessing that the weights were trained with. It ends with the pooling, or with what the classifier that the weights
are from has between pooling and classes: ConvNeXt a normalisation, MobileNetV4 a dense layer. Names of layers begin
with that of their block, as in `stem_conv` or `block3_expand`: the blocks, from the input on, are the steps of
layer-wise learning rates.

`layer_weights` turns the arrays of a weights file, by their names there, into the weights of each layer that has any,
in Keras's order and layout. It raises KeyError for an array that is missing. The module may know several layouts, such
as those of PyTorch and keras.applications, and tells them apart by the names. It does not check shapes.

Modules must not import Keras at the top: `tellapart backbones` lists them without it. Shared helpers are in the files
whose name starts with an underscore; a backbone never imports another backbone.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from tellapart import leaves


@dataclass(frozen=True)
class WeightsFile:
    """A file with the weights of a backbone, and where it may be.

    `name` is the file's name in `$TELLAPART_DATA/weights` and in the cache. `sha256` is in hexadecimal; where only the
    first digits were published, these (8 or more). `md5` is for files whose publisher gives nothing better. `size` is
    in bytes, or None if it was not published. `urls` are its addresses, in order. The other fields say where other
    libraries keep it: `package` and `inside`, an installed distribution and the path of the file below its import
    package; `keras`, a name in Keras's folder of models; `torch`, a name in torch hub's checkpoints; `hub`, a
    repository of the Hugging Face hub, whose file is `model.safetensors`.
    """

    name: str
    sha256: str = ""
    md5: str = ""
    size: int | None = None
    urls: tuple[str, ...] = ()
    package: str = ""
    inside: str = ""
    keras: str = ""
    torch: str = ""
    hub: str = ""


@dataclass(frozen=True)
class Backbone:
    """What is known of a backbone without building it.

    `title` is its name in texts. It has `features` outputs and `parameters`, without a head. `accuracy` 0..1 is the
    top-1 accuracy on the validation pictures of ImageNet-1k that was published for these weights, on pictures of `side`
    pixels; `sides` are sizes in pixels that it is useful at, ascending. `licence` is the SPDX identifier of the
    weights' licence and `credit` says whose they are. `commercial` is whether the licence allows commercial use; if
    not, the backbone is used only where the user names it. `files` are alternatives: any of them is enough.
    """

    title: str
    features: int
    parameters: int
    side: int
    sides: tuple[int, ...]
    accuracy: float
    licence: str
    credit: str
    files: tuple[WeightsFile, ...]
    commercial: bool = True


DEFAULT = "efficientnet-lite0"
"""The backbone whose weights are installed together with tellapart."""


def names() -> tuple[str, ...]:
    """The names of all backbones, in plain string order."""
    return leaves.names(__name__)


def load(name: str) -> ModuleType:
    """The module of a backbone. Raises UsageError for a name that does not exist."""
    return leaves.load(__name__, name, "a backbone")


def card(name: str) -> str:
    """The docstring of a backbone's module."""
    return leaves.card(__name__, name)


def block_of(layer: str) -> str:
    """The block that a layer belongs to, by its name: `block3` for `block3_expand`."""
    return layer.split("_")[0]
