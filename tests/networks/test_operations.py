"""Operations between layers: the network that is built computes the same, and nothing else is let in."""

import json

import keras
import numpy as np
import pytest
from keras import layers, ops

from tellapart.networks.description import read_description
from tellapart.networks.spec import HostileError, NotAllowedError, build

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3)).astype(np.float32)


def rebuilt(network):
    return build(read_description(network.to_json()))


@pytest.mark.parametrize(
    "operation",
    (
        keras.applications.mobilenet_v2.preprocess_input,
        keras.applications.densenet.preprocess_input,
        keras.applications.resnet.preprocess_input,
        lambda x: x / 255.0,
        lambda x: (x - 127.5) / 128,
        lambda x: 1 - x * 2,
        lambda x: -x,
        lambda x: x[..., ::-1],
        lambda x: ops.subtract(x, np.array([1.0, 2.0, 3.0], np.float32)),
        lambda x: ops.cast(x, "float32") + 1,
        lambda x: ops.relu(x - 100) + x,
        lambda x: x * ops.sigmoid(x - 100),
        lambda x: ops.concatenate([x, x / 2], axis=-1),
        lambda x: ops.mean(x, axis=(1, 2)),
        lambda x: layers.ReLU(6.0)(x / 20 + 3.0) * (1 / 6),
    ),
)
def test_the_same_is_computed(operation):
    inputs = keras.Input((12, 12, 3))
    network = keras.Model(inputs, operation(inputs))
    got = np.asarray(rebuilt(network)(PIXELS))
    assert np.allclose(got, np.asarray(network(PIXELS)), rtol=1e-6, atol=1e-4)


def changed(change, operation=lambda x: x / 255.0):
    """The description of a network with an operation, which `change` gets as a dictionary."""
    inputs = keras.Input((12, 12, 3))
    content = json.loads(keras.Model(inputs, operation(inputs)).to_json())
    change(content["config"]["layers"][1])
    return json.dumps(content)


def constant(value):
    return lambda node: node["inbound_nodes"][0]["args"].__setitem__(1, value)


@pytest.mark.parametrize(
    ("change", "words"),
    (
        (lambda node: node.update(module="attacker.ops"), "is not on the list"),
        (lambda node: node.update(module="keras.layers"), "is not on the list"),
        (lambda node: node.update(module=None, class_name="Exp"), "is not on the list"),
        (lambda node: node.update(registered_name="package>TrueDivide"), "registered as"),
        (lambda node: node["config"].update(function="os.system"), "has the option function"),
        (lambda node: node.update(class_name="Custom"), "is not on the list"),
        (lambda node: node.update(class_name="Eval"), "is not on the list"),
        (lambda node: node.update(inbound_nodes=node["inbound_nodes"] * 2), "not called exactly once"),
        (lambda node: node["inbound_nodes"][0].update(kwargs={"out": "/tmp/x"}), "is called with"),
        (lambda node: node["inbound_nodes"][0].update(args=[1, 2]), "is called with"),
        (constant("255"), "computes with 255"),
        (constant(0), "divides by zero"),
        (constant(1e-300), "too small"),
        (constant(float("nan")), "computes with nan"),
        (constant([1.0] * 100_000), "not a number or one for each channel"),
        (constant([1.0, 2.0]), "2 values of scale"),
        (constant({"class_name": "__lambda__", "config": {"code": "x"}}), "computes with"),
        (constant({"class_name": "__tensor__", "config": {"value": [[[["x"]]]]}}), "computes with"),
    ),
)
def test_other_operations_are_refused(change, words):
    with pytest.raises(NotAllowedError, match=words):
        read_description(changed(change))


def test_a_program_is_called_so():
    with pytest.raises(HostileError):
        read_description(changed(lambda node: node.update(module="attacker.ops")))
    with pytest.raises(NotAllowedError) as caught:
        read_description(changed(lambda node: node.update(class_name="Attention", module="keras.layers")))
    assert not isinstance(caught.value, HostileError)


@pytest.mark.parametrize(
    "operation",
    (
        lambda x: x[..., 0] + 1,
        lambda x: x[:, 1:5],
        lambda x: x[..., ::2],
        lambda x: ops.stack([x, x], axis=1),
        lambda x: ops.cast(x, "float16"),
        lambda x: ops.mean(x, axis=(0, 1)),
        lambda x: x / (x + 1),
        lambda x: ops.transpose(x, (0, 2, 1, 3)),
    ),
)
def test_what_is_not_known_is_refused(operation):
    inputs = keras.Input((12, 12, 3))
    with pytest.raises(NotAllowedError):
        read_description(keras.Model(inputs, operation(inputs)).to_json())


def keras2(function, kind="TFOpLambda", **given):
    """A network of Keras 2 with one operation."""
    first = {"class_name": "InputLayer", "config": {"name": "a", "batch_input_shape": [None, 12, 12, 3]}, "name": "a", "inbound_nodes": []}  # fmt: skip  # noqa: E501
    node = {"class_name": kind, "config": {"name": f"tf.{function}", "function": function}, "name": f"tf.{function}", "inbound_nodes": [["a", 0, 0, given]]}  # fmt: skip  # noqa: E501
    config = {"name": "m", "layers": [first, node], "input_layers": [["a", 0, 0]], "output_layers": [[f"tf.{function}", 0, 0]]}  # fmt: skip  # noqa: E501
    return json.dumps({"class_name": "Functional", "config": config})


def test_operations_of_keras_2():
    """As Keras 2.15 wrote mobilenet_v2.preprocess_input and resnet50.preprocess_input."""
    divided = build(read_description(keras2("math.truediv", y=127.5, name=None), True))
    assert np.allclose(np.asarray(divided(PIXELS)), PIXELS / 127.5)
    shifted = build(read_description(keras2("nn.bias_add", bias=[1.0, 2.0, 3.0], data_format="channels_last"), True))
    assert np.allclose(np.asarray(shifted(PIXELS)), PIXELS + np.array([1, 2, 3]))
    reverse = [{"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": -1}]
    turned = build(read_description(keras2("__operators__.getitem", "SlicingOpLambda", slice_spec=reverse), True))
    assert np.array_equal(np.asarray(turned(PIXELS)), PIXELS[..., ::-1])
    for function, given in (("io.read_file", {}), ("math.truediv", {"y": 1, "out": 2}), ("math.truediv", {"z": 2})):
        with pytest.raises(NotAllowedError):
            read_description(keras2(function, **given), True)


def test_any_size_is_given_one():
    inputs = keras.Input((None, None, 3))
    free = keras.Model(inputs, layers.GlobalAveragePooling2D()(inputs)).to_json()
    with pytest.raises(NotAllowedError, match="accepts pictures of any size"):
        read_description(free)
    assert read_description(free, size=(20, 30)).shape == (20, 30, 3)
    resized = keras.Model(inputs, layers.Resizing(8, 9)(inputs / 255.0)).to_json()
    assert read_description(resized).shape == (8, 9, 3)
    with pytest.raises(NotAllowedError, match="no fixed number of channels"):
        read_description(free.replace("[null, null, null, 3]", "[null, null, null, null]"), size=(8, 8))
