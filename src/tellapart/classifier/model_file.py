"""The model file: a Keras v3 archive with extra members, written atomically, read only if every byte is unchanged."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tellapart.classifier.calibration import ThresholdTradeoff
from tellapart.errors import ModelFileError
from tellapart.files import replacing, sha256
from tellapart.images.preprocessing import Preparation
from tellapart.images.views import Views

RECORD, ONNX = "tellapart.json", "model.onnx"
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
OOD = "ood.npz"
MEMBERS = (METADATA, CONFIG, WEIGHTS, ONNX)
OPTIONAL = (OOD,)
"""Members that a file may be without."""

SEAL = b"tellapart sha256 "
_DIGITS = 64
"""The archive's comment, with which the file ends: SEAL and a SHA-256 in hexadecimal of all bytes before its digits."""

MAX_BYTES = 4 * 2**30
"""Larger members are not read."""

MAX_RECORD = 2**24
"""The largest `tellapart.json` that is read."""

_OF_BACKBONE = ("title", "licence", "credit", "sha256")

FORMAT = 2
_OOD_1 = "novelty.npz"
_RENAMED_SINCE_1 = {"preparation": "preprocessing", "figures": "metrics", "trades": "threshold_tradeoffs"}
"""The names of `ood.npz` and of keys in the record that format 1 used."""


class Layer(BaseModel):
    """A layer in the summary of the network."""

    name: str
    kind: str
    shape: list[int | None]
    parameters: int
    operations: int = Field(0, description="multiplications and additions of its kernel for one picture")


class ModelRecord(BaseModel):
    """`tellapart.json`: what the file stores about the network and its training."""

    model_config = ConfigDict(frozen=True)  # fields of later versions are ignored

    format: Literal[2] = 2
    tellapart: str = Field(default_factory=lambda: version("tellapart"))
    class_names: tuple[str, ...]
    preprocessing: Preparation
    outputs: int
    loss: str
    threshold: float | None = Field(None, description='answers with a lower probability are "unsure"')
    temperature: float = Field(1.0, gt=0, description="divisor of the logits")
    threshold_tradeoffs: tuple[ThresholdTradeoff, ...] = Field(
        (), description="coverage and error rate of thresholds, measured on the validation split"
    )
    views: Views = Field("none", description="TTA views that prediction averages")
    measured_views: Views | None = Field(None, description="views that confidence was measured with; none: `views`")
    metrics: dict[str, Any] = Field(default_factory=dict, description="headline results")
    layers: tuple[Layer, ...] = ()
    training: dict[str, Any] = Field(default_factory=dict, description="data, split, recipe, seed and versions")
    members: dict[str, str] = Field(default_factory=dict, description="SHA-256 of the other members")
    sealed: bool = Field(False, description="whether the file ends with a SHA-256 of all its bytes")

    @property
    def trained_names(self) -> list[str] | None:
        """The class names of the training data; None where the record has no valid list of them."""
        names = self._data.get("class_names")
        return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None

    @property
    def trained_on(self) -> str | None:
        """The source of the training data: a path, or the name of a data set."""
        source = self._data.get("source")
        return source if isinstance(source, str) and source else None

    @property
    def fingerprint(self) -> str | None:
        """The fingerprint of the training data."""
        fingerprint = self._data.get("fingerprint")
        return fingerprint if isinstance(fingerprint, str) else None

    @property
    def recipe_name(self) -> str | None:
        """The name of the recipe; None for a model that was trained elsewhere."""
        recipe = self.training.get("recipe")
        name = recipe.get("name") if isinstance(recipe, dict) else None
        return name if isinstance(name, str) else None

    @property
    def backbone(self) -> dict[str, str] | None:
        """The title, licence, credit and SHA-256 of the weights that the network started from, if any."""
        backbone = self.training.get("backbone")
        known = backbone if isinstance(backbone, dict) else {}
        texts = {name: text for name in _OF_BACKBONE if isinstance(text := known.get(name), str)}
        return texts if len(texts) == len(_OF_BACKBONE) else None

    @property
    def class_counts(self) -> list[int] | None:
        """How many training pictures each class had, in class order."""
        counts = self.training.get("class_counts")
        if not isinstance(counts, list) or len(counts) != len(self.class_names):
            return None
        return counts if all(isinstance(count, int) for count in counts) else None

    @property
    def test(self) -> tuple[float, int] | None:
        """The accuracy on the test split, 0..1, and how many pictures the split has."""
        metrics = self.metrics.get("test")
        if not isinstance(metrics, dict):
            return None
        accuracy, count = metrics.get("accuracy"), metrics.get("count")
        return (float(accuracy), count) if isinstance(accuracy, (int, float)) and isinstance(count, int) else None

    @property
    def _data(self) -> dict[str, Any]:
        data = self.training.get("data")
        return data if isinstance(data, dict) else {}


def write_model(path: Path, record: ModelRecord, members: dict[str, bytes]) -> ModelRecord:
    """Write the file atomically. Returns the record as written, with the hashes of the members.

    Raises ModelFileError with the path and the size where writing fails; an existing file then stays unchanged.
    """
    names = [*MEMBERS, *(name for name in OPTIONAL if name in members)]
    record = record.model_copy(update={"members": {name: sha256(members[name]) for name in names}, "sealed": True})
    content = {name: members[name] for name in names} | {
        # File names may contain bytes that are not valid text: they are written as escapes.
        RECORD: json.dumps(record.model_dump(mode="json"), indent=2, ensure_ascii=False).encode(
            errors="backslashreplace"
        )
    }
    try:
        with replacing(path) as temporary:
            _write(temporary, content)
    except OSError as error:
        size = sum(map(len, content.values()))
        raise ModelFileError(
            f"{path}: a model file of {size:,} bytes cannot be written ({error.strerror})",
            "a writable disk with enough space",
            "free space, or check the disk; then continue a training with --resume",
        ) from error
    return record


def _write(path: Path, content: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name), data)
        archive.comment = SEAL + bytes(_DIGITS)
    with path.open("rb+") as file:
        file.seek(-_DIGITS, os.SEEK_END)
        file.write(_seal(file))


def _seal(file: BinaryIO) -> bytes:
    """The SHA-256 in hexadecimal of all bytes before the seal's digits, where the file position is left."""
    digest, left = hashlib.sha256(), file.seek(-_DIGITS, os.SEEK_END)
    file.seek(0)
    while left and (piece := file.read(min(left, 2**20))):
        digest.update(piece)
        left -= len(piece)
    return digest.hexdigest().encode()


def _is_sealed(path: Path) -> bool:
    """Whether the file ends with a seal that matches all bytes before it."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) < len(SEAL) + _DIGITS:
            return False
        file.seek(-_DIGITS - len(SEAL), os.SEEK_END)
        return file.read(len(SEAL)) == SEAL and _seal(file) == file.read(_DIGITS)


def read_model(path: Path) -> tuple[ModelRecord, dict[str, bytes]]:
    """The record and the other members of a model file, after comparing each with its recorded hash.

    Raises ModelFileError for a file that is missing, damaged, or not written by tellapart.
    """
    if not os.path.isfile(path):  # noqa: PTH113  # Path.is_file raises where access is denied
        raise ModelFileError(
            f"{path}: there is no such file", "a .keras file that tellapart wrote, or a run folder", ""
        )
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: _member(path, archive, info) for info in _listed(path, archive)}
    except ModelFileError:
        raise
    except zipfile.BadZipFile as error:
        if zipfile.is_zipfile(path):
            raise _damaged(path, str(error)) from error
        raise _not_ours(path, "it is not a Keras archive") from error
    except PermissionError as error:
        raise ModelFileError(
            f"{path}: cannot be read ({error.strerror})", "a readable file", "check its permissions"
        ) from error
    except Exception as error:  # zlib and struct raise their own types for damaged members
        raise _damaged(path, str(error) or type(error).__name__) from error
    record = _record(path, members.pop(RECORD))
    if _OOD_1 in members and OOD not in members:
        members[OOD] = members.pop(_OOD_1)
    for name, data in members.items():
        if sha256(data) != record.members.get(name):
            raise _damaged(path, f"{name} has changed since it was written")
    if record.sealed and not _is_sealed(path):
        raise _damaged(path, "a byte has changed since it was written")
    return record, members


def _listed(path: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    infos = archive.infolist()
    if sum(info.file_size for info in infos) > archive.start_dir:
        raise _damaged(path, "its members claim more bytes than the file has")
    names = sorted(info.filename for info in infos)
    if RECORD not in names:
        kind = "a Keras model that tellapart did not write" if CONFIG in names else "another kind of archive"
        raise _not_ours(path, f"it is {kind}")
    if sorted(set(names) - {*OPTIONAL, _OOD_1}) != sorted((*MEMBERS, RECORD)) or len(names) != len(set(names)):
        extra = sorted((set(names) - {*OPTIONAL, _OOD_1}) ^ {*MEMBERS, RECORD}) or names
        raise _damaged(path, f"members are missing, duplicated or unknown: {', '.join(extra)[:200]}")
    return infos


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if (
        info.file_size > (MAX_RECORD if info.filename == RECORD else MAX_BYTES)
        or info.compress_type != zipfile.ZIP_STORED
    ):
        raise _damaged(path, f"{info.filename} is compressed or too large")
    return archive.read(info)


def _record(path: Path, data: bytes) -> ModelRecord:
    try:
        content = json.loads(data)
        if isinstance(content, dict) and isinstance(content.get("format"), int) and content["format"] > FORMAT:
            raise ModelFileError(
                f"{path}: was written by tellapart {content.get('tellapart')}, in format {content['format']}",
                f"format {FORMAT}, which tellapart {version('tellapart')} reads",
                "upgrade tellapart",
            )
        if isinstance(content, dict) and content.get("format") == 1:
            content = _from_format_1(content)
        return ModelRecord.model_validate(content)
    except (ValueError, ValidationError, RecursionError) as error:
        raise _damaged(path, f"{RECORD} is not valid") from error


def _from_format_1(content: dict[str, Any]) -> dict[str, Any]:
    """A record of format 1 with the names of format 2."""
    renamed = {_RENAMED_SINCE_1.get(name, name): value for name, value in content.items()} | {"format": FORMAT}
    members, training = renamed.get("members"), renamed.get("training")
    if isinstance(members, dict) and _OOD_1 in members:
        renamed["members"] = {OOD if name == _OOD_1 else name: sha for name, sha in members.items()}
    if isinstance(training, dict) and isinstance(split := training.get("split"), dict) and "parts" in split:
        split = {"splits" if name == "parts" else name: value for name, value in split.items()}
        renamed["training"] = training | {"split": split}
    return renamed


def _not_ours(path: Path, reason: str) -> ModelFileError:
    return ModelFileError(
        f"{path}: is not a tellapart model ({reason})",
        "a .keras file that 'tellapart train' wrote, or its run folder",
        "train a model, or convert a Keras model with 'tellapart adopt'",
    )


def _damaged(path: Path, reason: str) -> ModelFileError:
    return ModelFileError(
        f"{path}: is damaged ({reason})",
        "the file as it was written",
        "copy it again from where it came, or train again",
    )
