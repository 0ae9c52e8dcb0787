import tellapart
from tellapart.recipes.choose import choose_preparation
from tellapart.recipes.find import find_recipe
from tests.conftest import make_collection, write_folder


def chosen(recipe, collection):
    preparation, reason = choose_preparation(find_recipe(recipe).recipe, collection, collection.indices(None))
    return preparation.shape, reason


def test_small_pictures_of_one_size_stay_as_they_are():
    assert chosen("quick", make_collection()) == ((12, 12, 1), "as the pictures are")
    assert chosen("quick", make_collection(channels=3))[0] == (12, 12, 3)


def test_large_or_mixed_ones_are_brought_to_one_size(tmp_path):
    assert chosen("quick", make_collection(size=80))[0] == (64, 64, 1)
    folder = write_folder(tmp_path / "data")
    from PIL import Image

    Image.new("RGB", (20, 30)).save(folder / "down" / "colour.png")
    assert chosen("quick", tellapart.open(folder)) == ((64, 64, 3), "the pictures are larger or of several sizes")


def test_a_recipe_may_insist():
    assert chosen("cats-dogs", make_collection()) == ((64, 64, 3), "the recipe's size")
