"""How many pictures a backbone turns into features per second on this machine: measured once, then remembered."""

from __future__ import annotations

import time

import numpy as np

from tellapart.networks import backbones
from tellapart.progress import Listener, Note, silent
from tellapart.training.machine import processor
from tellapart.training.measured import recall, remember

BATCH, SECONDS = 16, 1.0
"""Pictures in a batch, and how long is measured after a first batch."""


def remembered(name: str) -> float | None:
    """Pictures per second at the backbone's own size, or None if it was not measured on this processor."""
    return recall(_key(name))


def measure(name: str, on_event: Listener = silent) -> float:
    """Measure and remember pictures per second, with random weights, in ONNX Runtime. Takes some seconds."""
    from tellapart.classifier.onnx_copy import make_onnx_copy
    from tellapart.classifier.runtime import OnnxRuntime

    on_event(Note(f"measuring {name}"))
    module = backbones.load(name)
    side = module.BACKBONE.side
    run = OnnxRuntime(make_onnx_copy(module.network((side, side, 3))), name)
    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, side, side, 3), np.uint8)
    run(pixels)
    started, batches = time.perf_counter(), 0
    while time.perf_counter() < started + SECONDS:
        run(pixels)
        batches += 1
    speed = batches * BATCH / (time.perf_counter() - started)
    remember(_key(name), speed)
    return speed


def _key(name: str) -> str:
    return f"pictures per second: {processor()}, {name} at {backbones.load(name).BACKBONE.side} pixels"
