"""A classifier of a backbone that was left as it is and a fitted head, made without Keras."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import Any

from tellapart.classifier.classifier import Classifier
from tellapart.classifier.make import ModelFacts, record_of
from tellapart.classifier.model_file import CONFIG, ONNX, WEIGHTS, Layer
from tellapart.classifier.onnx_copy import check_onnx_copy
from tellapart.data.feeding import Prepared
from tellapart.networks.head import HEAD
from tellapart.pretrained.compiled import Compiled
from tellapart.training.logistic import LinearHead


def frozen_classifier(backbone: Compiled, head: LinearHead, facts: ModelFacts, samples: Prepared) -> Classifier:
    """Make a classifier of a backbone and a head on its features.

    `samples` are real pictures with their features, on which the ONNX copy is compared with the head on the features.
    Raises ModelFileError where the two differ.
    """
    classes = head.kernel.shape[1]
    layers = (*backbone.layers[:-1], _head_layer(backbone.layers[-1], head))
    members = backbone.members | {
        CONFIG: _described(backbone.members[CONFIG], classes),
        WEIGHTS: _weighted(backbone.members[WEIGHTS], backbone.head_path, head),
        ONNX: _copied(backbone.members[ONNX], head),
    }
    classifier = Classifier(record_of(facts, classes, layers), members)
    assert samples.features is not None
    check_onnx_copy(head(samples.features), classifier.runtime(samples.pixels[:]))
    classifier.head = head
    return classifier


def _head_layer(layer: Layer, head: LinearHead) -> Layer:
    """The head in the summary of the network."""
    features, classes = head.kernel.shape
    return layer.model_copy(
        update={
            "shape": [classes],
            "parameters": features * classes + classes,
            "operations": 2 * features * classes,
        }
    )


def _described(config: bytes, classes: int) -> bytes:
    """The description of the network with another number of classes."""
    description = json.loads(config)
    layer = next(layer for layer in description["config"]["layers"] if layer["config"]["name"] == HEAD)
    layer["config"]["units"] = classes
    return json.dumps(description).encode()


def _weighted(weights: bytes, path: str, head: LinearHead) -> bytes:
    """The HDF5 file with the weights of the head."""
    import h5py

    buffer = io.BytesIO(weights)
    with h5py.File(buffer, "r+") as file:
        for name, array in (("0", head.kernel), ("1", head.bias)):
            del file[f"{path}/{name}"]
            file.create_dataset(f"{path}/{name}", data=array)
    return buffer.getvalue()


def _copied(onnx_file: bytes, head: LinearHead) -> bytes:
    """The ONNX copy with the head, and with two outputs: probabilities and features."""
    import onnx
    from onnx import helper, numpy_helper

    graph = onnx.load_from_string(onnx_file)
    outputs = graph.graph.output
    features = outputs[1].name
    nodes = _needed_for(features, graph.graph.node)
    kernel, bias, logits, result = (f"{HEAD}_{name}" for name in ("kernel", "bias", "logits", "probabilities"))
    nodes += [
        helper.make_node("MatMul", [features, kernel], [f"{HEAD}_product"]),
        helper.make_node("Add", [f"{HEAD}_product", bias], [logits]),
        helper.make_node("Softmax", [logits], [result], axis=-1),
    ]
    used = {name for node in nodes for name in node.input}
    arrays = [array for array in graph.graph.initializer if array.name in used]
    arrays += [numpy_helper.from_array(values, name) for name, values in ((kernel, head.kernel), (bias, head.bias))]
    probabilities = helper.make_tensor_value_info(result, onnx.TensorProto.FLOAT, [None, head.kernel.shape[1]])
    whole = helper.make_graph(nodes, graph.graph.name, graph.graph.input, [probabilities, outputs[1]], arrays)
    graph.graph.CopyFrom(whole)
    copied: bytes = graph.SerializeToString()
    return copied


def _needed_for(output: str, nodes: Iterable[Any]) -> list[Any]:
    """The operations that an output depends on, in order."""
    wanted, kept = {output}, []
    for node in reversed(list(nodes)):
        if wanted & set(node.output):
            kept.append(node)
            wanted |= set(node.input)
    return kept[::-1]
