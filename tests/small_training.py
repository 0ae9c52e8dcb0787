"""Trainings of a tiny network on stripes, without a run around them: a folder, a listener, changes of the recipe."""

import numpy as np

from tellapart.data.feeding import Prepared
from tellapart.images.preprocessing import Preparation
from tellapart.progress import silent
from tellapart.recipes.find import find_recipe
from tellapart.training.plan import Plan
from tellapart.training.session import Session
from tellapart.training.train import train_network
from tests.conftest import stripes
from tests.small import SMALL

PREPROCESSING = Preparation(height=12, width=12, colour="grey")


def prepared(count, seed=0):
    pixels, labels = stripes(count, seed=seed)
    return Prepared(pixels, labels.astype(np.int64), np.arange(count))


def train(folder, on_event=silent, validation=True, precision="float32", recipe=SMALL, **changes):
    folder.mkdir(exist_ok=True)
    recipe = find_recipe(recipe).changed({"epochs": 3, "batch_size": 16} | changes, "x").recipe
    held = prepared(30, seed=9) if validation else None
    plan = Plan(recipe, ("a", "b", "c"), PREPROCESSING, 5, precision)
    return train_network(plan, prepared(120), held, Session(folder, on_event))
