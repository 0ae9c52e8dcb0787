"""Check an ONNX file before ONNX Runtime reads it: plain operations, weights inside the file, no programs.

The check walks the wire format (Protocol Buffers) without a library. It reads the names of operations and the headers
of weights, and refuses what it does not know and what ONNX Runtime could read in another way. Sources:
github.com/onnx/onnx, onnx.proto; protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tellapart.errors import ModelFileError

# Files also pass a trial run in a restricted process (onnx_trial.py). Neither guard covers the other; see the table in
# benchmarks/onnx_guards.py. The trial uses one black picture, so it misses loops, branches and operations that other
# pictures trigger, and macOS and Windows do not enforce its memory limit. The walk misses sizes and times that follow
# from several operations together.

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
"""Operations that the converter writes for plain layers: no branches, loops, functions or custom operations."""

_GROWING = ("Expand", "Tile", "Resize", "Pad", "ConstantOfShape", "Range")
"""Operations whose outputs can be much larger than their inputs: the sizes that the file gives them are limited."""

MOST_BYTES, MOST_NODES, MOST_INPUTS = 2**31, 20_000, 1024
"""Limits: bytes of a file, operations, and inputs of an operation."""

MOST_GROWING_INPUTS, MOST_LENGTH, MOST_DOUBLINGS = 8, 8192, 28
"""Limits of a growing operation: its inputs, each size, and the base-2 logarithm of the product of its sizes."""

MOST_FIELDS = 1_000_000
"""Limit of fields in all messages. 20,000 operations have half of it; reading them takes a second or two."""

FEW = 64
"""Constants with more numbers than this are not sizes."""

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5

Message = Mapping[int, tuple[int, ...]]
"""The wire types that each field may have, by field number."""

_MODEL: Message = dict.fromkeys((2, 3, 4, 6, 7, 8, 14), (_BYTES,)) | {1: (_VARINT,), 5: (_VARINT,)}
_GRAPH: Message = dict.fromkeys((1, 2, 5, 10, 11, 12, 13), (_BYTES,))
_NODE: Message = dict.fromkeys((1, 2, 3, 4, 5, 6, 7), (_BYTES,))
_ATTRIBUTE: Message = dict.fromkeys((1, 4, 5, 9, 10, 13), (_BYTES,)) | {
    2: (_FOUR,), 3: (_VARINT,), 7: (_BYTES, _FOUR), 8: (_BYTES, _VARINT), 20: (_VARINT,),
}  # fmt: skip
_TENSOR: Message = {
    1: (_BYTES, _VARINT), 2: (_VARINT,), 4: (_BYTES, _FOUR), 5: (_BYTES, _VARINT), 7: (_BYTES, _VARINT), 8: (_BYTES,),
    9: (_BYTES,), 10: (_BYTES, _EIGHT), 11: (_BYTES, _VARINT), 12: (_BYTES,), 14: (_VARINT,),
}  # fmt: skip


def check_onnx(data: bytes, name: str) -> None:
    """Raise ModelFileError, which names the file `name`, unless it contains only plain operations and weights."""
    try:
        if len(data) > MOST_BYTES:
            raise _NotPlainError(f"it has {len(data):,} bytes, more than {MOST_BYTES:,}")
        _check_model(memoryview(data), count())
    except _NotPlainError as error:
        raise ModelFileError(
            f"{name}: its ONNX network is refused ({error})",
            "plain operations, with the weights in the file",
            "do not use this file unless you know where it comes from",
        ) from error


class _NotPlainError(Exception):
    pass


def _check_model(model: memoryview, seen: Iterator[int]) -> None:
    graphs = 0
    refused = dict.fromkeys((20, 25), "it defines functions or training steps")
    for number, _, value in _fields(model, seen, _MODEL, refused):
        if number == 7:
            _check_graph(value, seen)
            graphs += 1
    if graphs != 1:
        raise _NotPlainError("it does not contain exactly one network")


def _check_graph(graph: memoryview, seen: Iterator[int]) -> None:
    nodes = []
    constants: dict[str, list[float]] = {}
    for number, _, value in _fields(graph, seen, _GRAPH, {15: "its weights are sparse"}):
        if number == 1:
            nodes.append(_node(value, seen))
            if len(nodes) > MOST_NODES:
                raise _NotPlainError(f"it has more than {MOST_NODES:,} operations")
        elif number == 5:
            name, numbers = _weights(value, seen)
            constants[name] = numbers
    for node in nodes:
        if node.operation == "Constant":
            constants |= dict.fromkeys(node.outputs, node.numbers)
    for node in nodes:
        if node.operation in _GROWING:
            if len(node.inputs) > MOST_GROWING_INPUTS:
                raise _NotPlainError(f"{node.operation} has {len(node.inputs):,} inputs")
            sizes = [abs(size) for name in node.inputs for size in constants.get(name, ())] + [*map(abs, node.numbers)]
            if max(sizes, default=0) > MOST_LENGTH or sum(math.log2(max(1.0, size)) for size in sizes) > MOST_DOUBLINGS:
                raise _NotPlainError(f"it enlarges pictures beyond {MOST_LENGTH:,}")


@dataclass
class _Node:
    """An operation: the names of its inputs and outputs, and the numbers in its attributes."""

    operation: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)


def _node(node: memoryview, seen: Iterator[int]) -> _Node:
    read = _Node()
    for number, _, value in _fields(node, seen, _NODE, {8: "it calls functions that it defines"}):
        if number == 1:
            read.inputs.append(_text(value))
            if len(read.inputs) > MOST_INPUTS:
                raise _NotPlainError(f"an operation has more than {MOST_INPUTS:,} inputs")
        elif number == 2:
            read.outputs.append(_text(value))
        elif number == 4:
            read.operation = _text(value)
        elif number == 5:
            _check_attribute(value, seen, read)
        elif number == 7 and bytes(value) not in (b"", b"ai.onnx"):
            raise _NotPlainError(f"it has an operation from {_text(value)[:60]!r}")
    if read.operation not in OPERATIONS:
        raise _NotPlainError(f"it has the operation {read.operation[:60]!r}")
    return read


def _check_attribute(attribute: memoryview, seen: Iterator[int], node: _Node) -> None:
    name, numbers, many = "", [], False
    for number, kind, value in _fields(
        attribute, seen, _ATTRIBUTE, dict.fromkeys((6, 11, 22, 23), "it has branches or loops")
    ):
        if number == 1:
            name = _text(value)
        elif number in (3, 8):
            numbers += _whole(kind, value)
        elif number in (5, 10):
            node.numbers += _weights(value, seen)[1]
        elif number == 9:
            raise _NotPlainError(_TEXTS)
        many = many or (number == 8 and kind == _BYTES and len(value) > 10 * FEW)
    if name.startswith("value_string") or (name == "to" and STRING in numbers):
        raise _NotPlainError(_TEXTS)
    if many and name in _LENGTHS:
        raise _NotPlainError(f"its {name} have more than {FEW} values")
    if name in _LENGTHS and any(abs(number) > MOST_LENGTH for number in numbers):
        raise _NotPlainError(f"its {name} exceed {MOST_LENGTH:,}")
    if name.startswith("value_"):  # of a Constant
        node.numbers += numbers


_LENGTHS = ("pads", "kernel_shape", "strides", "dilations", "output_shape", "output_padding", "group")


def _weights(tensor: memoryview, seen: Iterator[int]) -> tuple[str, list[float]]:
    """The name of a weight, which has to be in the file itself, and its numbers if there are few."""
    name, data_type, raw = "", 1, memoryview(b"")
    numbers: list[float] = []
    for number, kind, value in _fields(tensor, seen, _TENSOR, {3: "its weights are split into segments", 13: _OUTSIDE}):
        if number == 14 and value:
            raise _NotPlainError(_OUTSIDE)
        if number == 2:
            data_type = value
            if not 0 < value < 32 or value == STRING:
                raise _NotPlainError(_TEXTS if value == STRING else "its weights have an unknown type")
        elif number == 8:
            name = _text(value)
        elif number == 9:
            raw = value
        elif number in (5, 7, 11) and len(numbers) <= FEW:
            numbers += _whole(kind, value)
        elif number in (4, 10) and len(numbers) <= FEW:
            numbers += _unpacked(value, "f" if number == 4 else "d")
    return name, [x for x in (*numbers, *_unpacked(raw, _FORMS.get(data_type, ""))) if x == x]  # without NaN


STRING = 8
_TEXTS = "it computes with texts"
_OUTSIDE = "its weights are in another file"
_FORMS = {1: "f", 6: "i", 7: "q", 11: "d", 12: "I", 13: "Q"}
"""Format characters by data type: float, int32, int64, double, uint32, uint64."""


def _unpacked(value: memoryview, form: str) -> tuple[float, ...]:
    """The numbers in packed bytes; none where there are more than FEW."""
    size = struct.calcsize(f"<{form}")
    if not size or len(value) % size or len(value) > size * FEW:
        return ()
    return struct.unpack(f"<{len(value) // size}{form}", value)


def _whole(kind: int, value: Any) -> list[int]:
    """The whole numbers in a field, which may be packed; not all of them where there are more than FEW."""
    if kind == _VARINT:
        return [_signed(value)]
    numbers, position = [], 0
    while position < len(value) <= 10 * FEW:
        number, position = _varint(value, position)
        numbers.append(_signed(number))
    return numbers


def _text(value: memoryview) -> str:
    return str(value, "utf-8", "replace")


def _fields(
    message: memoryview, seen: Iterator[int], known: Message, refused: dict[int, str]
) -> Iterator[tuple[int, int, Any]]:
    """Number, wire type and value of each field of a message.

    `known` lists the valid fields; `refused` gives the reason for refusing others. Raises _NotPlainError for a field
    that is not known. `seen` counts the fields of all messages in the file.
    """
    position, end = 0, len(message)
    while position < end:
        if next(seen) >= MOST_FIELDS:
            raise _NotPlainError(f"it has more than {MOST_FIELDS:,} fields")
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if number in refused:
            raise _NotPlainError(refused[number])
        if kind not in known.get(number, ()):
            raise _NotPlainError(f"it has an unexpected field {number} of type {kind}")
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield number, kind, value
            continue
        if kind == _BYTES:
            size, position = _varint(message, position)
        else:
            size = 8 if kind == _EIGHT else 4
        if position + size > end:
            raise _NotPlainError("it is cut short")
        yield number, kind, message[position : position + size]
        position += size


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for i in range(10):
        if position >= len(message):
            raise _NotPlainError("it is cut short")
        byte = message[position]
        position += 1
        value |= (byte & 127) << 7 * i
        if byte < 128:
            if value >= 2**64:
                break
            return value, position
    raise _NotPlainError("it is damaged")


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value
