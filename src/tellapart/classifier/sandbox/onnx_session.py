"""How ONNX Runtime is asked to open a network; it imports nothing of tellapart, since a program apart does so too."""

from __future__ import annotations

import onnxruntime


def opened(model: bytes, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    """A session on the processor. Raises what ONNX Runtime raises, which has many exceptions and no common one."""
    options.log_severity_level = 4  # what goes wrong is raised, and told once
    options.add_session_config_entry("session.load_model_format", "ONNX")  # it has another one, that is not looked at
    return onnxruntime.InferenceSession(
        model,
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["ConstantFolding"],  # which takes memory beside the store that all sessions share
    )
