"""ONNX Runtime: from pixels to a network's outputs, without Keras."""

from __future__ import annotations

import numpy as np
import onnxruntime

from tellapart.data.feeding import batch_for


class OnnxRuntime:
    """A network as ONNX Runtime runs it."""

    def __init__(self, model: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def __call__(self, pixels: np.ndarray) -> np.ndarray:
        """Outputs float32 [n, outputs] for pixels uint8 [n, height, width, channels]."""
        size = batch_for(pixels.shape[1:])
        if len(pixels) <= size:
            return self.session.run(None, {self.input: pixels.astype(np.float32)})[0]
        return np.concatenate([self(pixels[i : i + size]) for i in range(0, len(pixels), size)])
