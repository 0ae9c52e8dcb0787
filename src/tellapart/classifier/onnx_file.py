"""What an ONNX file may hold before ONNX Runtime sees it: plain operations, weights within the file, no programs.

The file is walked by its wire format (Protocol Buffers), which needs no library and touches no more than the names of
operations and the headers of weights. Source: github.com/onnx/onnx, onnx.proto.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tellapart.errors import ModelFileError

OPERATIONS = frozenset((
    "Add", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Clip", "Concat", "Constant", "Conv", "ConvTranspose",
    "DepthToSpace", "Div", "Elu", "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor", "Gather", "Gelu", "Gemm",
    "GlobalAveragePool", "GlobalMaxPool", "Greater", "GroupNormalization", "HardSigmoid", "HardSwish", "Identity",
    "InstanceNormalization", "LayerNormalization", "LeakyRelu", "Less", "Log", "LogSoftmax", "MatMul", "Max",
    "MaxPool", "Mean", "Min", "Mish", "Mul", "Neg", "PRelu", "Pad", "Pow", "Reciprocal", "ReduceMax", "ReduceMean",
    "ReduceProd", "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Resize", "Round", "Selu", "Shape", "Sigmoid",
    "Slice", "Softmax", "Softplus", "Softsign", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Swish", "Tanh", "Tile",
    "Transpose", "Unsqueeze", "Where", "CastLike", "Celu", "ThresholdedRelu", "And", "Or", "Not", "LessOrEqual",
    "GreaterOrEqual", "Abs", "Sign", "ConstantOfShape", "Range",
))  # fmt: skip
"""What the converter writes for plain layers: no branches, loops, functions or operations of other makers."""

_GROWING = ("Expand", "Tile", "Resize", "Pad", "ConstantOfShape", "Range")
"""Operations that make much of little: the numbers in the file that tell them how much are held to a bound."""

MOST_NODES, MOST_LENGTH, MOST_PRODUCT, FEW = 20_000, 8192, 2**28, 64

_BYTES, _VARINT = 2, 0


def check_onnx(data: bytes, name: str) -> None:
    """Raise ModelFileError, which calls the file `name`, unless an ONNX file holds plain operations and weights."""
    try:
        _check_model(memoryview(data))
    except _NotPlainError as error:
        raise ModelFileError(
            f"{name}: its ONNX network is refused ({error})",
            "plain operations, with the weights in the file",
            "do not open this file unless you know where it comes from",
        ) from error


class _NotPlainError(Exception):
    pass


def _check_model(model: memoryview) -> None:
    graphs = 0
    for number, kind, value in _fields(model):
        if number == 7 and kind == _BYTES:
            _check_graph(value)
            graphs += 1
        elif number in (20, 25):
            raise _NotPlainError("it brings functions or training steps of its own")
    if graphs != 1:
        raise _NotPlainError("it has no network")


def _check_graph(graph: memoryview) -> None:
    nodes = []
    constants: dict[str, list[float]] = {}
    for number, kind, value in _fields(graph):
        if kind != _BYTES:
            raise _NotPlainError("it is damaged")
        if number == 1:
            nodes.append(_node(value))
            if len(nodes) > MOST_NODES:
                raise _NotPlainError(f"it has more than {MOST_NODES:,} operations")
        elif number == 5:
            name, numbers = _weights(value)
            constants[name] = numbers
        elif number == 15:
            raise _NotPlainError("its weights are sparse")
    for node in nodes:
        if node.operation == "Constant":
            constants |= dict.fromkeys(node.outputs, node.numbers)
    for node in nodes:
        if node.operation in _GROWING:
            told = [one for name in node.inputs for one in constants.get(name, ())] + node.numbers
            if (
                any(abs(one) > MOST_LENGTH for one in told if abs(one) < 2**62)
                or math.prod(max(1.0, abs(one)) for one in told if abs(one) < 2**62) > MOST_PRODUCT
            ):
                raise _NotPlainError(f"it enlarges pictures beyond {MOST_LENGTH:,}")


@dataclass
class _Node:
    """An operation: names of what goes in and comes out, and the numbers that its attributes hold."""

    operation: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)


def _node(node: memoryview) -> _Node:
    found = _Node()
    for number, kind, value in _fields(node):
        if kind != _BYTES:
            continue
        if number == 1:
            found.inputs.append(_text(value))
        elif number == 2:
            found.outputs.append(_text(value))
        elif number == 4:
            found.operation = _text(value)
        elif number == 5:
            _check_attribute(value, found)
        elif number == 7 and bytes(value) not in (b"", b"ai.onnx"):
            raise _NotPlainError(f"it has an operation of {_text(value)[:60]}")
    if found.operation not in OPERATIONS:
        raise _NotPlainError(f"it has the operation {found.operation[:60]!r}")
    return found


def _check_attribute(attribute: memoryview, node: _Node) -> None:
    name, numbers = "", []
    for number, kind, value in _fields(attribute):
        if number in (6, 11, 22, 23):
            raise _NotPlainError("it has branches or loops")
        if number == 1 and kind == _BYTES:
            name = _text(value)
        elif number in (3, 8):
            numbers += _whole(kind, value)
        elif number in (5, 10) and kind == _BYTES:
            node.numbers += _weights(value)[1]
    if name in _LENGTHS and any(abs(one) > MOST_LENGTH for one in numbers):
        raise _NotPlainError(f"its {name} are beyond {MOST_LENGTH:,}")
    if name.startswith("value_"):  # of a Constant
        node.numbers += numbers


_LENGTHS = ("pads", "kernel_shape", "strides", "dilations", "output_shape", "output_padding", "group")


def _weights(tensor: memoryview) -> tuple[str, list[float]]:
    """A weight, which has to lie in the file itself: its name, and its numbers where they are few."""
    name, kind_of, raw = "", 1, memoryview(b"")
    numbers: list[float] = []
    for number, kind, value in _fields(tensor):
        if number == 13 or (number == 14 and value):
            raise _NotPlainError("its weights lie in another file")
        if number == 3:
            raise _NotPlainError("its weights lie in pieces")
        if number == 2 and kind == _VARINT:
            kind_of = value
        elif number == 8 and kind == _BYTES:
            name = _text(value)
        elif number == 9 and kind == _BYTES:
            raw = value
        elif number in (5, 7) and len(numbers) <= FEW:
            numbers += [_signed(one) for one in (_packed(value) if kind == _BYTES else [value])]
        elif number == 4 and kind == _BYTES and len(value) % 4 == 0 and len(value) <= 4 * FEW:
            numbers += struct.unpack(f"<{len(value) // 4}f", value)
    form = {1: "f", 6: "i", 7: "q", 11: "d"}.get(kind_of)
    if form and len(raw) <= struct.calcsize(form) * FEW and len(raw) % struct.calcsize(form) == 0:
        numbers += struct.unpack(f"<{len(raw) // struct.calcsize(form)}{form}", raw)
    return name, [one for one in numbers if one == one]


def _whole(kind: int, value: Any) -> list[int]:
    """The whole numbers of a field, which may be packed."""
    if kind not in (_BYTES, _VARINT):
        raise _NotPlainError("it is damaged")
    return [_signed(one) for one in (_packed(value) if kind == _BYTES else [value])]


def _text(value: memoryview) -> str:
    return str(value, "utf-8", "replace")


def _fields(message: memoryview) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and value of each field."""
    place, end = 0, len(message)
    while place < end:
        key, place = _varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield key >> 3, kind, value
            continue
        if kind == _BYTES:
            size, place = _varint(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise _NotPlainError("it is damaged")
        if place + size > end:
            raise _NotPlainError("it is cut short")
        yield key >> 3, kind, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for i in range(10):
        if place >= len(message):
            raise _NotPlainError("it is cut short")
        byte = message[place]
        place += 1
        value |= (byte & 127) << 7 * i
        if byte < 128:
            return value, place
    raise _NotPlainError("it is damaged")


def _packed(message: memoryview) -> list[int]:
    found, place = [], 0
    while place < len(message):
        value, place = _varint(message, place)
        found.append(value)
    return found


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value
