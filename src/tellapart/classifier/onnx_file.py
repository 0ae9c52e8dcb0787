"""What an ONNX file may hold before ONNX Runtime sees it: plain operations, weights within the file, no programs.

The file is walked by its wire format (Protocol Buffers), which needs no library and touches no more than the names of
operations and the headers of weights. Source: github.com/onnx/onnx, onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tellapart.errors import ModelFileError

OPERATIONS = frozenset((
    "Add", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Clip", "Concat", "Constant", "Conv", "ConvTranspose",
    "DepthToSpace", "Div", "Elu", "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor", "Gather", "Gelu", "Gemm",
    "GlobalAveragePool", "GlobalMaxPool", "Greater", "GroupNormalization", "HardSigmoid", "HardSwish", "Identity",
    "InstanceNormalization", "LayerNormalization", "LeakyRelu", "Less", "Log", "LogSoftmax", "MatMul", "Max",
    "MaxPool",
    "Mean", "Min", "Mish", "Mul", "Neg", "PRelu", "Pad", "Pow", "Reciprocal", "ReduceMax", "ReduceMean", "ReduceProd",
    "ReduceSum", "ReduceSumSquare", "Relu", "Reshape", "Resize", "Round", "Selu", "Shape", "Sigmoid", "Slice",
    "Softmax", "Softplus", "Softsign", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Swish", "Tanh", "Tile", "Transpose",
    "Unsqueeze", "Where", "CastLike", "Celu", "ThresholdedRelu", "And", "Or", "Not", "LessOrEqual", "GreaterOrEqual",
    "Abs", "Sign", "ConstantOfShape", "Range",
))  # fmt: skip
"""What the converter writes for plain layers: no branches, loops, functions or operations of other makers."""

_GROWING = ("Expand", "Tile", "Resize", "Pad", "ConstantOfShape", "Range")
"""Operations that make much of little: the numbers in the file that tell them how much are held to a bound."""

MOST_NODES, MOST_LENGTH = 20_000, 8192

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
    nodes, growing = 0, False
    numbers: list[int] = []
    for number, kind, value in _fields(graph):
        if kind != _BYTES:
            raise _NotPlainError("it is damaged")
        if number == 1:
            nodes += 1
            if nodes > MOST_NODES:
                raise _NotPlainError(f"it has more than {MOST_NODES:,} operations")
            growing |= _check_node(value, numbers)
        elif number == 5:
            _check_weights(value, numbers)
        elif number == 15:
            raise _NotPlainError("its weights are sparse")
    if growing and any(abs(one) > MOST_LENGTH for one in numbers if one < 2**62):
        raise _NotPlainError(f"it enlarges pictures beyond {MOST_LENGTH:,}")


def _check_node(node: memoryview, numbers: list[int]) -> bool:
    operation = ""
    for number, kind, value in _fields(node):
        if number == 4 and kind == _BYTES:
            operation = str(value, "utf-8", "replace")
        elif number == 7 and kind == _BYTES and bytes(value) not in (b"", b"ai.onnx"):
            raise _NotPlainError(f"it has an operation of {str(value, 'utf-8', 'replace')[:60]}")
        elif number == 5 and kind == _BYTES:
            _check_attribute(value, numbers)
    if operation not in OPERATIONS:
        raise _NotPlainError(f"it has the operation {operation[:60]!r}")
    return operation in _GROWING


def _check_attribute(attribute: memoryview, numbers: list[int]) -> None:
    for number, kind, value in _fields(attribute):
        if number in (6, 11, 22, 23):
            raise _NotPlainError("it has branches or loops")
        if number in (5, 10) and kind == _BYTES:
            _check_weights(value, numbers)


def _check_weights(tensor: memoryview, numbers: list[int]) -> None:
    """A weight lies in the file itself; whole numbers, which say how large things are made, are noted."""
    whole, raw, width = False, memoryview(b""), 8
    for number, kind, value in _fields(tensor):
        if number == 13 or (number == 14 and value):
            raise _NotPlainError("its weights lie in another file")
        if number == 3:
            raise _NotPlainError("its weights lie in pieces")
        if number == 2 and kind == _VARINT:
            whole, width = value in (6, 7), 4 if value == 6 else 8  # int32, int64
        elif number == 9 and kind == _BYTES:
            raw = value
        elif number in (5, 7):
            numbers.extend(_signed(one) for one in (_packed(value) if kind == _BYTES else [value]))
    if whole and len(raw) <= 64 * width:
        numbers.extend(int.from_bytes(raw[i : i + width], "little", signed=True) for i in range(0, len(raw), width))


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
