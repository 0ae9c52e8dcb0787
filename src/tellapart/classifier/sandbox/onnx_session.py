"""Open a network in ONNX Runtime. Independent of the tellapart package, for onnx_trial.py."""

from __future__ import annotations

import onnxruntime


def open_session(model: bytes, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    """A session on the CPU. Raises what ONNX Runtime raises: many types without a common base."""
    options.log_severity_level = 4  # errors are raised; do not log them as well
    options.add_session_config_entry("session.load_model_format", "ONNX")  # its second format is not checked
    return onnxruntime.InferenceSession(
        model,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["ConstantFolding"],  # it allocates memory outside the shared arena
    )
