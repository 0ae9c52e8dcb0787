import json
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import tellapart
from tellapart.errors import ModelFileError, UsageError
from tellapart.progress import Note, silent
from tests.conftest import make_collection

FILES = Path(__file__).parent.parent / "files"
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def names(tmp_path, words):
    path = tmp_path / "classes.txt"
    path.write_text("\n".join(words) + "\n")
    return path


def test_a_tutorials_file_is_adopted_evaluated_and_explained(tmp_path):
    """The second tutorial's own model.h5, of Keras 2, trained on pixels divided by 255."""
    out = tmp_path / "digits.keras"
    found = tellapart.adopt(
        FILES / "keras2-digits.h5", classes=names(tmp_path, DIGITS), preprocessing=["range=0..1"], output=out,
        on_event=silent,
    )  # fmt: skip
    assert found.path == out
    pixels = np.random.default_rng(1).random((2, 28, 28, 1)).astype("float32")
    with np.load(FILES / "keras2-answers.npz") as known:
        wanted = known["digits"]
    classifier = tellapart.load(out)
    assert classifier.class_names == tuple(DIGITS)
    network = classifier.network
    assert np.allclose(np.asarray(network(pixels * 255, training=False)), wanted, atol=1e-5)
    whole = np.rint(pixels * 255).astype(np.uint8)
    near = np.asarray(network(whole.astype("float32"), training=False))
    assert np.allclose(classifier.probabilities(whole), near, atol=1e-5)
    picture = whole[0, :, :, 0]
    assert classifier.predict(picture).label == DIGITS[near[0].argmax()]
    found = tellapart.explain(out, picture, output=tmp_path / "why.png", on_event=silent)
    assert (tmp_path / "why.png").stat().st_size > 1000


def train_elsewhere(tmp_path, rescaled=False, logits=False):
    data = make_collection(90)
    pixels = data.pictures.array.astype("float32")
    keras.utils.set_random_seed(0)
    layers = [keras.Input(pixels.shape[1:]), *([keras.layers.Rescaling(1 / 255)] if rescaled else [])]
    layers += [keras.layers.Conv2D(8, 3, activation="relu"), keras.layers.GlobalMaxPooling2D()]
    network = keras.Sequential([*layers, keras.layers.Dense(3, activation=None if logits else "softmax")])
    network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=logits))
    network.fit(pixels / (1 if rescaled else 255), data.labels, epochs=2, verbose=0)
    path = tmp_path / "elsewhere.keras"
    network.save(path)
    return data, pixels, network, path


@pytest.mark.parametrize("rescaled", (False, True))
@pytest.mark.parametrize("logits", (False, True))
def test_it_answers_as_it_did_elsewhere(tmp_path, rescaled, logits):
    data, pixels, network, path = train_elsewhere(tmp_path, rescaled, logits)
    notes = []
    found = tellapart.adopt(
        path, classes=names(tmp_path, data.class_names), preprocessing=[] if rescaled else ["range=0..1"], data=data,
        on_event=notes.append,
    )  # fmt: skip
    assert found.path == tmp_path / "elsewhere-adopted.keras"
    wanted = np.asarray(network(pixels if rescaled else pixels / 255, training=False))
    wanted = np.asarray(keras.ops.softmax(wanted)) if logits else wanted
    assert np.allclose(found.model.probabilities(data.pictures.array), wanted, atol=1e-5)
    said = [event.text for event in notes if isinstance(event, Note)]
    assert any("a softmax is added" in text for text in said) == logits
    assert json.loads(json.dumps(found.to_dict()))["classes"] == list(data.class_names)
    assert "tellapart evaluate" in str(found)


def test_what_does_not_fit_is_named(tmp_path):
    data, _, _, path = train_elsewhere(tmp_path)
    classes = names(tmp_path, data.class_names)

    def adopt(**options):
        asked = {"classes": classes, "preprocessing": ["range=0..1"]} | options
        return tellapart.adopt(
            options.pop("model", path), **{k: v for k, v in asked.items() if k != "model"}, on_event=silent
        )

    with pytest.raises(UsageError, match="does not state the range of pixels that it was trained on"):
        adopt(preprocessing=[])
    with pytest.raises(UsageError, match=r"--preprocessing range=0\.\.2"):
        adopt(preprocessing=["range=0..2"])
    with pytest.raises(UsageError, match="--preprocessing size=big"):
        adopt(preprocessing=["range=0..1", "size=big"])
    with pytest.raises(ModelFileError, match="its input is 12 x 12, not 3 x 3"):
        adopt(preprocessing=["range=0..1", "size=3"])
    with pytest.raises(UsageError, match="--preprocessing colour=grey"):
        adopt(preprocessing=["colour=grey"])
    with pytest.raises(UsageError, match="--preprocessing fit=squash\n  expected: stretch, crop or pad"):
        adopt(preprocessing=["range=0..1", "fit=squash"])
    with pytest.raises(UsageError, match=r"has 10 class names, but .*elsewhere.keras has 3 outputs"):
        adopt(classes=names(tmp_path, DIGITS))
    names(tmp_path, data.class_names)
    with pytest.raises(UsageError, match="already exists"):
        adopt(output=path)
    with pytest.raises(UsageError, match=r"does not end in \.keras"):
        adopt(output=tmp_path / "a.h5")
    with pytest.raises(ModelFileError, match="it is not a Keras model"):
        adopt(model=classes)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["classes.txt", "elsewhere.keras"]


def test_several_answers_at_once_are_no_classes(tmp_path):
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3, "sigmoid")])
    network.save(tmp_path / "a.keras")
    with pytest.raises(UsageError, match="its 3 outputs come from a sigmoid"):
        tellapart.adopt(
            tmp_path / "a.keras", classes=names(tmp_path, "abc"), preprocessing=["range=0..1"], on_event=silent
        )


def test_a_class_name_that_stands_twice_is_refused(tmp_path):
    _, _, _, path = train_elsewhere(tmp_path, rescaled=True)
    with pytest.raises(UsageError, match="two classes are named 'crane'"):
        tellapart.adopt(path, classes=["crane", "crane", "owl"], on_event=silent)
    assert [file.name for file in tmp_path.iterdir()] == ["elsewhere.keras"]


def test_a_model_that_is_not_there_is_what_the_error_is_about(tmp_path):
    with pytest.raises(ModelFileError, match=r"none.h5: cannot be read"):
        tellapart.adopt(tmp_path / "nowhere" / "none.h5", classes=["a", "b"], on_event=silent)


def test_a_range_beside_the_networks_own_rescaling_is_said(tmp_path):
    _, _, _, path = train_elsewhere(tmp_path, rescaled=True)
    notes = []
    tellapart.adopt(path, classes=["a", "b", "c"], preprocessing=["range=0..1"], on_event=notes.append)
    assert any("the network rescales pixels too" in note.text for note in notes if isinstance(note, Note))


def written_by_keras_2(network, path, **changes):
    """An .h5 file of a network with options in its description that Keras 2 writes, by classes of layers."""
    network.save(path)
    with h5py.File(path, "r+") as file:
        content = json.loads(file.attrs["model_config"])
        for layer in content["config"]["layers"]:
            layer["config"] |= changes.get(layer["class_name"], {})
        file.attrs["model_config"] = json.dumps(content)
        file.attrs["keras_version"] = "2.15.0"
    return path


def test_options_as_keras_2_writes_them(tmp_path):
    """Convolutions of one group, and axes that are counted from the front; a mean and variance of its own pixels."""
    layers, data = keras.layers, make_collection(90)
    pixels = data.pictures.array.astype("float32")
    normalization = layers.Normalization()
    normalization.adapt(pixels)
    network = keras.Sequential(
        [
            keras.Input(pixels.shape[1:]),
            normalization,
            layers.DepthwiseConv2D(3),
            layers.SeparableConv2D(8, 3, activation="relu"),
            layers.Conv2DTranspose(4, 2, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(16),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    one = {"groups": 1}
    path = written_by_keras_2(
        network, tmp_path / "model.h5", DepthwiseConv2D=one, SeparableConv2D=one, Conv2DTranspose=one,
        BatchNormalization={"axis": [1]},
    )  # fmt: skip
    found = tellapart.adopt(path, classes=names(tmp_path, data.class_names), data=data, on_event=silent)
    wanted = np.asarray(network(pixels, training=False))
    assert np.allclose(found.model.probabilities(data.pictures.array), wanted, atol=1e-4)
    assert wanted.std() > 0.01
    transposed = next(layer for layer in found.model.record.layers if layer.kind == "Conv2DTranspose")
    assert transposed.operations == 2 * (2 * 2 * 4 * 8) * 8 * 8  # once for each place of what goes in


def test_what_keras_3_computes_otherwise_is_refused(tmp_path):
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2, "hard_sigmoid")])
    path = written_by_keras_2(network, tmp_path / "model.h5")
    with pytest.raises(ModelFileError, match="hard_sigmoid has another slope in Keras 2 than in Keras 3"):
        tellapart.adopt(path, classes=["a", "b"], preprocessing=["range=0..1"], on_event=silent)
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.RandomCrop(6, 6), keras.layers.GlobalMaxPool2D()])
    path = written_by_keras_2(network, tmp_path / "other.h5")
    with pytest.raises(ModelFileError, match="RandomCrop resizes pictures at prediction in Keras 2"):
        tellapart.adopt(path, classes=["a", "b"], preprocessing=["range=0..1"], on_event=silent)


def test_an_axis_that_is_not_the_last_is_refused(tmp_path):
    layers = [keras.layers.BatchNormalization(axis=1), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    keras.Sequential([keras.Input((8, 8, 1)), *layers]).save(tmp_path / "model.keras")
    with pytest.raises(ModelFileError, match=r"uses axis 1 of \(8, 8, 1\), which is not the last"):
        tellapart.adopt(tmp_path / "model.keras", classes=["a", "b"], preprocessing=["range=0..1"], on_event=silent)


@pytest.mark.parametrize("suffix", (".keras", ".h5"))
def test_rows_of_pixels_without_channels_are_grey_pictures(tmp_path, suffix):
    """The beginner's first network of TensorFlow's documentation."""
    data = make_collection(90)
    layers = [keras.layers.BatchNormalization(), keras.layers.Flatten(), keras.layers.Dense(3)]
    network = keras.Sequential([keras.Input((12, 12), name="rows"), *layers])
    path = tmp_path / f"model{suffix}"
    network.save(path)
    if suffix == ".h5":
        written_by_keras_2(network, path, BatchNormalization={"axis": [2]})
    found = tellapart.adopt(
        path, classes=names(tmp_path, data.class_names), preprocessing=["range=0..1"], data=data, on_event=silent
    )
    wanted = np.asarray(keras.ops.softmax(network(data.pictures.array[..., 0] / 255.0)))
    assert np.allclose(found.model.probabilities(data.pictures.array), wanted, atol=1e-5)
    assert found.model.preprocessing.shape == (12, 12, 1)


def test_a_network_without_a_size_of_its_own_needs_one(tmp_path):
    layers = [keras.layers.Conv2D(4, 3), keras.layers.GlobalMaxPooling2D(), keras.layers.Dense(2, "softmax")]
    keras.Sequential([keras.Input((None, None, 3)), *layers]).save(tmp_path / "model.keras")
    with pytest.raises(ModelFileError, match=r"accepts pictures of any size(.|\n)*--preprocessing size=HEIGHTxWIDTH"):
        tellapart.adopt(tmp_path / "model.keras", classes=["a", "b"], preprocessing=["range=0..1"], on_event=silent)


def check_answers(network, path, pixels, **options):
    """Adopt a saved network and compare the answers, also those of the ONNX copy, with those that it gave."""
    network.save(path)
    outputs = network.output_shape[-1]
    found = tellapart.adopt(path, classes=[f"class {i}" for i in range(outputs)], on_event=silent, **options)
    wanted = np.asarray(network(options.pop("wanted", pixels).astype(np.float32), training=False))
    assert np.allclose(found.model.probabilities(pixels), wanted, atol=1e-5)
    assert np.allclose(np.asarray(found.model.network(pixels.astype(np.float32), training=False)), wanted, atol=1e-5)
    return found


def random_weights(network):
    generator = np.random.default_rng(0)
    for variable in network.trainable_variables:
        variable.assign(generator.normal(0, 0.3, variable.shape))
    return network


def small(preprocess, size=(16, 16)):
    """A network as the guide to transfer learning makes it."""
    layers = keras.layers
    inputs = keras.Input((*size, 3))
    x = preprocess(layers.RandomFlip("horizontal")(inputs))
    inner = keras.Sequential([keras.Input((*size, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()])
    return random_weights(keras.Model(inputs, layers.Dense(3, "softmax")(inner(x, training=False))))


COLOURS = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), np.uint8)


@pytest.mark.parametrize("ending", (".keras", ".h5"))
@pytest.mark.parametrize("module", ("mobilenet_v2", "densenet", "resnet"))
def test_preprocessing_inside_the_network_is_adopted(module, ending, tmp_path):
    network = small(getattr(keras.applications, module).preprocess_input)
    check_answers(network, tmp_path / f"a{ending}", COLOURS)


@pytest.mark.parametrize("ending", (".keras", ".h5"))
@pytest.mark.parametrize(("name", "module"), (("torch", "densenet"), ("caffe", "vgg16"), ("-1..1", "xception")))
def test_preprocessing_outside_of_the_network_is_named(name, module, ending, tmp_path):
    network = small(lambda x: x)
    path = tmp_path / f"a{ending}"
    network.save(path)
    found = tellapart.adopt(path, classes=["a", "b", "c"], preparation=[f"range={name}"], on_event=silent)
    inputs = getattr(keras.applications, module).preprocess_input(COLOURS.astype(np.float32))
    wanted = np.asarray(network(inputs, training=False))
    assert np.allclose(found.model.probabilities(COLOURS), wanted, atol=1e-5)


def test_caffes_order_needs_colours(tmp_path):
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")])
    network.save(tmp_path / "a.keras")
    with pytest.raises(UsageError, match=r"range=caffe\n  expected: for a network of RGB pictures"):
        tellapart.adopt(tmp_path / "a.keras", classes=["a", "b", "c"], preprocessing=["range=caffe"], on_event=silent)


@pytest.mark.parametrize("ending", (".keras", ".h5"))
def test_layers_of_applications_are_replaced(ending, tmp_path):
    """ConvNeXt's LayerScale among depthwise convolutions, and Inception-ResNet's scaled sum, in a nested network."""
    from keras.src.applications.convnext import LayerScale
    from keras.src.applications.inception_resnet_v2 import CustomScaleLayer

    layers = keras.layers
    inputs = keras.Input((16, 16, 3))
    x = layers.DepthwiseConv2D(3, padding="same")(inputs / 255.0)
    x = layers.Conv2D(3, 3, groups=3)(x)
    x = layers.DepthwiseConv2D(1)(layers.Conv2D(3, 1)(LayerScale(0.1, 3)(x)))
    x = CustomScaleLayer(0.17)([x, LayerScale(0.2, 3)(layers.LayerNormalization()(x))])
    inner = keras.Model(inputs, x, name="inner")
    outer = keras.Input((16, 16, 3))
    y = LayerScale(0.3, 3)(inner(outer))
    network = keras.Model(outer, layers.Dense(3, "softmax")(layers.GlobalMaxPooling2D()(y)))
    check_answers(random_weights(network), tmp_path / f"a{ending}", COLOURS, preprocessing=["range=0..255"])


def test_mobilenet_v3_is_adopted(tmp_path):
    network = keras.applications.MobileNetV3Small(weights=None, input_shape=(32, 32, 3), alpha=0.35, classes=3)
    check_answers(network, tmp_path / "a.keras", np.concatenate([COLOURS.repeat(2, 1).repeat(2, 2)]))


def test_a_network_of_any_size_is_adopted(tmp_path):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3)(inputs / 255.0)
    network = keras.Model(inputs, keras.layers.Dense(3, "softmax")(keras.layers.GlobalMaxPooling2D()(x)))
    found = check_answers(random_weights(network), tmp_path / "a.keras", COLOURS, preprocessing=["size=16"])
    assert found.model.preprocessing.shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("lines", "names"),
    (
        (["0 cat", "1 dog"], ("cat", "dog")),
        (["0: cat", "1: dog"], ("cat", "dog")),
        (["1,cat", "2,dog"], ("cat", "dog")),
        (["1\tdog", "0\tcat"], ("cat", "dog")),
        (["0", "1"], ("0", "1")),
        (["0 cat", "dog"], ("0 cat", "dog")),
        (["5 cents", "10 cents"], ("5 cents", "10 cents")),
        (["2 legs", "4 legs"], ("2 legs", "4 legs")),
    ),
)
def test_numbers_before_class_names_are_left_out(lines, names, tmp_path):
    network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    network.save(tmp_path / "a.keras")
    path, notes = tmp_path / "labels.txt", []
    path.write_text("\n".join(lines))
    options = {"classes": path, "preprocessing": ["range=0..1"], "on_event": notes.append}
    assert tellapart.adopt(tmp_path / "a.keras", **options).model.class_names == names
    said = [note.text for note in notes if isinstance(note, Note) and note.warning]
    assert bool(said) == (list(names) != lines)
    assert not said or "numbers before the class names are left out" in said[0]


def test_what_is_unusual_is_not_called_dangerous(tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(keras.ops.flip(inputs, axis=1))
    keras.Model(inputs, keras.layers.Dense(3, "softmax")(x)).save(tmp_path / "a.keras")
    with pytest.raises(ModelFileError, match="Flip is not on the list") as caught:
        tellapart.adopt(tmp_path / "a.keras", classes=["a", "b", "c"], on_event=silent)
    assert "replace that part" in caught.value.action
    assert "do not use" not in caught.value.action
