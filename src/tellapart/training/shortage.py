"""Running out of memory: seen beforehand where it can be, known for what it is where not, and the batch to try then."""

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
"""Batches of fewer pictures are not tried."""

OUTPUTS, COPIES = 2.0, 6
"""A step takes so many times the bytes of all layers' outputs, and of the weights.

Measured: 1.8 times the outputs on `digits-2conv` with batches of 4,320, 1.4 times on `quick`.
"""

_WORDS = ("out of memory", "resource_exhausted", "resource exhausted", "oom when allocating", "failed to allocate",
          "std::bad_alloc", "can't allocate memory")  # fmt: skip


def check_memory(network: keras.Model, batch_size: int) -> None:
    """Raise MemoryError, whose words name the bytes, where a step with such batches needs more than there is.

    Without that the system would end this process, or another, in the middle of it.
    """
    if has_accelerator():  # whose memory it is that counts, and is not known
        return
    plan = read_description(json.dumps(keras.saving.serialize_keras_object(network)))
    sizes = NetworkCost()
    sizes.add(plan, tuple(network.input_shape[1:]))
    needed = OUTPUTS * sizes.activations * batch_size + COPIES * 4 * sizes.parameters
    free = available()
    if free is not None and needed > free:
        raise MemoryError(f"it needs about {needed / 2**30:.1f} GiB, and {max(free, 0) / 2**30:.1f} are free")


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


def within_memory(
    recipe: Recipe,
    attempt: Callable[[Recipe], Result],
    folder: Path,
    on_event: Listener,
    changed: Callable[[Recipe], None] = lambda recipe: None,
) -> Result:
    """What `attempt` gives; where memory does not suffice, of a recipe with smaller batches, which `changed` hears of.

    Raises OutOfMemoryError where it does not for the smallest, or where the training's `folder` has checkpoints: it did
    suffice then, and they are of that batch.
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
                again = "go on with --resume" if kept.any() else "start it again"
                raise OutOfMemoryError(
                    given,
                    "enough memory",
                    f"end other programs and {again}, or train smaller pictures (--set height=... --set width=...)",
                ) from error
        on_event(Note(f"{given}: trying {other.batch_size}, at a learning rate of {other.learning_rate:.3g}"))
        recipe = other
        changed(recipe)


def yield_memory() -> None:
    """Let the system, where it runs out of memory, end this process before it ends its owner's others (Linux)."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
