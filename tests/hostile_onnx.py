"""ONNX files that attack the process that opens or runs them, by kind of attack; and two sound ones to damage.

None does harm where a guard stops it. `sleepers` behave on a black picture, which is what the trial runs.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FILES = Path(__file__).parent / "files"
FLOAT, INT64, BOOL, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING
OPSETS = (("", 17),)


def node(operation: str, inputs: str, outputs: str = "y", **attributes: Any) -> onnx.NodeProto:
    """A node whose inputs and outputs are written as words: `node("Add", "a b", "c")`."""
    return helper.make_node(operation, inputs.split(), outputs.split(), **attributes)


def constant(name: str, value: Any, kind: Any = np.int64) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(value, kind), name)


def graph(nodes: list[onnx.NodeProto], weights: Any = (), output: int = FLOAT) -> onnx.GraphProto:
    """From a picture float32 [n, 8, 8, 1] called x to y, of any shape."""
    given = helper.make_tensor_value_info("x", FLOAT, ["n", 8, 8, 1])
    return helper.make_graph(nodes, "g", [given], [helper.make_tensor_value_info("y", output, None)], list(weights))


def packed(
    nodes: list[onnx.NodeProto], weights: Any = (), output: int = FLOAT, opsets: Any = OPSETS, functions: Any = ()
) -> bytes:
    """The bytes of a model."""
    imports = [helper.make_opsetid(domain, number) for domain, number in opsets]
    made = helper.make_model(
        graph(nodes, weights, output), opset_imports=imports, ir_version=8, functions=list(functions)
    )
    return made.SerializeToString()


def summed(nodes: list[onnx.NodeProto], weights: Any, last: str = "m") -> bytes:
    """A model that adds the sum of the tensor called `last` to the picture, so that it is computed in full."""
    return packed([*nodes, node("ReduceSum", last, "r"), node("Add", "x r")], weights)


def of_domain(operation: str, inputs: str, domain: str, version: int = 1, **attributes: Any) -> bytes:
    """A model of one operation from another maker."""
    made = node(operation, inputs, domain=domain, **attributes)
    return packed([made], opsets=(*OPSETS, (domain, version)))


def sound() -> bytes:
    """A small network: a convolution, a product, a softmax."""
    rng = np.random.default_rng(0)
    kernel, matrix = rng.normal(size=(4, 1, 3, 3)), rng.normal(size=(144, 3))
    return packed(
        [
            node("Transpose", "x", "t", perm=[0, 3, 1, 2]),
            node("Conv", "t k", "c"),
            node("Relu", "c", "r"),
            node("Reshape", "r shape", "f"),
            node("Gemm", "f w", "z"),
            node("Softmax", "z"),
        ],
        [constant("k", kernel, np.float32), constant("w", matrix, np.float32), constant("shape", [-1, 144])],
    )


def ours() -> bytes:
    """The network of a model file that tellapart wrote."""
    with zipfile.ZipFile(next(FILES.glob("tellapart-*.keras"))) as archive:
        return archive.read("model.onnx")


def attacks() -> Iterator[tuple[str, str, bytes]]:
    """(kind, name, bytes) of every attack."""
    for kind, made in (
        ("weights in another file", _elsewhere()),
        ("weights declared too large", _declared()),
        ("operations of other makers", _foreign_operations()),
        ("functions and training steps", _functions()),
        ("branches and loops", _loops()),
        ("memory, by constants", _memory()),
        ("time", _time()),
        ("crashes of the runtime", _crashes()),
        ("texts", _texts()),
        ("sleepers: wait for another picture", sleepers()),
    ):
        for name, data in made:
            yield kind, name, data


def _elsewhere() -> Iterator[tuple[str, bytes]]:
    for name, place in (("absolute", "/etc/passwd"), ("upwards", "../../../../etc/passwd"), ("device", "/dev/zero")):
        weight = TensorProto(name="w", data_type=FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
        for key, value in (("location", place), ("offset", "0"), ("length", "4")):
            weight.external_data.add(key=key, value=value)
        yield name, packed([node("Add", "x w")], [weight])
    weight = TensorProto(name="w", data_type=FLOAT, dims=[1], raw_data=bytes(4))
    weight.external_data.add(key="location", value="/etc/passwd")
    yield "both in the file and elsewhere", packed([node("Add", "x w")], [weight])


def _declared() -> Iterator[tuple[str, bytes]]:
    for name, dims in (("2^40 values", [2**20, 2**20]), ("overflow", [2**62, 8]), ("negative", [-1, 4])):
        yield name, packed([node("Add", "x w")], [TensorProto(name="w", data_type=FLOAT, dims=dims, raw_data=bytes(4))])
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("w", FLOAT, [1], [1.0]), helper.make_tensor("i", INT64, [1], [0]), [2**34]
    )
    nodes = helper.make_node("Constant", [], ["w"], sparse_value=sparse)
    yield "sparse, 2^34 values", packed([nodes, node("ReduceSum", "w", "s"), node("Add", "x s")])


def _foreign_operations() -> Iterator[tuple[str, bytes]]:
    yield "unknown", of_domain("Run", "x", "com.attacker")
    yield "of Microsoft: QuickGelu", of_domain("QuickGelu", "x", "com.microsoft")
    yield "of Microsoft: BiasGelu", of_domain("BiasGelu", "x x", "com.microsoft")
    yield "of ai.onnx.ml", of_domain("Scaler", "x", "ai.onnx.ml", 3, offset=[0.0], scale=[1.0])
    yield "not on the list", packed([node("Sin", "x")])
    yield "random numbers", packed([node("RandomNormalLike", "x")])


def _functions() -> Iterator[tuple[str, bytes]]:
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    opsets = (*OPSETS, ("own", 1))
    plain = helper.make_function("own", "f0", ["a"], ["b"], [node("Relu", "a", "b")], imports)
    yield "one", packed([node("f0", "x", domain="own")], opsets=opsets, functions=[plain])
    nested = [plain]
    for i in range(1, 26):  # each calls the one before twice: 2^25 operations
        calls = [node(f"f{i - 1}", "a", "m", domain="own"), node(f"f{i - 1}", "m", "b", domain="own")]
        nested.append(helper.make_function("own", f"f{i}", ["a"], ["b"], calls, imports))
    yield "nested 25 times", packed([node("f25", "x", domain="own")], opsets=opsets, functions=nested)
    again = [helper.make_function("own", "f0", ["a"], ["b"], [node("f0", "a", "b", domain="own")], imports)]
    yield "calls itself", packed([node("f0", "x", domain="own")], opsets=opsets, functions=again)
    model = onnx.load_from_string(sound())
    model.training_info.add()
    yield "training steps", model.SerializeToString()


def _loop(times: str, nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto]) -> bytes:
    """A loop that runs its body `times` times, keeping a row of its outputs."""
    body = helper.make_graph(
        [node("Identity", "c", "go"), node("Add", "v v", "v2")],
        "body",
        [helper.make_tensor_value_info(n, k, []) for n, k in (("i", INT64), ("c", BOOL))]
        + [helper.make_tensor_value_info("v", FLOAT, None)],
        [helper.make_tensor_value_info("go", BOOL, []), helper.make_tensor_value_info("v2", FLOAT, None)],
    )
    loop = node("Loop", f"{times} yes x", "y", body=body)
    return packed([*nodes, loop], [*weights, constant("yes", True, np.bool_)])


def _loops() -> Iterator[tuple[str, bytes]]:
    yield "once", _loop("n", [], [constant("n", 1)])
    yield "2^40 times", _loop("n", [], [constant("n", 2**40)])
    branch = helper.make_graph([node("Relu", "x", "z")], "b", [], [helper.make_tensor_value_info("z", FLOAT, None)])
    chosen = node("If", "yes", "y", then_branch=branch, else_branch=branch)
    yield "a branch", packed([chosen], [constant("yes", True, np.bool_)])
    inner = chosen
    for _ in range(20):
        deeper = helper.make_graph([inner], "b", [], [helper.make_tensor_value_info("y", FLOAT, None)])
        inner = node("If", "yes", "y", then_branch=deeper, else_branch=branch)
    yield "branches in each other", packed([inner], [constant("yes", True, np.bool_)])


def _memory() -> Iterator[tuple[str, bytes]]:
    large, one = constant("s", [2**20, 2**20]), constant("one", [1.0], np.float32)
    yield "Expand", summed([node("Expand", "one s", "m")], [large, one])
    yield "ConstantOfShape", summed([node("ConstantOfShape", "s", "m")], [large])
    yield "Tile", summed([node("Tile", "x s", "m")], [constant("s", [1, 2**15, 2**15, 1])])
    yield "Pad", summed([node("Pad", "x s", "m")], [constant("s", [0, 2**17, 2**17, 0, 0, 0, 0, 0])])
    resize = helper.make_node("Resize", ["x", "", "", "s"], ["m"])
    yield "Resize", summed([resize], [constant("s", [1, 2**17, 2**17, 1])])
    limits = [constant(name, value, np.float32) for name, value in (("a", 0), ("b", 1e12), ("d", 1))]
    yield "Range", summed([node("Range", "a b d", "m")], limits)
    column, across = constant("v", np.ones((100_000, 1)), np.float32), node("Transpose", "v", "h")
    yield "sum of a column and a row", summed([across, node("Add", "v h", "m")], [column])
    yield "product of a column and a row", summed([across, node("MatMul", "v h", "m")], [column])
    doubled = [node("Concat", " ".join([f"d{i - 1}" if i else "x"] * 2), f"d{i}", axis=1) for i in range(40)]
    yield "Concat of itself, 40 times", summed(doubled, [], "d39")
    pooling = node("MaxPool", "t", "m", kernel_shape=[2**15, 2**15], pads=[2**14] * 4, strides=[1, 1])
    yield "pads of a pooling", summed([node("Transpose", "x", "t", perm=[0, 3, 1, 2]), pooling], [])
    square = [node("Expand", "one s", "m0"), *(node("Add", f"m{i} m{i}", f"m{i + 1}") for i in range(30))]
    kept = node("Sum", " ".join(f"m{i}" for i in range(31)), "q")
    yield "many results kept", summed([*square, kept], [constant("s", [8192, 8192]), one], "q")


def _time() -> Iterator[tuple[str, bytes]]:
    weights = [constant("one", [0.001], np.float32), constant("s", [4096, 4096])]
    first = node("Expand", "one s", "m0")
    products = [node("MatMul", f"m{i} m0", f"m{i + 1}") for i in range(2_000)]
    yield "2,000 products of 4,096 x 4,096", summed([first, *products], weights, "m2000")
    steps = [node("Exp", f"m{i}", f"m{i + 1}") for i in range(15_000)]
    yield "15,000 steps on 2^24 values", summed([first, *steps], weights, "m15000")
    many = [node("Relu", f"a{i - 1}" if i else "x", f"a{i}") for i in range(100_000)]
    yield "100,000 operations", packed([*many, node("Relu", "a99999")])


def _crashes() -> Iterator[tuple[str, bytes]]:
    weight = constant("w", np.zeros((8, 1, 1, 1)), np.float32)
    yield "a division by zero groups", packed([node("ConvTranspose", "x w", group=0)], [weight])
    yield "a missing input of Max", packed([helper.make_node("Max", ["x", ""], ["y"])])
    kernel = constant("k", np.zeros((8192, 8, 8, 1)), np.float32)
    used = [node("Conv", "x k", f"c{i}") for i in range(1000)]
    scaled = [node("Mul", f"c{i} two", f"m{i}") for i in range(1000)]
    most = node("Max", " ".join(f"m{i}" for i in range(1000)), "m")
    yield "1,000 copies of one weight", summed([*used, *scaled, most], [kernel, constant("two", 2.0, np.float32)])


def _texts() -> Iterator[tuple[str, bytes]]:
    yield "Cast to texts", packed([node("Cast", "x", to=STRING)], output=STRING)
    words = helper.make_tensor("w", STRING, [1], [b"x" * 2**20])
    size = constant("s", [2**16])
    nodes = [node("Expand", "w s", "m"), node("Shape", "m", "q"), node("Cast", "q", "r", to=FLOAT), node("Add", "x r")]
    yield "a text of 1 MiB, 2^16 times", packed(nodes, [words, size])


def sleepers() -> Iterator[tuple[str, bytes]]:
    """Networks that behave on a black picture and attack on a white one."""
    total, large = node("ReduceSum", "x", "s", keepdims=0), constant("big", 1e9, np.float32)
    brightness = [total, node("Mul", "s big", "f")]
    whole = [*brightness, node("Cast", "f", "n", to=INT64)]
    yield "a loop as long as the picture is bright", _loop("n", whole, [large])
    zero, step = constant("zero", 0.0, np.float32), constant("step", 1.0, np.float32)
    row = [*brightness, node("Range", "zero f step", "m")]
    yield "a row as long as the picture is bright", summed(row, [large, zero, step])
    one, extra = constant("one", [1.0], np.float32), [constant("axes", [0]), constant("unit", [1])]
    expanded = [node("Unsqueeze", "n axes", "q"), node("Add", "q unit", "u"), node("Expand", "one u", "m")]
    yield "Expand to the picture's brightness", summed([*whole, *expanded], [large, one, *extra])
    out = [helper.make_tensor_value_info("z", FLOAT, None)]
    then = helper.make_graph([node("Expand", "one wide", "z")], "t", [], out)
    other = helper.make_graph([node("Relu", "x", "z")], "e", [], out)
    asked = [total, node("Greater", "s zero", "white"), node("If", "white", "y", then_branch=then, else_branch=other)]
    yield "a branch for white pictures", packed(asked, [zero, one, constant("wide", [2**20, 2**20])])
    places = [node("NonZero", "x", "i"), node("Cast", "i", "f", to=FLOAT), node("Transpose", "f", "t")]
    yield "as many places as are not black", summed([*places, node("MatMul", "t f", "m")], [])
