"""Build the Keras model of a recipe, and check its layers and outputs."""

from __future__ import annotations

import json

import numpy as np

from tellapart.errors import RecipeError
from tellapart.networks.backend import keras
from tellapart.networks.description import read_description
from tellapart.networks.inside import every_layer, give_weights, layers_of
from tellapart.networks.spec import NotAllowedError, build
from tellapart.recipes.recipe import Recipe


def build_network(recipe: Recipe, shape: tuple[int, int, int], classes: int) -> keras.Model:
    """The recipe's network for pictures of `shape` (height, width, channels), with the recipe's dropout rate.

    Raises RecipeError if the network is for another number of classes, cannot be built for the shape, has a layer that
    stock Keras does not have, or does not turn pixels [n, *shape] into probabilities [n, classes] (or [n, 1] for two
    classes).
    """
    recipe.check_classes(classes)
    try:
        network = recipe.network(shape, classes, *([recipe.backbone] if recipe.backbone else []))
    except RecipeError:
        raise
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise RecipeError(
            f"the recipe {recipe.name} cannot be built for pictures of {shape} and {classes} classes ({reason})",
            "a network that fits the pictures",
            "use another recipe, or a larger size (--size)",
        ) from error
    if not isinstance(network, keras.Model):
        raise RecipeError(f"network() of {recipe.name} returned a {type(network).__name__}", "a keras.Model", "")
    _check_layers(network, recipe.name)
    if recipe.dropout is not None:
        network = _with_dropout(network, recipe.dropout, recipe.name)
    _check_output(network, recipe.name, shape, classes)
    return network


def _with_dropout(network: keras.Model, rate: float, name: str) -> keras.Model:
    """The network with `rate` in every dropout layer; without one, with a new dropout layer before the last weights."""

    def changed(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        return type(layer).from_config(config | {"rate": rate} if isinstance(layer, keras.layers.Dropout) else config)

    if any(isinstance(layer, keras.layers.Dropout) for layer in layers_of(network)):
        other = keras.models.clone_model(network, clone_function=changed, recursive=True)
        give_weights(other, network.get_weights())  # they may be pretrained
        return other
    if not rate:
        return network
    last = max((i for i, layer in enumerate(network.layers) if layer.weights), default=len(network.layers) - 1)
    try:
        x = keras.layers.Dropout(rate)(network.layers[last].input)
        for layer in network.layers[last:]:  # the last weights and the activation
            x = layer(x)
        return keras.Model(network.inputs[0], x)
    except Exception as error:  # Keras raises many types if these layers are not a chain
        raise RecipeError(
            f"the recipe {name}: dropout={rate:g} cannot be applied: the network has no Dropout layer, and one "
            "cannot be inserted before its last weights",
            "a network with a Dropout layer",
            "add keras.layers.Dropout to the network, or do not set dropout",
        ) from error


def _check_layers(network: keras.Model, name: str) -> None:
    """Raise RecipeError for layers that need the author's code: the saved file has to open anywhere."""
    for layer in every_layer(network):
        if not type(layer).__module__.startswith("keras.") or isinstance(layer, keras.layers.Lambda):
            raise RecipeError(
                f"the network of {name} has the layer {layer.name!r} of type {type(layer).__name__}",
                "layers that come with Keras, and no Lambda, so that the saved file opens anywhere",
                "build it from keras.layers",
            )
    try:
        rebuilt = build(read_description(json.dumps(keras.saving.serialize_keras_object(network))))
        shapes = [[tuple(weight.shape) for weight in model.weights] for model in (network, rebuilt)]
        if shapes[0] != shapes[1]:
            raise NotAllowedError("its weights get other shapes")
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise RecipeError(
            f"the network of {name} cannot be rebuilt from its description ({reason})",
            "a Sequential or Functional model of the layers that docs/model.md lists, so that the saved file opens "
            "anywhere",
            "",
        ) from error


def _check_output(network: keras.Model, name: str, shape: tuple[int, int, int], classes: int) -> None:
    wanted = f"probabilities of shape [n, {classes}]" + (" or [n, 1]" if classes == 2 else "")
    probe = np.random.default_rng(0).integers(0, 256, (4, *shape)).astype(np.float32)
    probe[0] = 0  # noise can saturate every sigmoid, and a single one may then be 1 by chance
    try:
        output = keras.ops.convert_to_numpy(network(probe, training=False))
    except Exception as error:
        raise RecipeError(
            f"the network of {name} does not take pictures of {shape} ({str(error).splitlines()[0][:160]})",
            f"pixels of shape [n, {', '.join(map(str, shape))}] in, {wanted} out",
            "start it with keras.Input(shape)",
        ) from error
    if output.shape not in ((4, classes), *([(4, 1)] if classes == 2 else [])):
        raise RecipeError(
            f"the network of {name} gives an output of shape [n, {', '.join(map(str, output.shape[1:]))}]",
            wanted,
            f"end it with keras.layers.Dense({classes}, activation='softmax')",
        )
    sums = output.sum(axis=1)
    if output.min() < 0 or output.max() > 1 + 1e-3 or (output.shape[1] > 1 and np.abs(sums - 1).max() > 1e-3):
        raise RecipeError(
            f"the network of {name} gives {output.min():.3g} to {output.max():.3g}, which are not probabilities",
            f"{wanted}, between 0 and 1, with sum 1",
            "end it with activation='softmax' (or 'sigmoid' for one output)",
        )
