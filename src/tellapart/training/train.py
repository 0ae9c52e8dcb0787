"""The training itself: a plan and prepared pictures in, a trained network out; it resumes where it was interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.data.feeding import Prepared
from tellapart.errors import CheckpointError, RecipeError, TellapartError
from tellapart.networks.backend import keras, set_seed
from tellapart.networks.head import freeze_normalisation, set_head
from tellapart.progress import Note
from tellapart.recipes.build import build_network
from tellapart.recipes.recipe import Recipe
from tellapart.text import percent
from tellapart.training.averaging import Averaged
from tellapart.training.checkpoints import FOLDER, KEPT, Checkpoints
from tellapart.training.faster import restore, speed_up
from tellapart.training.fitting import Fitting
from tellapart.training.identity import identity_of, network_digest
from tellapart.training.logistic import LinearHead
from tellapart.training.optimizers import add_penalties
from tellapart.training.pace import EVALUATING, Pace, Workload
from tellapart.training.plan import Plan
from tellapart.training.precision import set_precision
from tellapart.training.probe import accuracy_of, fitted_head
from tellapart.training.run_folder import ROOM, lacking
from tellapart.training.saving import Saving
from tellapart.training.session import Session
from tellapart.training.shortage import check_memory, ran_out, within_memory
from tellapart.training.snapshot import Snapshot
from tellapart.training.state import State
from tellapart.training.stopping import Stopping
from tellapart.training.trained import Trained
from tellapart.training.watch import Watch

FIRST_PICTURES = 2**26
"""Bytes of pictures from which first weights may be computed."""

REPORT_BYTES = 8 * 2**20
"""Disk space for curves, report and records."""


def train_network(plan: Plan, train: Prepared, validation: Prepared | None, session: Session) -> Trained:
    """Train the plan's network in its precision; the result computes in float32.

    Writes history.csv and checkpoints/ into the session's folder, and resumes from the newest checkpoint there. With a
    budget the training lasts as long as that allows, whatever the recipe's epochs. The result has the weights of the
    epoch with the highest validation accuracy (ties: the lowest loss), or of the last epoch without validation.

    Raises RecipeError before it starts; CheckpointError if it cannot resume, or the disk is too full; MemoryError if a
    step needs more memory than there is; TrainingError if the loss is not finite; Stopped after Ctrl-C, SIGTERM or a
    cancellation, with everything up to there saved.
    """
    set_seed(plan.seed)
    head = fitted_head(plan, train, session).head if plan.recipe.backbone and train.features is not None else None
    network, digest = _fresh_network(plan, train, head)
    start = network.get_weights() if head else []
    fitting = Fitting(plan, network, train, validation)
    snapshot = Snapshot(fitting.variables(), identity_of(plan, train, validation, digest))
    store = Checkpoints(session.folder / FOLDER)
    state = _restored(snapshot, store, session)
    pace = _pace(plan, fitting, validation, state, session)
    watch = Watch(network, plan.recipe.epochs, fitting.batches, state, session, pace)
    with Stopping(session.cancellation) as stopping:
        saving = Saving(snapshot, store, state, watch, session, stopping)
        # Averaged comes first, so that the others see the averaged weights.
        averaged = [Averaged()] if plan.recipe.average else []
        if not state.finished:
            fitting.run(state, [*averaged, *([pace] if pace else []), watch, saving], pace, session)
            state.epoch, state.batch = len(state.history), 0
            watch.finish()
            saving.save(finished=True)
            if stopping.asked:
                saving.stop(state.place)
    if session.budget is not None:
        session.budget.training_ended()
    watch.write_history()
    improved = head is None or _has_improved(head, validation, state, session)
    network.set_weights(state.best_weights if improved else start)
    set_precision(network, "float32")
    restore(network)
    return Trained(network, plan.recipe, state.history, state.best_epoch if improved else 0, state.seconds, start=head)


def _has_improved(head: LinearHead, validation: Prepared | None, state: State, session: Session) -> bool:
    """Whether fine-tuning predicts at least as many validation pictures right as the head it started from.

    Also true without validation pictures, which could tell.
    """
    if validation is None:
        return True
    before, after = accuracy_of(head, validation), state.best[0]
    better = after >= before
    words = "is kept" if better else "is not kept: the head on the frozen features is the model"
    session.on_event(
        Note(
            f"fine-tuning {words} (validation accuracy {percent(before)} with frozen features, {percent(after)} "
            "fine-tuned)"
        )
    )
    return better


def train_within_memory(
    plan: Plan,
    train: Prepared,
    validation: Prepared | None,
    session: Session,
    changed: Callable[[Recipe], None] = lambda recipe: None,
) -> Trained:
    """`train_network`; if memory is short, with smaller batches, with which `changed` is called.

    Raises OutOfMemoryError if even the smallest batch does not fit, and what `train_network` raises.
    """

    def attempt(recipe: Recipe) -> Trained:
        return train_network(plan.with_recipe(recipe), train, validation, session)

    return within_memory(plan.recipe, attempt, session.folder, session.on_event, changed)


def _restored(snapshot: Snapshot, store: Checkpoints, session: Session) -> State:
    """The state of the newest checkpoint, with its variables set; a new state if there is none."""
    checkpoint = store.newest(lambda text: session.on_event(Note(text, warning=True)))
    if checkpoint is None:
        check_room(session.folder, snapshot.variables)
        return State()
    state = snapshot.restore(checkpoint, session.on_event)
    if session.budget is not None:
        session.budget.resume(state.total_seconds)
    return state


def _pace(plan: Plan, fitting: Fitting, validation: Prepared | None, state: State, session: Session) -> Pace | None:
    """What ends a training with a time budget; None without one."""
    budget = session.budget
    if budget is None:
        return None
    work = Workload(
        grow=plan.recipe.grow,
        steps_per_epoch=fitting.batches.per_epoch,
        steps_at_once=fitting.steps_at_once,
        batch_size=plan.recipe.batch_size,
        validated=len(validation) if validation else 0,
        afterwards=budget.evaluated * EVALUATING[plan.precision],
    )
    return Pace(budget, work, state)


def check_room(folder: Path, variables: dict[str, list[Any]]) -> None:
    """Raise CheckpointError unless the disk has room for all that a training with these variables writes."""
    size = sum(int(np.prod(v.shape)) * 4 for group in variables.values() for v in group)
    weights = sum(int(np.prod(v.shape)) * 4 for v in variables["network"])
    # Two checkpoints and a third that is being written, each with the best weights too; the model file with its ONNX
    # copy, twice while one replaces the other.
    needed = (KEPT + 1) * (size + weights) + 4 * weights + REPORT_BYTES
    if (free := lacking(folder, needed)) is not None:
        raise CheckpointError(f"{folder}: this training writes up to {needed:,} bytes, and {free:,} are free", *ROOM)


def _fresh_network(plan: Plan, train: Prepared, head: LinearHead | None) -> tuple[keras.Model, str]:
    """The network with its first weights, ready to be trained in the plan's precision, and its digest.

    On a pretrained backbone it starts with `head`.
    """
    recipe = plan.recipe
    network = build_network(recipe, train.pixels.shape[1:], plan.classes)
    check_memory(network, min(recipe.batch_size, len(train)))
    digest = network_digest(network)
    if recipe.initialise is not None:
        _initialise(recipe, network, train)
    if head is not None:
        set_head(network, head.kernel, head.bias)
    if recipe.backbone is not None:
        freeze_normalisation(network)
    add_penalties(network, recipe.l1, recipe.l2)
    set_precision(network, plan.precision)
    speed_up(network)
    return network, digest


def _initialise(recipe: Recipe, network: keras.Model, train: Prepared) -> None:
    """Compute first weights from some of the pictures. Raises RecipeError if the recipe's function fails."""
    size = len(train) * int(np.prod(train.pixels.shape[1:]))
    some = train.pixels[:: max(1, len(train) // 5000, size // FIRST_PICTURES)]
    assert recipe.initialise is not None
    try:
        recipe.initialise(network, some)
    except Exception as error:
        if isinstance(error, TellapartError) or ran_out(error):
            raise
        raise RecipeError(
            f"initialise() of {recipe.name} fails with {type(error).__name__}: {error}",
            "def initialise(network, pixels): ... that sets weights",
            "",
        ) from error
