"""ONNX Runtime is given a bound on memory, and what it cannot do comes in words."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from tellapart.classifier import runtime
from tellapart.classifier.runtime import OnnxRuntime, try_onnx
from tellapart.errors import ModelFileError

CHILD = """
import sys
import numpy as np
from tellapart.classifier import runtime
from tellapart.errors import ModelFileError
sys.path.insert(0, sys.argv[2])
from tests.memory import forget_peak, peak
runtime.MOST_MEMORY = 2**29
before = forget_peak()
network = runtime.OnnxRuntime(open(sys.argv[1], "rb").read(), "bomb.keras")
try:
    print(network(np.zeros((1, 96, 96, 3), np.uint8)))
except ModelFileError as error:
    print(error)
print(peak() - before)
"""


def network(*nodes, size=96 * 96 * 3, kept=(), inputs=1):
    """An ONNX file of these operations, from pictures x to y; `row` and `column` are shapes of all of their numbers."""
    graph = helper.make_graph(
        list(nodes), "graph",
        [helper.make_tensor_value_info("x" * (i + 1), TensorProto.FLOAT, [None, 96, 96, 3]) for i in range(inputs)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor(name, TensorProto.INT64, [2], shape)
         for name, shape in (("row", [1, size]), ("column", [size, 1]))] + list(kept),
    )  # fmt: skip
    return helper.make_model(graph, ir_version=9, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted as Linux counts it")
@pytest.mark.parametrize("known_beforehand", (False, True))
def test_much_that_is_made_of_little_has_an_end(known_beforehand, tmp_path):
    """27,648 numbers, each with each: nothing in the file tells that it comes to 2.8 GiB."""
    path = tmp_path / "bomb.onnx"
    made = [helper.make_node("Add", ["a", "b"], ["c"]), helper.make_node("ReduceSum", ["c"], ["y"])]
    if known_beforehand:  # by what ONNX Runtime would make of it already when it opens the file
        size = 96 * 96 * 3
        kept = [helper.make_tensor(name, TensorProto.FLOAT, shape, np.zeros(size))
                for name, shape in (("a", [1, size]), ("b", [size, 1]))]  # fmt: skip
        path.write_bytes(network(*made, kept=kept))
    else:
        shaped = [helper.make_node("Reshape", ["x", shape], [name]) for shape, name in (("row", "a"), ("column", "b"))]
        path.write_bytes(network(*shaped, *made))
    command = [sys.executable, "-c", CHILD, str(path), str(Path(__file__).parents[2])]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said, expected, action, grown = done.stdout.splitlines()
    assert said == (
        "bomb.keras: its network cannot be run (it needs 2.8 GiB of memory, and 0.5 GiB of its limit are left)"
    )
    assert "memory for a batch of 1" in expected and "free memory" in action
    assert int(grown) < 600 * 1024
    assert done.stderr == ""


def test_operations_that_do_not_fit_each_other(capfd):
    odd = OnnxRuntime(network(helper.make_node("Reshape", ["x", "row"], ["y"]), size=5), "odd.keras")
    with pytest.raises(ModelFileError, match=r"odd.keras: its network cannot be run \(.*reshaped"):
        odd(np.zeros((1, 96, 96, 3), np.uint8))
    assert capfd.readouterr().err == ""


QUIET = """
import sys, time
import numpy as np
from tellapart.classifier import runtime
from tellapart.classifier.runtime import OnnxRuntime, try_onnx
OnnxRuntime(open(sys.argv[1], "rb").read(), "x")(np.zeros((1, 96, 96, 3), np.uint8))
"""


def test_nothing_is_reported_to_anybody(tmp_path):
    """ONNX Runtime keeps what it is about to report in a data base in the user's folder, if it is let to."""
    path, home = tmp_path / "x.onnx", tmp_path / "home"
    path.write_bytes(network(helper.make_node("Reshape", ["x", "row"], ["y"])))
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "USERPROFILE", "LOCALAPPDATA"), str(home))
    done = subprocess.run([sys.executable, "-c", QUIET, str(path)], env=environment | places, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("*")) == []


def convolved(**attributes):
    return [helper.make_node("ConvTranspose", ["x", "w"], ["y"], **attributes)]


def shared_weights(times):
    """One large weight used many times, each multiplied by something: ONNX Runtime makes a copy for each."""
    kept = [helper.make_tensor("w", TensorProto.FLOAT, [96, 96, 8, 8], bytes(4 * 96 * 96 * 64), raw=True),
            helper.make_tensor("two", TensorProto.FLOAT, [], [2.0])]  # fmt: skip
    nodes = []
    for i in range(times):
        nodes += [helper.make_node("Conv", ["x", "w"], [f"c{i}"]), helper.make_node("Mul", [f"c{i}", "two"], [f"m{i}"])]
    return network(*nodes, helper.make_node("Max", [f"m{i}" for i in range(times)], ["y"]), kept=kept)


TERRIBLE = {
    "no-groups": lambda: network(*convolved(group=0), kept=[helper.make_tensor("w", 1, [96, 1, 1, 1], [0.0] * 96)]),
    "nothing-to-compare": lambda: network(helper.make_node("Max", ["x", ""], ["y"])),
    "copies": lambda: shared_weights(1000),
    "words": lambda: network(
        helper.make_node("Constant", [], ["c"], value_string="x" * 1000), helper.make_node("Identity", ["c"], ["y"])
    ),
    "to-words": lambda: network(helper.make_node("Cast", ["x"], ["y"], to=TensorProto.STRING)),
    "several-inputs": lambda: network(helper.make_node("Identity", ["x"], ["y"]), inputs=2),
}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits of a process")
@pytest.mark.parametrize("kind", TERRIBLE)
def test_what_would_end_this_process_or_keep_it_is_tried_in_another(kind):
    with pytest.raises(ModelFileError, match=r"x.keras: its ONNX network is refused \(.+\)"):
        try_onnx(TERRIBLE[kind](), "x.keras")


def test_what_was_tried_is_not_tried_again(tmp_path, monkeypatch):
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path))
    good = network(helper.make_node("Reshape", ["x", "row"], ["y"]))
    try_onnx(good, "x.keras")
    assert len(list((tmp_path / "tried").iterdir())) == 1
    monkeypatch.setattr(runtime, "run_sandboxed", pytest.fail)
    try_onnx(good, "x.keras")
