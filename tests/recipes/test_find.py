import pytest

from tellapart.errors import RecipeError
from tellapart.recipes.find import find_recipe, names
from tellapart.recipes.recipe import Recipe

OWN = """
import keras
from tellapart import Recipe

def network(shape, classes):
    layers = keras.layers
    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(classes, activation="softmax")])
"""


def test_the_library_is_what_lies_in_the_folder():
    assert {"lenet", "fashion-3conv", "fashion-6conv", "digits-2conv", "cats-dogs", "dense", "quick"} <= set(names())


def test_the_tutorials_have_their_own_settings():
    def get(name):
        recipe = find_recipe(name).recipe
        return recipe.optimizer, recipe.learning_rate, recipe.batch_size, recipe.epochs

    assert get("lenet")[:3] == ("adam", 0.001, 200)
    assert get("fashion-3conv") == ("rmsprop", 0.001, 512, 15)
    assert get("fashion-6conv") == ("adam", 0.001, 32, 7)
    assert get("digits-2conv") == ("adadelta", 1.0, 128, 3)
    assert get("cats-dogs") == ("adadelta", 1.0, 32, 25)
    augmentation = find_recipe("cats-dogs").recipe.augmentation
    assert (augmentation.zoom, augmentation.shear, augmentation.flip) == (0.2, 0.2, "horizontal")


def test_toml_changes_a_named_recipe(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text('base = "cats-dogs"\nepochs = 3\noptimizer = "sgd"\n[augmentation]\nzoom = 0.1\n')
    recipe = find_recipe(path).recipe
    assert (recipe.name, recipe.epochs, recipe.optimizer) == ("my", 3, "sgd")
    assert (recipe.augmentation.zoom, recipe.augmentation.shear) == (0.1, 0.2)
    assert recipe.learning_rate == 0.01  # SGD's, not Adadelta's
    path.write_text('base = "quick"\noptimizer = "adam"\n')
    found = find_recipe(path)
    assert (found.recipe.learning_rate, found.has_usual_rate) == (0.001, True)
    assert found.changed({"optimizer": "sgd"}, "--set").recipe.learning_rate == 0.01
    back = found.changed({"optimizer": "muon"}, "--set")
    assert (back.recipe.learning_rate, back.has_usual_rate) == (find_recipe("quick").recipe.learning_rate, False)


def test_what_is_changed_wins_over_what_follows_the_data(tmp_path):
    quick = find_recipe("quick")
    assert quick.for_data(60_000, (28, 28, 1)).epochs != quick.for_data(1000, (8, 8, 1)).epochs
    assert quick.changed({"epochs": 77}, "--set").for_data(60_000, (28, 28, 1)).epochs == 77


def test_small_collections_of_photos_are_looked_at_more_often_and_put_together():
    photos = find_recipe("photos")
    small, large = photos.for_data(2_600, (128, 128, 3)), photos.for_data(7_200, (64, 64, 3))
    assert (small.epochs, small.batch_size, small.augmentation.cutmix) == (67, 64, 0.4)
    assert (large.epochs, large.batch_size, large.augmentation.cutmix) == (24, 128, 0)
    asked = photos.changed(
        {"augmentation": small.augmentation.model_copy(update={"cutmix": 1.0}).model_dump()}, "--set"
    )
    assert asked.for_data(7_200, (64, 64, 3)).augmentation.cutmix == 1


def test_a_python_recipe(tmp_path):
    path = tmp_path / "my.py"
    path.write_text(OWN)
    assert find_recipe(path).recipe.name == "my"
    path.write_text(OWN + '\nRECIPE = Recipe(name="mine", network=network, epochs=2)\n')
    assert (find_recipe(path).recipe.name, find_recipe(path).recipe.epochs) == ("mine", 2)


@pytest.mark.parametrize(
    ("text", "words"),
    (
        ("epochs = 3", "does not name the recipe that it changes"),
        ('base = "quikc"', "base 'quikc' is not a recipe"),
        ('base = "quick"\nepochs = 0', "epochs = 0"),
        ('base = "quick"\nepochs = "many"', "epochs = 'many'"),
        ('base = "quick"\noptimizer = "magic"', "optimizer = 'magic'"),
        ('base = "quick"\n[augmentation]\nblur = 3', "unknown field 'augmentation.blur'"),
        ('base = "quick"\nnetwork = "x"', "changes the field 'network'"),
        ("base = quick", "cannot be read"),
    ),
)
def test_faulty_toml(text, words, tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        find_recipe(path)
    assert str(path) in caught.value.given
    assert words in caught.value.given


@pytest.mark.parametrize(
    ("text", "words"),
    (
        ("import nosuchmodule", "raises ModuleNotFoundError"),
        ("def network(", "raises SyntaxError"),
        ("x = 1", "defines no function 'network'"),
        (OWN + "\nRECIPE = 7", "RECIPE is a int"),
    ),
)
def test_faulty_python(text, words, tmp_path):
    path = tmp_path / "my.py"
    path.write_text(text)
    with pytest.raises(RecipeError) as caught:
        find_recipe(path)
    assert words in caught.value.given


def test_what_is_no_recipe(tmp_path):
    with pytest.raises(RecipeError, match="there is no such file"):
        find_recipe(tmp_path / "none.toml")
    with pytest.raises(RecipeError, match="did you mean lenet"):
        find_recipe("lennet")
    recipe = Recipe(name="x", network=lambda shape, classes: None)
    assert find_recipe(recipe).recipe is recipe


def test_a_field_of_the_augmentation_that_is_changed_leaves_the_others_to_the_data():
    photos = find_recipe("photos")
    asked = photos.changed({"augmentation": {"flip": "none"}}, "--set").for_data(10_000, (128, 128, 3)).augmentation
    untouched = photos.for_data(10_000, (128, 128, 3)).augmentation
    assert untouched.cutmix == 0
    assert asked == untouched.model_copy(update={"flip": "none"})


def test_changes_of_changes_keep_what_they_do_not_name():
    twice = (
        find_recipe("quick")
        .changed({"augmentation": {"zoom": 0.1}}, "a")
        .changed({"augmentation": {"shear": 0.2}}, "b")
    )
    assert (twice.recipe.augmentation.zoom, twice.recipe.augmentation.shear) == (0.1, 0.2)
    assert twice.recipe.augmentation.shift == find_recipe("quick").recipe.augmentation.shift
    named = twice.changed({"name": "mine"}, "c")
    assert (named.recipe.name, named.base) == ("mine", "quick")


def test_none_is_a_word_where_a_field_may_be_none():
    changed = (
        find_recipe("quick").changed({"dropout": 0.2, "views": "none"}, "--set").changed({"dropout": "none"}, "--set")
    )
    assert (changed.recipe.dropout, changed.recipe.views) == (None, "none")
    with pytest.raises(RecipeError, match="epochs = 'none'"):
        find_recipe("quick").changed({"epochs": "none"}, "--set")


ADAPT = """
def adapt(recipe, pictures, shape):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "words"),
    (
        ("recipe.model_copy(update={})", r"adapt\(\) of own returned a NoneType"),
        ("return recipe.epoch", r"adapt\(\) of own raises AttributeError"),
    ),
)
def test_a_faulty_rule_of_ones_own_is_said_to_be_that(tmp_path, body, words):
    path = tmp_path / "own.py"
    path.write_text(OWN + ADAPT.format(body=body))
    with pytest.raises(RecipeError, match=words):
        find_recipe(path).for_data(100, (8, 8, 1))


def test_what_follows_the_data_may_be_none(tmp_path):
    path = tmp_path / "own.py"
    body = 'return recipe.model_copy(update={"dropout": 0.5 if pictures < 2000 else None, "side": None})'
    path.write_text(OWN + ADAPT.format(body=body))
    found = find_recipe(path).followed()
    assert found["dropout"] == [None, 0.5]
    assert found["side"] == [None]


def test_who_turns_mirroring_off_is_not_answered_from_mirrored_pictures():
    found = find_recipe("photos")
    for changes, views in (
        ({"augmentation": {"flip": "none"}}, "shift"),
        ({"augmentation": {"flip": "vertical"}}, "shift"),
        ({"augmentation": {"flip": "none"}, "views": "mirror"}, "mirror"),
        ({"augmentation": {"crop": 0.1}}, "mirror-shift"),
        ({}, "mirror-shift"),
    ):
        assert found.changed(changes, "--set").for_data(5000, (64, 64, 3)).views == views


def test_what_is_no_recipe_in_python():
    with pytest.raises(RecipeError, match="a recipe of type function") as caught:
        find_recipe(lambda shape, classes: None)
    assert "tellapart.Recipe(name=..., network=function)" in caught.value.action


def test_another_optimizer_comes_with_its_usual_rate():
    quick = find_recipe("quick")
    assert quick.changed({"optimizer": "adam"}, "--set").for_data(5_000, (32, 32, 3)).learning_rate == 0.001
    assert quick.changed({"optimizer": "adam", "learning_rate": 0.3}, "--set").recipe.learning_rate == 0.3
    assert quick.changed({"learning_rate": 0.3}, "--set").changed({"optimizer": "sgd"}, "x").recipe.learning_rate == 0.3
    assert quick.changed({"optimizer": "muon"}, "--set").recipe.learning_rate == quick.recipe.learning_rate
    assert quick.changed({"epochs": 3}, "--set").recipe.learning_rate == quick.recipe.learning_rate
