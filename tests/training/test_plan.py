import json

from tellapart.data.split_table import make_splits
from tellapart.images.preprocessing import Preparation
from tellapart.recipes.find import find_recipe
from tellapart.training.plan import Decided, make_plan
from tests.conftest import make_collection

OPTIONS = {"seed": 7, "classes": None, "minutes": 2.5, "folds": None, "max_error_rate": 0.01, "deterministic": True}


def plan():
    collection = make_collection(60, splits=False)
    found = find_recipe("quick").changed({"epochs": 3}, "--set")
    preprocessing = Preparation(height=12, width=12, colour="grey")
    decided = Decided(
        found.for_data(40, preprocessing.shape),
        preprocessing,
        "float32",
        "tensorflow 2.21.0",
        {"name": "efficientnet-lite0"},
    )
    table = make_splits(collection, seed=7)
    return make_plan(OPTIONS, collection, table, found, decided), collection, table


def test_a_plan_comes_back_from_its_run_json():
    made, _, _ = plan()
    record = json.loads(json.dumps(made.to_record()))
    again = type(made).from_record(record, made.recipe)
    assert again.to_record() == record
    assert (again.seed, again.precision, again.class_names) == (7, "float32", ("across", "down", "squares"))
    assert (again.minutes, again.folds, again.max_error_rate, again.deterministic) == (2.5, None, 0.01, True)


def test_another_recipe_changes_nothing_else():
    made, _, _ = plan()
    smaller = made.with_recipe(made.recipe.model_copy(update={"batch_size": 4}))
    before, after = made.to_record(), smaller.to_record()
    assert after.pop("recipe")["batch_size"] == 4
    before.pop("recipe")
    assert after == before


def test_the_model_file_keeps_enough_to_find_the_test_split():
    made, collection, table = plan()
    kept = made.for_model_file(collection, table)
    assert kept["data"]["fingerprint"] == collection.fingerprint
    assert kept["split"] == table.pack()
    assert kept["backbone"] == {"name": "efficientnet-lite0"}
    assert sum(kept["class_counts"]) == len(table.indices("train"))
