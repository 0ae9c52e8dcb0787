"""ONNX Runtime: from pixels to a network's outputs, without Keras."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

from tellapart.classifier.sandbox.onnx_file import check_onnx
from tellapart.classifier.sandbox.onnx_session import opened
from tellapart.classifier.sandbox.process import run_apart
from tellapart.data.datasets import cache_folder
from tellapart.data.feeding import batch_for
from tellapart.errors import ModelFileError
from tellapart.files import sha256
from tellapart.memory import available

onnxruntime.disable_telemetry_events()  # for Windows: elsewhere tellapart/__init__.py has seen to it

_LETTING_GO = onnxruntime.RunOptions()
_LETTING_GO.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

TRIAL = Path(__file__).parent / "sandbox" / "onnx_trial.py"

MOST_MEMORY = 8 * 2**30
"""Bytes that all networks of a process may take, or three quarters of what is free where that is less: a network can
make much of little in ways that its file does not show."""


class OnnxRuntime:
    """A network as ONNX Runtime runs it. Raises ModelFileError for a file that is not plain, see onnx_file."""

    def __init__(self, model: bytes, name: str = "the model") -> None:
        check_onnx(model, name)
        self.name = name
        _bounded()
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.use_env_allocators", "1")
        try:
            self.session = opened(model, options)
            self.input, *others = (given.name for given in self.session.get_inputs())
            if others:
                raise ValueError("it takes several inputs")
        except Exception as error:  # ONNX Runtime has many, and no common one
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise ModelFileError(
                f"{name}: ONNX Runtime does not take its network ({reason})",
                "a network as tellapart writes it",
                "copy the file again from where it came, or train anew",
            ) from error
        self.outputs = [output.name for output in self.session.get_outputs()]

    @property
    def width(self) -> int | None:
        """How many outputs the network has, where its file says so."""
        shape = self.session.get_outputs()[0].shape
        return shape[-1] if shape and isinstance(shape[-1], int) else None

    @property
    def has_features(self) -> bool:
        """Whether the file also tells what the network's last layer saw."""
        return len(self.outputs) > 1

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Outputs float32 [n, outputs] for pixels uint8 [n, height, width, channels]."""
        return self._run(pixels, self.outputs[:1])[0]

    def with_features(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The outputs, and what the last layer saw: float32 [n, ...]."""
        outputs, features = self._run(pixels, self.outputs[:2])
        return outputs, features

    def _run(self, pixels: np.ndarray, names: list[str], how: onnxruntime.RunOptions | None = None) -> list[np.ndarray]:
        size = batch_for(pixels.shape[1:])
        if len(pixels) <= size:
            try:
                result: list[np.ndarray] = self.session.run(names, {self.input: pixels.astype(np.float32)}, how)
                return result
            except Exception as error:  # of a file whose operations do not fit each other, or take too much memory
                raise ModelFileError(
                    f"{self.name}: its network cannot be run ({_reason(error)})",
                    f"a network as tellapart writes it, and memory for a batch of {len(pixels)}",
                    "free memory and start again, or copy the file again from where it came",
                ) from error
        pieces = [self._run(pixels[i : i + size], names) for i in range(0, len(pixels) - size, size)]
        pieces.append(self._run(pixels[len(pieces) * size :], names, _LETTING_GO))
        return [np.concatenate(column) for column in zip(*pieces, strict=True)]


def try_onnx(model: bytes, name: str) -> None:
    """Open and run a network in a process of its own, once for each network on this machine.

    Raises ModelFileError where that process does not come to its end: this one would not have either.
    """
    kept = cache_folder() / "tried" / sha256(model)
    if kept.is_file():
        return
    check_onnx(model, name)
    status, _, words = run_apart(TRIAL, model)
    if status:
        said = words.decode("utf-8", "replace").strip().splitlines()[-1:] if status == 3 else []
        reason = said[0] if said else f"opening and running it took more memory or time than it may (status {status})"
        raise ModelFileError(
            f"{name}: its ONNX network is refused ({reason})",
            "a network as tellapart writes it",
            "copy the file again from where it came, and do not open a file whose origin you do not know",
        )
    with suppress(OSError):  # a cache that cannot be written: the next time takes a moment more
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.touch()


def _reason(error: Exception) -> str:
    if found := re.search(r"Available memory of (\d+) is smaller than requested bytes of (\d+)", str(error)):
        left, asked = (int(one) / 2**30 for one in found.groups())
        return f"it asks for {asked:.1f} GiB of memory where {left:.1f} are left of what it may take"
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][-200:]


@cache
def _bounded() -> None:
    """Give all sessions of this process one store of memory, with an end; in place of one that a program had given."""
    free = available()
    most = MOST_MEMORY if free is None else max(2**28, min(MOST_MEMORY, free * 3 // 4))
    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    with suppress(RuntimeError):  # some versions take no second one, and that program's stays
        onnxruntime.create_and_register_allocator(place, onnxruntime.OrtArenaCfg({"max_mem": most}))
