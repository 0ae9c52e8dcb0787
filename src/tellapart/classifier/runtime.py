"""ONNX Runtime: from pixels to a network's outputs, without Keras."""

from __future__ import annotations

import numpy as np
import onnxruntime

BATCH = 256
"""Pictures a call; larger batches need memory and bring no speed on a CPU."""


class OnnxRuntime:
    """A network as ONNX Runtime runs it."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Outputs float32 [n, outputs] for pixels uint8 [n, height, width, channels]."""
        if len(pixels) <= BATCH:
            return self.session.run(None, {self.input: pixels.astype(np.float32)})[0]
        return np.concatenate([self(pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH)])
