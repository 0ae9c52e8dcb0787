"""Memory: predicts whether a training step fits, recognises out-of-memory errors, and chooses a smaller batch."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from tellapart.errors import OutOfMemoryError
from tellapart.memory import available
from tellapart.networks.backend import has_accelerator, keras
from tellapart.networks.cost import NetworkCost
from tellapart.networks.description import read_description
from tellapart.progress import Listener, Note
from tellapart.recipes.recipe import Recipe
from tellapart.training.checkpoints import FOLDER, Checkpoints

Result = TypeVar("Result")

SMALLEST = 4
"""The smallest batch that is tried."""

OUTPUTS, COPIES = 2.0, 6
"""A step needs this many times the bytes of all layer outputs, and of the weights.

Measured: 1.8 times the outputs on `digits-2conv` with batches of 4,320, 1.4 times on `quick`.
"""

_WORDS = ("out of memory", "resource_exhausted", "resource exhausted", "oom when allocating", "failed to allocate",
          "std::bad_alloc", "can't allocate memory")  # fmt: skip


def check_memory(network: keras.Model, batch_size: int) -> None:
    """Raise MemoryError, which names the bytes, if a step with batches of this size does not fit in memory.

    Without this check the system might kill this process, or another one, during a step.
    """
    if has_accelerator():  # whose memory counts, and is not known
        return
    plan = read_description(json.dumps(keras.saving.serialize_keras_object(network)))
    sizes = NetworkCost()
    sizes.add(plan, tuple(network.input_shape[1:]))
    needed = OUTPUTS * sizes.activations * batch_size + COPIES * 4 * sizes.parameters
    free = available()
    if free is not None and needed > free:
        raise MemoryError(f"it needs about {needed / 2**30:.1f} GiB, and {max(free, 0) / 2**30:.1f} are free")


def ran_out(error: BaseException) -> bool:
    """Whether an error of Python, TensorFlow, XLA or torch means that memory ran out."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, Exception) and any(word in str(error).lower() for word in _WORDS)


def smaller(recipe: Recipe) -> Recipe | None:
    """The recipe with half the batch and the matching learning rate; None if the batch is the smallest already.

    The rate changes in proportion to the batch if a step is as long as its gradient or of fixed length (Goyal and
    others 2017, arXiv:1706.02677), and by the square root for adaptive optimizers (Malladi and others 2022,
    arXiv:2205.10287).
    """
    batch = recipe.batch_size // 2
    if batch < SMALLEST:
        return None
    scale = batch / recipe.batch_size
    scale = scale if recipe.optimizer in ("sgd", "muon", "lion") else math.sqrt(scale)
    return recipe.model_copy(update={"batch_size": batch, "learning_rate": recipe.learning_rate * scale})


def within_memory(
    recipe: Recipe,
    attempt: Callable[[Recipe], Result],
    folder: Path,
    on_event: Listener,
    changed: Callable[[Recipe], None] = lambda recipe: None,
) -> Result:
    """The result of `attempt`; if memory runs out, with smaller batches, which `changed` is called with.

    Raises OutOfMemoryError if even the smallest batch does not fit, or if the training's `folder` has checkpoints: that
    batch did fit then, and a checkpoint belongs to its batch size.
    """
    kept = Checkpoints(folder / FOLDER)
    while True:
        try:
            return attempt(recipe)
        except Exception as error:
            if not ran_out(error):
                raise
            words = f" ({error})" if isinstance(error, MemoryError) and str(error) else ""
            given = f"out of memory with batches of {recipe.batch_size} pictures{words}"
            other = None if kept.any() else smaller(recipe)
            if other is None:
                again = "use --resume" if kept.any() else "start it again"
                raise OutOfMemoryError(
                    given,
                    "enough memory",
                    f"end other programs and {again}, or train smaller pictures (--size)",
                ) from error
        on_event(
            Note(f"{given}: trying {other.batch_size}, with a learning rate of {other.learning_rate:.3g}", warning=True)
        )
        recipe = other
        changed(recipe)


def yield_memory() -> None:
    """Let the system, if memory runs out, kill this process rather than the user's others (Linux)."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
