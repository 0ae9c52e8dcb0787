"""Every reader of untrusted files, with sound files to start from, for fuzzing."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import struct
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tellapart.errors import TellapartError

FILES = Path(__file__).parent / "files"


@dataclass(frozen=True)
class Reader:
    """`read(path)` reads a file called `name` and returns its content, never None; `seeds` are sound files."""

    name: str
    read: Callable[[Path], Any]
    seeds: tuple[bytes, ...]


def picture(form: str, mode: str = "RGB", size: tuple[int, int] = (9, 7)) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 4), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, form)
    return buffer.getvalue()


def _pixels() -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).integers(0, 256, (6, 5, 4), np.uint8), np.arange(6, dtype=np.uint8) % 2


def _idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def _npz() -> Iterator[bytes]:
    pixels, labels = _pixels()
    for save in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, x_train=pixels, y_train=labels, x_test=pixels, y_test=labels)
        yield buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("a", "b"):
            for i in range(3):
                archive.writestr(f"{name}/{i}.png", picture("PNG"))
    return buffer.getvalue()


def _tar(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name in ("a", "b"):
            for i in range(3):
                data, info = picture("PNG"), tarfile.TarInfo(f"{name}/{i}.png")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _parquet() -> bytes:
    import polars

    rows = {"image": [picture("PNG")] * 4, "label": ["a", "b", "a", "b"], "split": ["train", "train", "test", "test"]}
    buffer = io.BytesIO()
    polars.DataFrame(rows).write_parquet(buffer)
    return buffer.getvalue()


def _collection(path: Path) -> list[Any]:
    """Open a collection and read what is in it, picture by picture."""
    import tellapart
    from tellapart.errors import PictureError

    found, pictures = tellapart.open(path, on_event=lambda event: None), []
    for i in range(min(len(found), 8)):
        try:
            pictures.append(found.read(i))
        except PictureError:
            continue
    return pictures


def _labels_beside(path: Path) -> list[Any]:
    """The file of labels is fuzzed; that of pictures is sound."""
    folder = path.parent / f"{path.name}-idx"
    folder.mkdir(exist_ok=True)
    (folder / "train-images-idx3-ubyte").write_bytes(_idx(_pixels()[0]))
    (folder / "train-labels-idx1-ubyte").write_bytes(path.read_bytes())
    return _collection(folder)


def _pictures_beside(path: Path) -> list[Any]:
    folder = path.parent / f"{path.name}-idx"
    folder.mkdir(exist_ok=True)
    (folder / f"train-images-idx3-ubyte{path.suffix}").write_bytes(path.read_bytes())
    (folder / "train-labels-idx1-ubyte").write_bytes(_idx(_pixels()[1]))
    return _collection(folder)


def _picture(path: Path) -> Any:
    from tellapart.images.read import read_picture

    return read_picture(path, path.name)


def _recipe(path: Path) -> Any:
    from tellapart.recipes.find import find_recipe

    return find_recipe(path).for_data(1000, (28, 28, 1))


def _model(path: Path) -> Any:
    from tellapart.classifier.classifier import load_classifier

    return load_classifier(path)


def _description(path: Path) -> Any:
    from tellapart.networks.description import read_description
    from tellapart.networks.spec import NotAllowedError

    try:
        return read_description(path.read_bytes())
    except NotAllowedError as error:
        assert str(error)
        return error


def _onnx(path: Path) -> Any:
    from tellapart.classifier.sandbox.onnx_file import check_onnx

    check_onnx(path.read_bytes(), path.name)
    return path.stat().st_size


def _hdf5(path: Path) -> Any:
    """Read in this process, which a fuzzer can trace; users' files are read in another process, which may hang."""
    from tellapart.classifier.sandbox.hdf5_reader import RefusedError, read

    if hasattr(os, "fork") and not _comes_back(partial(read, path.read_bytes())):
        return "ended"
    try:
        return read(path.read_bytes())
    except RefusedError as error:
        assert str(error)
        return error
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, OverflowError, MemoryError) as error:
        return error  # h5py's, which the reader puts into words


def _comes_back(work: Callable[[], Any], seconds: float = 5) -> bool:
    """Whether some work, done in a copy of this process, ends by itself."""
    child = os.fork()
    if not child:
        with suppress(BaseException):
            work()
        os._exit(0)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status == 0
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _ood(path: Path) -> Any:
    from tellapart.classifier.ood import OodDetector

    return OodDetector.from_bytes(path.read_bytes())


def _keras_file(path: Path) -> Any:
    from tellapart.classifier.sandbox import keras_file

    return keras_file._unpacked(path, path.name, None)


@cache
def _saved() -> dict[str, bytes]:
    """The files of a sound checkpoint."""
    from tellapart.training.checkpoints import Checkpoint, Checkpoints

    with tempfile.TemporaryDirectory() as folder:
        arrays = {"network/0": np.arange(6, dtype=np.float32)}
        path = Checkpoints(Path(folder)).write(Checkpoint({"epoch": 1, "history": []}, arrays))
        return {file.name: file.read_bytes() for file in path.iterdir()}


def _checkpoint(path: Path) -> Any:
    """The manifest is fuzzed; the arrays in its folder are sound."""
    from tellapart.training.checkpoints import ARRAYS, MANIFEST, Checkpoints

    folder = path.parent / "checkpoints" / "checkpoint-0001"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MANIFEST).write_bytes(path.read_bytes())
    (folder / ARRAYS).write_bytes(_saved()[ARRAYS])
    return Checkpoints(folder.parent).newest(lambda text: None)


def _run(path: Path) -> Any:
    from tellapart.training.run_folder import RunFolder

    path.with_name("run.json").write_bytes(path.read_bytes())
    return RunFolder(path.parent).read()


def _member(name: str) -> bytes:
    with zipfile.ZipFile(next(FILES.glob("tellapart-*.keras"))) as archive:
        return archive.read(name)


def readers() -> list[Reader]:
    """All of them."""
    pixels, labels = _pixels()
    csv = "label," + ",".join(f"pixel{i}" for i in range(4)) + "\n0,1,2,3,4\n1,5,6,7,8\n"
    toml = b'base = "quick"\nepochs = 3\nlearning_rate = 0.1\n[augmentation]\nflip = "auto"\nshift = 0.1\n'
    pictures = [picture(form) for form in ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")]
    pictures += [picture("PNG", "P"), picture("JPEG", "CMYK"), picture("TIFF", "L")]
    model = next(FILES.glob("tellapart-*.keras")).read_bytes()
    run = {"options": {"data": "digits"}, "status": "running", "data": {}, "recipe": {}}
    h5 = [path.read_bytes() for path in sorted(FILES.glob("*.h5"))]
    return [
        Reader("pictures.img", _picture, tuple(pictures)),
        Reader("labels.idx", _labels_beside, (_idx(labels),)),
        Reader("images-idx3-ubyte", _pictures_beside, (_idx(pixels),)),
        Reader("images.gz", _pictures_beside, (gzip.compress(_idx(pixels)),)),
        Reader("data.npz", _collection, tuple(_npz())),
        Reader("pixels.csv", _collection, (csv.encode(), csv.replace("\n", "\r\n").encode("utf-8-sig"))),
        Reader("data.parquet", _collection, (_parquet(),)),
        Reader("data.zip", _collection, (_zip(),)),
        Reader("data.tar", _collection, (_tar("w"),)),
        Reader("data.tar.gz", _collection, (_tar("w:gz"),)),
        Reader("recipe.toml", _recipe, (toml,)),
        Reader("model.keras", _model, (model,)),
        Reader("record.keras", partial(_exchanged, "tellapart.json"), (_member("tellapart.json"),)),
        Reader("copy.onnx", _onnx, (_member("model.onnx"),)),
        Reader("ood.npz", _ood, (_member("novelty.npz"),)),
        Reader("config.json", _description, (_member("config.json"),)),
        Reader("weights.h5", _hdf5, (_member("model.weights.h5"), *h5)),
        Reader("foreign.keras", _keras_file, ((FILES / "keras2-residual.keras").read_bytes(),)),
        Reader("manifest.json", _checkpoint, (_saved()["manifest.json"],)),
        Reader("run.txt", _run, (json.dumps(run).encode(),)),
    ]


def _exchanged(member: str, path: Path) -> Any:
    """A sound archive of a model file in which one member is fuzzed."""
    from tellapart.classifier.classifier import load_classifier

    source, data = next(FILES.glob("tellapart-*.keras")), path.read_bytes()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            new.writestr(zipfile.ZipInfo(info.filename), data if info.filename == member else old.read(info))
    return load_classifier(path)


def meets(reader: Reader, data: bytes, folder: Path) -> BaseException | None:
    """Give a reader some bytes; returns what it raised that it should not have, or None."""
    path = folder / reader.name
    path.write_bytes(data)
    try:
        reader.read(path)
    except TellapartError as error:
        wordless = not (error.given and error.expected)
        return error if wordless else None
    except BaseException as error:
        return error
    return None


def mutated(data: bytes, rng: np.random.Generator, words: tuple[bytes, ...] = ()) -> bytes:
    """Bytes with a few mutations: bits flipped, numbers made large, pieces cut, repeated, moved."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        if not changed:
            changed = bytearray(rng.bytes(8))
        at, length = int(rng.integers(len(changed))), int(rng.integers(1, 1 + min(64, len(changed))))
        kind = int(rng.integers(8))
        if kind == 0:
            changed[at] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            changed[at : at + 4] = [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\x80"][
                int(rng.integers(4))
            ]
        elif kind == 2:
            del changed[at : at + length]
        elif kind == 3:
            changed[at:at] = changed[at : at + length]
        elif kind == 4:
            changed[at:at] = rng.bytes(length)
        elif kind == 5:
            changed = changed[: max(1, at)]
        elif kind == 6:
            other = int(rng.integers(len(changed)))
            changed[at : at + length] = changed[other : other + length]
        else:
            changed[at:at] = _WORDS[int(rng.integers(len(_WORDS)))]
    return bytes(changed)


_WORDS = (
    b"nan", b"-1", b"1e999", b"null", b"[[[[", b"{}", b'"', b"\n", b"\r\n", b"\0", b"../", b"\xff\xfe", b"\xed\xa0\x80",
    b"99999999999999999999", b"true", b"0x", b",,,,", b"label", b"PK\x03\x04", b"\x1f\x8b\x08",
)  # fmt: skip
