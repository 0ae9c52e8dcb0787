"""Running out of memory: how that looks on each backend, and the smaller batch to try then."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

from tellapart.recipes.recipe import Recipe

SMALLEST = 4
"""Batches of fewer pictures are not tried."""

_WORDS = ("out of memory", "resource_exhausted", "resource exhausted", "oom when allocating", "failed to allocate",
          "std::bad_alloc", "can't allocate memory")  # fmt: skip


def ran_out(error: BaseException) -> bool:
    """Whether an error says that memory did not suffice: Python's own, TensorFlow's, XLA's or torch's."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, Exception) and any(word in str(error).lower() for word in _WORDS)


def smaller(recipe: Recipe) -> Recipe | None:
    """The recipe with half the batch, and the rate that goes with it; None where it is small already.

    The rate follows the batch in proportion where a step is as long as its gradient or of fixed length (Goyal and
    others 2017, arXiv:1706.02677), by the square root for the adaptive rules (Malladi and others 2022,
    arXiv:2205.10287).
    """
    batch = recipe.batch_size // 2
    if batch < SMALLEST:
        return None
    scale = batch / recipe.batch_size
    scale = scale if recipe.optimizer in ("sgd", "muon", "lion") else math.sqrt(scale)
    return recipe.model_copy(update={"batch_size": batch, "learning_rate": recipe.learning_rate * scale})


def yield_memory() -> None:
    """Let the system, where it runs out of memory, end this process before it ends its owner's others (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
