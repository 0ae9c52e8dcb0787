"""Keras models that were trained elsewhere answer here as they did there."""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from tellapart.classifier.sandbox.keras_file import read_keras_file
from tellapart.errors import ModelFileError
from tellapart.networks.description import read_description
from tellapart.networks.spec import NotAllowedError
from tests import hostile_models

FILES = Path(__file__).parents[2] / "files"
make = keras.layers


def answers(network, pixels):
    return np.asarray(network(pixels, training=False))


@pytest.mark.parametrize("name", ("digits.h5", "cats-dogs.h5", "residual.keras"))
def test_files_of_keras_2(name):
    """The tutorials' networks, narrow, saved by Keras 2 (tf_keras 2.21); what it answered lies beside them."""
    network = read_keras_file(FILES / f"keras2-{name}").network()
    pixels = np.random.default_rng(1).random((2, *network.input_shape[1:])).astype("float32")
    with np.load(FILES / "keras2-answers.npz") as known:
        assert np.allclose(answers(network, pixels), known[name.split(".")[0]], atol=1e-6)


def chain():
    return keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            make.Rescaling(1 / 255),
            make.ZeroPadding2D(((1, 0), (2, 1))),
            make.Conv2D(8, 3, strides=2, activation="relu"),
            make.BatchNormalization(scale=False),
            make.LeakyReLU(0.2),
            make.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
            make.Conv2DTranspose(4, 3, strides=2),
            make.AveragePooling2D(2, padding="same"),
            make.LayerNormalization(),
            make.Dropout(0.5),
            make.Reshape((-1, 4)),
            make.Permute((2, 1)),
            make.Flatten(),
            make.Dense(6, activation="gelu"),
            make.Dense(3),
            make.Softmax(),
        ]
    )


def graph():
    inputs = keras.Input((32, 32, 3))
    x = make.Normalization(mean=[100.0, 110.0, 120.0], variance=[400.0, 500.0, 600.0])(inputs)
    x = make.RandomFlip("horizontal")(x)
    x = make.Resizing(24, 24)(x)
    inner = keras.Sequential([keras.Input((24, 24, 8)), make.Conv2D(8, 3, padding="same"), make.BatchNormalization()])
    first = make.Conv2D(8, 3, padding="same", kernel_regularizer="l2")(x)
    twice = inner(inner(first))
    x = make.Concatenate()([make.Add()([first, twice]), make.Multiply()([first, twice]), first])
    x = make.PReLU(shared_axes=[1, 2])(make.SeparableConv2D(8, 3)(x))
    x = make.GroupNormalization(4)(make.UpSampling2D()(make.Cropping2D(2)(x)))
    x = make.Average()([make.GlobalAveragePooling2D()(x), make.GlobalMaxPooling2D()(x)])
    return keras.Model(inputs, make.Dense(1, activation="sigmoid")(x))


def one_within_another():
    inputs = keras.Input((8, 8, 3))
    inside = keras.Input((8, 8, 3))
    body = keras.Model(inside, make.Add()([make.Conv2D(3, 1)(inside), inside]), name="body")
    return keras.Model(inputs, make.Dense(4, activation="softmax")(make.Flatten()(body(inputs))))


@pytest.mark.parametrize("suffix", ("keras", "h5"))
@pytest.mark.parametrize("build", (chain, graph, one_within_another))
def test_files_of_keras_3(build, suffix, tmp_path):
    keras.utils.set_random_seed(3)
    network = build()
    network.compile("adam", "mse")  # what belongs to training is passed over
    rng = np.random.default_rng(0)
    network.set_weights([np.abs(rng.normal(size=one.shape, scale=0.3)) + 0.05 for one in network.get_weights()])
    path = tmp_path / f"model.{suffix}"
    network.save(path)
    again = read_keras_file(path).network()
    pixels = rng.integers(0, 256, (3, *network.input_shape[1:])).astype("float32")
    assert np.allclose(answers(again, pixels), answers(network, pixels), atol=1e-6)
    assert again.count_params() == network.count_params()


def test_a_file_goes_by_its_content(tmp_path):
    network = chain()
    network.save(tmp_path / "model.keras")
    (tmp_path / "model.h5").write_bytes((tmp_path / "model.keras").read_bytes())
    assert read_keras_file(tmp_path / "model.h5").network().count_params() == network.count_params()


def test_weights_alone_and_models_of_ours_are_told_apart(tmp_path, stripes_run):
    network = chain()
    network.save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(ModelFileError, match="it contains only weights"):
        read_keras_file(tmp_path / "model.weights.h5")
    with pytest.raises(ModelFileError, match="is already a tellapart model"):
        read_keras_file(stripes_run.model_path)
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_keras_file(tmp_path / "no.h5")


def test_what_is_called_in_training_mode_is_not_passed_off_as_the_same(tmp_path):
    inputs = keras.Input((8, 8, 1))
    x = make.Dropout(0.5)(inputs, training=True)
    keras.Model(inputs, make.Dense(2)(make.Flatten()(x))).save(tmp_path / "a.keras")
    with pytest.raises(ModelFileError, match="is called with"):
        read_keras_file(tmp_path / "a.keras")


def test_a_frozen_part_keeps_its_weights_in_place(tmp_path):
    """What transfer learning leaves: in `.h5` files the order of weights goes by what was trained."""
    base = keras.Sequential(
        [keras.Input((8, 8, 4)), make.BatchNormalization(), make.ReLU(), make.BatchNormalization(), make.Conv2D(4, 1)]
    )
    base.trainable = False
    network = keras.Sequential([keras.Input((8, 8, 4)), base, make.Flatten(), make.Dense(2)])
    rng = np.random.default_rng(0)
    network.set_weights([rng.random(one.shape) + 0.1 for one in network.get_weights()])
    network.save(tmp_path / "a.h5")
    pixels = rng.random((3, 8, 8, 4)).astype("float32")
    assert np.allclose(
        answers(read_keras_file(tmp_path / "a.h5").network(), pixels), answers(network, pixels), atol=1e-6
    )


def test_grey_pictures_made_rgb_within_the_network(tmp_path):
    inputs = keras.Input((8, 8, 1))
    x = make.Flatten()(make.Concatenate()([inputs, inputs, inputs]))
    keras.Model(inputs, make.Dense(2)(x)).save(tmp_path / "a.keras")
    assert not read_keras_file(tmp_path / "a.keras").rescales


def test_padding_beside_large_dense_layers_is_no_bomb(tmp_path):
    from tellapart.classifier.onnx_copy import make_onnx_copy
    from tellapart.classifier.sandbox.onnx_file import check_onnx

    network = keras.Sequential(
        [keras.Input((96, 96, 1)), make.ZeroPadding2D(1), make.Conv2D(8, 3), make.UpSampling2D(), make.MaxPooling2D(4),
         make.Conv2D(16, 1), make.Flatten(), make.Dense(2)]
    )  # fmt: skip
    assert network.layers[-2].output.shape[1] > 8192
    check_onnx(make_onnx_copy(network), "it")


def test_a_network_called_several_times_is_the_last_of_them(tmp_path):
    inside = keras.Input((4,))
    body = keras.Model(inside, make.Dense(4, activation="tanh")(inside))
    inputs = keras.Input((4,))
    network = keras.Model(inputs, make.Add()([body(body(inputs)), inputs]))
    last = keras.Model(inputs, body(body(body(inputs))))
    numbers = np.random.default_rng(0).random((3, 4)).astype("float32")
    for i, one in enumerate((network, last)):
        one.save(tmp_path / f"{i}.keras")
        assert np.allclose(answers(read_keras_file(tmp_path / f"{i}.keras").network(), numbers), answers(one, numbers))


def test_layers_within_layers_do_not_multiply():
    from tellapart.networks.description import read_description
    from tellapart.networks.spec import NotAllowedError

    def nested(level):
        inputs = keras.Input((4,))
        x, inner = inputs, make.Activation("relu") if level == 0 else nested(level - 1)
        for _ in range(8):
            x = inner(x)
        return keras.Model(inputs, x)

    text = json.dumps(keras.saving.serialize_keras_object(nested(4)))
    with pytest.raises(NotAllowedError, match="called more than"):
        read_description(text)


def test_weights_are_held_to_what_the_network_could_need(tmp_path):
    """The network that a file describes tells what its weights may unpack to."""
    good, padded = tmp_path / "good.keras", tmp_path / "padded.keras"
    keras.Sequential([keras.Input((8, 8, 1)), make.Flatten(), make.Dense(2)]).save(good)
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(padded, "w", zipfile.ZIP_DEFLATED) as target:
        for name in ("config.json", "metadata.json"):
            target.writestr(name, source.read(name))
        target.writestr("model.weights.h5", np.random.default_rng(0).bytes(2**20) * 20)
    with pytest.raises(ModelFileError, match=r"model.weights.h5 unpacks to 20,971,520 bytes, the limit is 16,783,456"):
        read_keras_file(padded)


def test_a_network_that_would_take_hours_for_a_picture():
    convolution = hostile_models.layer("Conv2D", "slow", {"filters": 16, "kernel_size": [512, 512], "padding": "same"})
    large = json.dumps(hostile_models.sequential(convolution)).replace("[null, 8, 8, 1]", "[null, 2048, 2048, 1]")
    assert "2048" in large
    with pytest.raises(NotAllowedError, match=r"up to slow, it takes 17,592,253,153,280 multiplications for a picture"):
        read_description(large)


@pytest.mark.parametrize("before", (0, 1, 2))
def test_rescaling_is_seen_behind_layers_that_keep_the_range(tmp_path, before):
    augment = [make.RandomFlip("horizontal"), make.RandomRotation(0.1)]
    front = [[], augment, [keras.Sequential([make.Resizing(16, 16), *augment])]][before]
    network = keras.Sequential(
        [keras.Input((16, 16, 3)), *front, make.Rescaling(1 / 255), make.Flatten(), make.Dense(2)]
    )
    network.save(tmp_path / "a.keras")
    assert read_keras_file(tmp_path / "a.keras").rescales
    other = keras.Sequential([keras.Input((16, 16, 3)), *front, make.Conv2D(4, 3), make.Rescaling(2.0), make.Flatten()])
    other.save(tmp_path / "b.keras")
    assert not read_keras_file(tmp_path / "b.keras").rescales


def test_an_ending_is_seen_behind_layers_that_keep_it(tmp_path):
    network = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            make.Conv2D(4, 1, activation="softmax"),
            make.GlobalAveragePooling2D(),
            make.Dropout(0.1),
        ]
    )
    network.save(tmp_path / "a.keras")
    assert read_keras_file(tmp_path / "a.keras").ending == "softmax"
    plain = keras.Sequential([keras.Input((16, 16, 3)), make.Conv2D(4, 1), make.GlobalAveragePooling2D()])
    plain.save(tmp_path / "b.keras")
    assert read_keras_file(tmp_path / "b.keras").ending == "linear"


def test_a_normalisation_tells_the_range_by_its_mean_only(tmp_path):
    pixels = np.random.default_rng(0).random((8, 4, 4, 1))
    adapted, other = make.Normalization(), make.Normalization(name="norm")
    adapted.adapt(pixels)
    other.adapt(255 * pixels)
    told = {
        "adapted": (adapted, False),
        "adapted to bytes": (other, True),
        "ones": (make.Normalization(mean=0.5, variance=0.1), False),
        "bytes": (make.Normalization(mean=127.0, variance=900.0), True),
    }
    for name, (layer, rescales) in told.items():
        network = keras.Sequential([keras.Input((4, 4, 1)), layer, make.Flatten(), make.Dense(2)])
        for suffix in ("keras", "h5"):
            network.save(tmp_path / f"{name}.{suffix}")
            assert read_keras_file(tmp_path / f"{name}.{suffix}").rescales is rescales, (name, suffix)
