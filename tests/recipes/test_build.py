import keras
import numpy as np
import pytest

from tellapart.errors import RecipeError
from tellapart.networks.inside import layers_of
from tellapart.recipes.build import build_network
from tellapart.recipes.find import find_recipe
from tellapart.recipes.recipe import Recipe

layers = keras.layers


def recipe_of(*inner, **fields):
    return Recipe(name="own", network=lambda shape, classes: keras.Sequential([keras.Input(shape), *inner]), **fields)


def head(classes=3, activation="softmax"):
    return layers.Flatten(), layers.Dense(classes, activation=activation)


def test_a_good_network():
    assert build_network(recipe_of(*head()), (4, 4, 1), 3).output_shape == (None, 3)
    assert build_network(recipe_of(*head(1, "sigmoid")), (4, 4, 1), 2).output_shape == (None, 1)


@pytest.mark.parametrize(
    ("inner", "words"),
    (
        (head(4), r"gives an output of shape \[n, 4\]"),
        (head(1, "sigmoid"), r"gives an output of shape \[n, 1\]"),
        (head(3, None), "are not probabilities"),
        (head(3, "sigmoid"), "are not probabilities"),
        ((layers.Lambda(lambda x: x), *head()), "of type Lambda"),
        ((layers.Conv2D(4, 9), *head()), "cannot be built for pictures of"),
    ),
)
def test_faulty_networks(inner, words):
    with pytest.raises(RecipeError, match=words):
        build_network(recipe_of(*inner), (4, 4, 1), 3)


def test_what_network_returns():
    with pytest.raises(RecipeError, match="returned a NoneType"):
        build_network(Recipe(name="own", network=lambda shape, classes: None), (4, 4, 1), 3)
    with pytest.raises(RecipeError, match="is for 2 classes, and the data has 3"):
        build_network(find_recipe("cats-dogs").recipe, (64, 64, 3), 3)


def test_own_layers_are_refused():
    class Own(layers.Layer):
        def call(self, x):
            return x

    with pytest.raises(RecipeError, match="of type Own"):
        build_network(recipe_of(Own(), *head()), (4, 4, 1), 3)


def test_dropout_is_set_or_put_before_the_head():
    rates = [
        layer.rate
        for layer in build_network(find_recipe("lenet").changed({"dropout": 0.6}, "x").recipe, (28, 28, 1), 3).layers
        if isinstance(layer, layers.Dropout)
    ]
    assert rates == [0.6]
    network = build_network(recipe_of(*head(), dropout=0.4), (4, 4, 1), 3)
    assert isinstance(network.layers[-2], layers.Dropout)
    pixels = np.ones((1, 4, 4, 1), np.float32)
    assert np.isfinite(network(pixels)).all()


def own_activation(x):
    return x * 2


def test_what_stock_keras_could_not_open_is_refused_before_training():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(3, activation="softmax")

        def call(self, x):
            return self.dense(keras.ops.reshape(x, (-1, 16)))

    with pytest.raises(RecipeError, match="of type Own"):
        build_network(Recipe(name="own", network=lambda shape, classes: Own()), (4, 4, 1), 3)
    with pytest.raises(RecipeError, match="of type Own"):
        build_network(recipe_of(Own()), (4, 4, 1), 3)
    with pytest.raises(RecipeError, match="cannot be rebuilt from its description"):
        build_network(recipe_of(layers.Flatten(), layers.Dense(4, activation=own_activation), *head()), (4, 4, 1), 3)


def test_a_dropout_of_nothing_can_be_raised():
    network = build_network(recipe_of(layers.Dropout(0.0), *head(), dropout=0.3), (4, 4, 1), 3)
    ones = np.ones((8, 4, 4, 1), np.float32)
    first, second = (np.asarray(network(ones, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)


def test_a_dropout_rate_keeps_the_weights_that_the_network_came_with():
    def network(shape, classes):
        made = keras.Sequential([keras.Input(shape), layers.Dropout(0.1), *head()])
        made.set_weights([np.full_like(weight, 0.25) for weight in made.get_weights()])
        return made

    built = build_network(Recipe(name="own", network=network, dropout=0.5), (4, 4, 1), 3)
    assert all((weight == 0.25).all() for weight in built.get_weights())


def test_a_dropout_rate_keeps_what_normalises_pixels():
    normalization = layers.Normalization()
    normalization.adapt(np.random.default_rng(0).normal(100, 20, (9, 4, 4, 1)))
    own = keras.Sequential([keras.Input((4, 4, 1)), normalization, layers.Dropout(0.1), *head()])
    built = build_network(Recipe(name="own", network=lambda shape, classes: own, dropout=0.5), (4, 4, 1), 3)
    pixels = np.full((2, 4, 4, 1), 120.0, np.float32)
    assert np.allclose(np.asarray(built(pixels)), np.asarray(own(pixels)), atol=1e-6)


def test_dropout_within_an_inner_model_is_set():
    inner = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten(), layers.Dropout(0.5)])
    made = build_network(recipe_of(inner, layers.Dense(3, activation="softmax"), dropout=0.1), (4, 4, 1), 3)
    assert [layer.rate for layer in layers_of(made) if isinstance(layer, keras.layers.Dropout)] == [0.1]


def test_dropout_comes_before_the_last_weights():
    made = build_network(recipe_of(layers.Flatten(), layers.Dense(3), layers.Softmax(), dropout=0.1), (4, 4, 1), 3)
    assert [type(layer).__name__ for layer in made.layers] == ["InputLayer", "Flatten", "Dropout", "Dense", "Softmax"]


def test_a_dropout_rate_for_a_network_of_two_heads_is_refused_in_words():
    def network(shape, classes):
        inputs = keras.Input(shape)
        x = layers.Flatten()(inputs)
        heads = [layers.Dense(classes, activation="softmax")(x) for _ in range(2)]
        return keras.Model(inputs, layers.Average()(heads))

    assert build_network(Recipe(name="own", network=network), (4, 4, 1), 3).output_shape == (None, 3)
    with pytest.raises(RecipeError, match=r"dropout=0.5 cannot be applied"):
        build_network(Recipe(name="own", network=network, dropout=0.5), (4, 4, 1), 3)
