"""Run a network in ONNX Runtime, without Keras: pixels in, outputs out."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime

from tellapart.classifier.sandbox.onnx_file import check_onnx
from tellapart.classifier.sandbox.onnx_session import open_session
from tellapart.classifier.sandbox.process import run_sandboxed
from tellapart.classifier.sandbox.restricted import REFUSED
from tellapart.data.datasets import cache_folder
from tellapart.errors import ModelFileError
from tellapart.files import sha256
from tellapart.memory import available
from tellapart.parallel import cores

onnxruntime.disable_telemetry_events()  # for Windows; elsewhere tellapart/__init__.py does it

_RELEASE_MEMORY = onnxruntime.RunOptions()
_RELEASE_MEMORY.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

TRIAL = Path(__file__).parent / "sandbox" / "onnx_trial.py"

MOST_MEMORY = 8 * 2**30
"""Bytes that all networks of a process may use, or three quarters of the free memory if that is less: the size of a
file does not limit the memory that its network needs."""


WORKING_SET, LEAST, MOST = 2**24, 4, 512
"""Bytes of a first layer of 32 channels for the pictures that are computed at once, and the fewest and most of them.

What a layer computes then is in the processor's caches when the next one reads it. Measured with EfficientNet-Lite0 on
two cores, pictures a second: at 224 pixels 387 with 4 at once, 290 with 32 and 258 with 64; at 128 pixels 1,037 with 8
and 916 with 128. Small pictures need large batches: LeNet computes 159,000 digits a second with 128 and 60,000 with 4.
"""


class OnnxRuntime:
    """A network in ONNX Runtime, on `threads` threads (None: one per processor).

    Raises ModelFileError for a file that sandbox/onnx_file.py refuses.
    """

    def __init__(self, model: bytes, name: str = "the model", threads: int | None = None) -> None:
        check_onnx(model, name)
        self.name = name
        _limit_memory()
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.use_env_allocators", "1")
        options.intra_op_num_threads = threads or 0
        try:
            self.session = open_session(model, options)
            self.input, *others = (given.name for given in self.session.get_inputs())
            if others:
                raise ValueError("it has several inputs")
        except Exception as error:  # ONNX Runtime raises many types without a common base
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise ModelFileError(
                f"{name}: ONNX Runtime cannot open its network ({reason})",
                "a network as tellapart writes it",
                "copy the file again from where it came, or train again",
            ) from error
        self.outputs = [output.name for output in self.session.get_outputs()]

    @property
    def width(self) -> int | None:
        """The number of outputs; None where the file leaves it open."""
        shape = self.session.get_outputs()[0].shape
        return shape[-1] if shape and isinstance(shape[-1], int) else None

    @property
    def has_features(self) -> bool:
        """Whether the file also outputs the inputs of the network's last layer."""
        return len(self.outputs) > 1

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Outputs float32 [n, outputs] for pixels uint8 [n, height, width, channels]."""
        return self._run(pixels, self.outputs[:1])[0]

    def with_features(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Outputs float32 [n, outputs], and the inputs of the last layer (features), float32 [n, ...]."""
        outputs, features = self._run(pixels, self.outputs[:2])
        return outputs, features

    def output(self, position: int, pixels: np.ndarray) -> np.ndarray:
        """One of the file's outputs, float32 [n, ...], by its position."""
        return self._run(pixels, self.outputs[position : position + 1])[0]

    def _run(
        self, pixels: np.ndarray, names: list[str], options: onnxruntime.RunOptions | None = None
    ) -> list[np.ndarray]:
        size = _at_once(pixels.shape[1:])
        if len(pixels) <= size:
            try:
                return list(self.session.run(names, {self.input: pixels.astype(np.float32)}, options))
            except Exception as error:  # operations that do not fit each other, or need too much memory
                raise ModelFileError(
                    f"{self.name}: its network cannot be run ({_reason(error)})",
                    f"a network as tellapart writes it, and memory for a batch of {len(pixels)}",
                    "free memory and start again, or copy the file again from where it came",
                ) from error
        pieces = [self._run(pixels[i : i + size], names) for i in range(0, len(pixels) - size, size)]
        pieces.append(self._run(pixels[len(pieces) * size :], names, _RELEASE_MEMORY))
        return [np.concatenate(column) for column in zip(*pieces, strict=True)]


def _at_once(shape: tuple[int, ...]) -> int:
    """How many pictures of a shape are computed at once."""
    return max(LEAST, cores(), min(MOST, WORKING_SET // (shape[0] * shape[1] * 32 * 4)))


def try_onnx(model: bytes, name: str) -> None:
    """Open and run a network in a restricted process, once per network and machine.

    Raises ModelFileError where that process fails or exceeds its limits.
    """
    marker = cache_folder() / "tried" / sha256(model)
    if marker.is_file():
        return
    check_onnx(model, name)
    status, _, errors = run_sandboxed(TRIAL, model)
    if status:
        lines = errors.decode("utf-8", "replace").strip().splitlines()[-1:] if status == REFUSED else []
        reason = lines[0] if lines else f"it crashed, or exceeded the limits of memory and time (status {status})"
        raise ModelFileError(
            f"{name}: its ONNX network is refused ({reason})",
            "a network as tellapart writes it",
            "copy the file again, and do not use it unless you know where it comes from",
        )
    with suppress(OSError):  # without a writable cache the trial runs every time
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()


def _reason(error: Exception) -> str:
    if match := re.search(r"Available memory of (\d+) is smaller than requested bytes of (\d+)", str(error)):
        free, needed = (int(number) / 2**30 for number in match.groups())
        return f"it needs {needed:.1f} GiB of memory, and {free:.1f} GiB of its limit are left"
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][-200:]


@cache
def _limit_memory() -> None:
    """Make all sessions of this process share one memory arena with a limit; it replaces an earlier arena."""
    free = available()
    most = MOST_MEMORY if free is None else max(2**28, min(MOST_MEMORY, free * 3 // 4))
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    with suppress(RuntimeError):  # some versions keep the arena that was registered first
        onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg({"max_mem": most}))
