import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.recipes.choose import choose_preparation, choose_recipe
from tellapart.recipes.find import find_recipe
from tests.conftest import make_collection, write_folder
from tests.photos import photo


def chosen(recipe, collection):
    preprocessing, reason = choose_preparation(find_recipe(recipe).recipe, collection, collection.indices(None))
    return preprocessing.shape, reason


def coloured(collection):
    collection.pictures.array[..., 0] //= 2
    return collection


def test_small_pictures_of_one_size_stay_as_they_are():
    assert chosen("quick", make_collection()) == ((12, 12, 1), "the pictures' size")
    assert chosen("quick", coloured(make_collection(channels=3)))[0] == (12, 12, 3)


def test_large_or_mixed_ones_are_brought_to_one_size(tmp_path):
    assert chosen("quick", make_collection(size=80))[0] == (64, 64, 1)
    folder = write_folder(tmp_path / "data")
    Image.new("RGB", (20, 30), "red").save(folder / "down" / "colour.png")
    assert chosen("quick", tellapart.open(folder)) == ((64, 64, 3), "the pictures are larger or of several sizes")


def test_a_recipe_may_insist():
    assert chosen("cats-dogs", make_collection()) == ((64, 64, 3), "the recipe's size")


def photos(tmp_path, *sizes, count=12, colour=True):
    """Class folders of noise, in turn of each size (width, height)."""
    rng = np.random.default_rng(0)
    for i in range(count):
        home = tmp_path / "photos" / "ab"[i % 2]
        home.mkdir(parents=True, exist_ok=True)
        width, height = sizes[i // 2 % len(sizes)]
        noise = rng.integers(0, 256, (height, width, 3 if colour else 1), np.uint8)
        Image.fromarray(np.broadcast_to(noise, (height, width, 3)).copy()).save(home / f"{i}.png")
    return tellapart.open(tmp_path / "photos")


def test_pictures_without_colour_are_taken_as_grey(tmp_path):
    shape, reason = chosen("quick", photos(tmp_path, (40, 40), colour=False))
    assert shape == (40, 40, 1)
    assert reason == "the pictures' size; no colour in the pictures that were sampled"


@pytest.mark.parametrize(
    ("sizes", "size", "fit", "words"),
    (
        (((200, 200),), (128, 128), "stretch", "the pictures are larger or of several sizes"),
        (((128, 128),), (128, 128), "stretch", "the pictures' size"),
        (((100, 110), (110, 100)), (96, 96), "crop", "several sizes; several aspect ratios, cropped to the middle"),
        (((90, 60), (60, 200)), (64, 64), "pad", "aspect ratios up to 3.3 : 1, padded"),
        (((48, 48),), (48, 48), "stretch", "the pictures' size"),
    ),
)
def test_size_and_fit_of_photos_follow_the_pictures(tmp_path, sizes, size, fit, words):
    collection = photos(tmp_path, *sizes)
    preprocessing, reason = choose_preparation(find_recipe("photos").recipe, collection, collection.indices(None))
    assert (preprocessing.height, preprocessing.width) == size
    assert preprocessing.fit == fit
    assert words in reason


def test_very_many_photos_or_little_time_make_them_smaller(tmp_path):
    collection, recipe = photos(tmp_path, (200, 200)), find_recipe("photos").recipe
    for count, minutes, side in ((6_000, None, 128), (9_000, None, 96), (50_000, None, 64), (3_000, 2, 64)):
        among = np.arange(count) % len(collection)
        preprocessing, reason = choose_preparation(recipe, collection, among, minutes)
        assert preprocessing.height == side
        assert ("--set side=128" in reason) == (side != 128)
    preprocessing, _ = choose_preparation(recipe.model_copy(update={"side": 160}), collection, among)
    assert preprocessing.height == 160


def test_enlarged_photos_are_brought_back_to_what_they_show(tmp_path):
    recipe = find_recipe("photos").recipe
    for i in range(12):
        small = Image.fromarray(photo(i)).resize((32, 32), Image.Resampling.LANCZOS)
        home = tmp_path / "photos" / "ab"[i % 2]
        home.mkdir(parents=True, exist_ok=True)
        small.resize((128, 128), Image.Resampling.LANCZOS).save(home / f"{i}.png")
    collection = tellapart.open(tmp_path / "photos")
    preprocessing, reason = choose_preparation(recipe, collection, collection.indices(None))
    assert preprocessing.shape == (32, 32, 3)
    assert "the pictures are no sharper than 32 x 32" in reason
    asked = recipe.model_copy(update={"side": 96})
    assert choose_preparation(asked, collection, collection.indices(None))[0].shape == (96, 96, 3)


def test_the_recipe_follows_the_pictures(tmp_path):
    assert choose_recipe(make_collection(), np.arange(36))[0] == "quick"
    collection = photos(tmp_path, (70, 64), (200, 100))
    name, reason = choose_recipe(collection, collection.indices(None))
    assert (name, reason) == ("photos", "for photos: half of them have a side of at least 82 pixels")
    name, reason = choose_recipe(collection, np.arange(8_000) % 12, minutes=1)
    assert name == "quick"
    assert "1 min are too short for the recipe photos" in reason
    assert choose_recipe(collection, np.arange(8_000) % 12, minutes=10)[0] == "photos"


@pytest.mark.parametrize(
    ("size", "colour", "count", "name"),
    ((32, True, 40, "features"), (32, False, 40, "quick"), (20, True, 40, "quick"), (32, True, 10_001, "quick")),
)
def test_few_small_pictures_in_colour_start_from_a_backbone(tmp_path, size, colour, count, name):
    collection = photos(tmp_path, (size, size), colour=colour)
    among = np.arange(count) % len(collection)
    assert choose_recipe(collection, among, backbone="efficientnet-lite0")[0] == name
    assert choose_recipe(collection, among)[0] == "quick"
