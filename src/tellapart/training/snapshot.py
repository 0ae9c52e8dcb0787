"""A checkpoint of a training: its state and variables, written as they are and restored only into the same training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tellapart.errors import CheckpointError, TrainingError
from tellapart.networks.backend import keras
from tellapart.progress import Listener, Note
from tellapart.training.checkpoints import Checkpoint
from tellapart.training.state import State


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Turns a training into checkpoints and back.

    `variables` are those of network, optimizer and augmentation; `identity` is what has to be the same for a training
    to be resumed, as plain values.
    """

    variables: dict[str, list[Any]]
    identity: dict[str, Any]

    def capture(self, state: State) -> Checkpoint:
        """The training as it is now. Raises TrainingError if a variable is not finite."""
        convert = keras.ops.convert_to_numpy
        arrays = {f"{group}/{i}": convert(v) for group, them in self.variables.items() for i, v in enumerate(them)}
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                group, i = name.split("/")
                raise TrainingError(
                    f"epoch {state.epoch + 1}: {self.variables[group][int(i)].path} of the {group} is not finite",
                    "finite numbers",
                    "train with a lower learning rate (--learning-rate)",
                )
        arrays |= {f"best/{i}": array for i, array in enumerate(state.best_weights)}
        return Checkpoint(state.values() | {"identity": self.identity}, arrays)

    def restore(self, checkpoint: Checkpoint, on_event: Listener) -> State:
        """Set all variables to those of a checkpoint; returns the state it was written with.

        Raises CheckpointError if the checkpoint belongs to another training. Notes other versions of libraries.
        """
        self._check_identity(checkpoint, on_event)
        for group, variables in self.variables.items():
            shapes = [tuple(variable.shape) for variable in variables]
            arrays = [checkpoint.arrays.get(f"{group}/{i}") for i in range(len(variables))]
            kept = [None if array is None else array.shape for array in arrays]
            if kept != shapes or f"{group}/{len(variables)}" in checkpoint.arrays:
                raise _other(checkpoint, f"the {group} has other variables")
            for variable, array in zip(variables, arrays, strict=True):
                variable.assign(array)
        count = sum(name.startswith("best/") for name in checkpoint.arrays)
        return State.from_values(checkpoint.values, [checkpoint.arrays[f"best/{i}"] for i in range(count)])

    def _check_identity(self, checkpoint: Checkpoint, on_event: Listener) -> None:
        kept = checkpoint.values["identity"]
        if kept.get("format") != self.identity["format"]:
            raise _other(checkpoint, "another version of tellapart wrote it")
        for name, value in self.identity.items():
            if name != "versions" and kept.get(name) != value:
                differ = f"{name} was {_short(kept.get(name))} and is {_short(value)}"
                if name == "pictures":  # whose hashes say nothing to a reader
                    differ = "a picture, a label or the split has changed, or a picture can be read now that could not"
                raise _other(checkpoint, differ)
        changed = [
            f"{name} {kept['versions'].get(name)} is now {value}"
            for name, value in self.identity["versions"].items()
            if kept["versions"].get(name) != value
        ]
        if changed:
            on_event(
                Note(f"note: {', '.join(changed)}: results may differ slightly from an uninterrupted run", warning=True)
            )


def _other(checkpoint: Checkpoint, what: str) -> CheckpointError:
    return CheckpointError(
        f"{checkpoint.path}: belongs to another training ({what})",
        "the pictures, recipe and options that the run was started with",
        "use those, or start a new run without --resume",
    )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
