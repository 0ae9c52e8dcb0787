"""ONNX Runtime: from pixels to a network's outputs, without Keras."""

from __future__ import annotations

import numpy as np
import onnxruntime

from tellapart.classifier.onnx_file import check_onnx
from tellapart.data.feeding import batch_for
from tellapart.errors import ModelFileError


class OnnxRuntime:
    """A network as ONNX Runtime runs it. Raises ModelFileError for a file that is not plain, see onnx_file."""

    def __init__(self, model: bytes, name: str = "the model") -> None:
        check_onnx(model, name)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime has many, and no common one
            reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
            raise ModelFileError(
                f"{name}: ONNX Runtime does not take its network ({reason})",
                "a network as tellapart writes it",
                "copy the file again from where it came, or train anew",
            ) from error
        self.input = self.session.get_inputs()[0].name
        self.outputs = [output.name for output in self.session.get_outputs()]

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

    def _run(self, pixels: np.ndarray, names: list[str]) -> list[np.ndarray]:
        size = batch_for(pixels.shape[1:])
        if len(pixels) <= size:
            return self.session.run(names, {self.input: pixels.astype(np.float32)})
        pieces = [self._run(pixels[i : i + size], names) for i in range(0, len(pixels), size)]
        return [np.concatenate(column) for column in zip(*pieces, strict=True)]
