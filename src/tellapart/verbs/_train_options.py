"""The options of train, and which of them contradict each other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from tellapart.errors import UsageError
from tellapart.files import plain_name
from tellapart.verbs import Record, argument, share
from tellapart.verbs._grouping import Group
from tellapart.verbs._options import (
    BackboneName,
    Changes,
    ClassNames,
    Delimiter,
    ImageColumn,
    ImagesFolder,
    LabelPlace,
    PathOrAuto,
    RecipeSource,
    Share,
    Size,
    Source,
    SplitColumn,
    picture_size,
)
from tellapart.verbs._settings import AUTO, several

RESERVED = ("last", AUTO)
"""Names that mean a run, such as the newest."""

INSTEAD = {
    "amp": "--precision",
    "arch": "--recipe",
    "backbone": "--recipe",
    "batch-size": "--batch",
    "bs": "--batch",
    "cfg": "--config",
    "continue": "--resume",
    "cuda": "--device gpu",
    "cv": "--folds",
    "early-stopping": "--patience",
    "experiment": "--name",
    "fp16": "--precision bfloat16",
    "gpu": "--device gpu",
    "gpus": "--device gpu",
    "half": "--precision bfloat16",
    "image-size": "--size",
    "img": "--size",
    "img-size": "--size",
    "imgsz": "--size",
    "kfold": "--folds",
    "lr": "--learning-rate",
    "lr0": "--learning-rate",
    "max-epochs": "--epochs",
    "model": "--recipe",
    "num-epochs": "--epochs",
    "output": "--runs",
    "output-dir": "--runs",
    "project": "--runs",
    "random-state": "--seed",
    "run-name": "--name",
    "save-dir": "--runs",
    "test-size": "--test",
    "time-limit": "--minutes",
    "val": "--validation",
    "val-split": "--validation",
    "valid-pct": "--validation",
    "validation-split": "--validation",
    "workers": "leave it out: pictures are read on all cores",
    "num-workers": "leave it out: pictures are read on all cores",
}
"""Options of other tools, and what to type instead."""


class Options(Record):
    """The options of train."""

    instead = INSTEAD

    data: Source = argument(
        None, description="What to train on: a data set's name, a folder, an archive or a data file."
    )
    recipe: RecipeSource = Field(
        "auto", description='A library recipe\'s name, my.toml or my.py; "auto" chooses one from the pictures.'
    )
    backbone: BackboneName = Field(
        None,
        description='Pretrained backbone to start from; "none" trains from scratch; default: chosen from the pictures '
        "and the weights at hand. 'tellapart backbones' lists them.",
    )
    weights: Path | None = Field(
        None, description="File with the weights of the backbone, instead of those that are found on this machine."
    )
    set: Changes = Field(
        default_factory=list, description="Change a field of the recipe, such as optimizer=sgd; may be repeated."
    )
    config: Path | None = Field(
        None, description="A run.json or a run folder: repeat its options, except those that are given."
    )
    epochs: int | None = Field(None, ge=1, description="Passes over the training pictures; default: the recipe's.")
    minutes: float | None = Field(
        None,
        ge=1 / 6,
        allow_inf_nan=False,
        description="Time for the whole run, from reading to saving, instead of epochs; at least 1/6 (10 seconds).",
    )
    patience: int | None = Field(
        None, ge=1, description="Stop after this many epochs without a better validation accuracy; default: never."
    )
    batch: int | None = Field(None, ge=1, le=65536, description="Pictures per training step; default: the recipe's.")
    size: Size = Field(
        None,
        description="Size of the pictures that the network sees, in pixels: 128, or 96x128 for height x width; "
        "default: chosen from the pictures.",
    )
    learning_rate: float | None = Field(
        None, gt=0, le=100, description="Highest learning rate of the schedule; default: the recipe's."
    )
    seed: int = Field(
        0, ge=0, lt=2**31, description="Decides the split, the first weights, the order and augmentation."
    )
    validation: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="Share of the training pictures for validation, if the data has no such split; default: 0.1, or 0 "
        "for few pictures with the recipe features, which is cross-validated instead.",
    )
    test: float = Field(
        0.2, ge=0, lt=1, description="Share of the pictures for the test split, if the data has no such split."
    )
    group: Group = None
    folds: int | None = Field(
        None,
        ge=2,
        le=100,
        description="K-fold cross-validation: train K models, each evaluated on its held-out fold, then a final model "
        "on all pictures.",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description='Precision of training; "auto" measures once whether bfloat16 is faster on this machine.'
    )
    device: Literal["auto", "cpu", "gpu"] = Field(
        "auto", description='Where to train; "auto" takes a GPU if the backend sees one.'
    )
    max_error_rate: Share = Field(
        None,
        description='Answer "unsure" for low-confidence pictures so that at most this share of the other answers is '
        "wrong, e.g. 1%.",
    )
    classes: ClassNames = Field(None, description="Text file with the class names in label order, one per line.")
    label: LabelPlace = None
    image_column: ImageColumn = None
    images: ImagesFolder = None
    split_column: SplitColumn = None
    delimiter: Delimiter = None
    runs: Path = Field(Path("runs"), description="Folder for the run's folder.")
    name: str | None = Field(None, description="Name of the run's folder; default: <data>-<recipe>-<number>.")
    tensorboard: bool = Field(
        False, description="Also write event files for TensorBoard, into the run's folder tensorboard/."
    )
    resume: PathOrAuto = Field(
        None,
        description='Resume an interrupted run: its folder or name, "last" for the latest unfinished run, or "auto" '
        "for the latest one with the same options (else a new run).",
    )
    save_every: float = Field(
        10.0, ge=0, allow_inf_nan=False, description="Seconds between checkpoints, at least; 0: as often as possible."
    )
    deterministic: bool = Field(
        False,
        description="Bit-for-bit reproducible on the same kind of machine; may be slower. Uses float32 unless another "
        "precision is named.",
    )

    _max_error_rate = field_validator("max_error_rate")(share)
    _size = field_validator("size")(picture_size)

    @field_validator("recipe", mode="before")
    @classmethod
    def _default_recipe(cls, value: Any) -> Any:
        return AUTO if value is None else value

    _set = field_validator("set", mode="before")(several)

    @field_validator("name")
    @classmethod
    def _safe_name(cls, value: str | None) -> str | None:
        if value is not None and (plain_name(value) != value or value in RESERVED):
            allowed = "at most 80 letters, digits, dots, dashes and underscores"
            raise ValueError(f"a folder's name: {allowed}; not {' or '.join(RESERVED)}")
        return value


def check_options(options: Options) -> None:
    """Raise UsageError for options that contradict each other."""
    if options.data is None:
        raise UsageError("train: data is missing", "a data set's name, a folder, an archive or a data file", "")
    if options.minutes is not None and options.deterministic:
        raise UsageError(
            f"deterministic and minutes = {options.minutes:g}",
            "one of them: the number of steps in a given time differs from run to run",
            "use --epochs with --deterministic",
        )
    if options.minutes is not None and options.epochs is not None:
        raise UsageError(
            f"epochs = {options.epochs} and minutes = {options.minutes:g}", "one of them: what ends the training", ""
        )
    if options.name is not None and os.path.lexists(options.runs / options.name):
        raise UsageError(
            f"--name {options.name}: {options.runs / options.name} exists already", "a name that is not used", ""
        )
    if options.folds:
        _check_folds(options)


def _check_folds(options: Options) -> None:
    if options.patience is not None:
        raise UsageError(
            f"folds = {options.folds} and patience = {options.patience}",
            "one of them: cross-validation trains on all pictures, so no validation split ends a training",
            "",
        )
    defaults = tuple(Options.model_fields[split].default for split in ("validation", "test"))
    if (options.validation, options.test) != defaults:
        shares = ((name, getattr(options, name)) for name in ("validation", "test"))
        given = [f"{name} = {value:g}" for name, value in shares if value is not None]
        raise UsageError(
            f"folds = {options.folds}, {' and '.join(given)}",
            "folds alone: each picture that is not in the data's own test split is trained on, and predicted once",
            "",
        )
    if options.minutes is not None:
        raise UsageError(
            f"folds = {options.folds} and minutes = {options.minutes:g}",
            "one of them: minutes are for a single training",
            "use --epochs with --folds",
        )
