"""Read pickles of weights without running them: a few opcodes and a few names, each with a meaning of our own.

Python's pickle module imports and calls what a file names. Here `pickletools.genops` only splits the file into opcodes,
and no opcode imports, calls or creates anything but lists, tuples, dicts, texts, numbers and what `known` gives.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from tellapart.pretrained._numbers import RefusedError, shown

MOST_STEPS = 500_000
"""Opcodes in a file. An array takes about 30."""


@dataclass(frozen=True)
class Maker:
    """A name that a pickle may call: `make` gets the tuple of arguments."""

    make: Callable[[tuple[Any, ...]], Any]


def unpickled(
    file: BinaryIO, known: Mapping[str, Any] | None = None, persistent: Callable[[Any], Any] | None = None
) -> Any:
    """The object in the pickle that starts here; the file is left at its end.

    `known` maps names with their modules, such as `torch.FloatStorage`, to what they mean; only a Maker is callable.
    `persistent` turns a persistent id into an object. Raises RefusedError for everything else.
    """
    machine = _Machine(known or {}, persistent)
    try:
        for steps, (opcode, argument, _) in enumerate(pickletools.genops(file)):
            if steps >= MOST_STEPS:
                raise RefusedError(f"its pickle has more than {MOST_STEPS:,} steps")
            machine.step(opcode.name, argument)
        (result,) = machine.stack
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
        raise RefusedError("its pickle is damaged") from error
    return result


_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}

_VALUES = (
    "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT",
    "BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING",
)  # fmt: skip
"""Opcodes that push their argument."""

_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}

_SHORT_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}

_NOTHING = ("PROTO", "FRAME", "STOP")


@dataclass
class _Machine:
    known: Mapping[str, Any]
    persistent: Callable[[Any], Any] | None
    stack: list[Any] = field(default_factory=list)
    below: list[list[Any]] = field(default_factory=list)
    """The stacks under each mark."""
    memo: dict[int, Any] = field(default_factory=dict)

    def step(self, opcode: str, argument: Any) -> None:
        if opcode in _VALUES:
            self.stack.append(argument)
        elif opcode in _CONSTANTS:
            self.stack.append(_CONSTANTS[opcode])
        elif opcode in _EMPTY:
            self.stack.append(_EMPTY[opcode]())
        elif opcode in _SHORT_TUPLES:
            self.stack.append(tuple(self.popped(_SHORT_TUPLES[opcode])))
        elif opcode not in _NOTHING:
            act = _ACTS.get(opcode)
            if act is None:
                raise RefusedError(f"its pickle contains the opcode {opcode}, which weights do not need")
            act(self, argument)

    def popped(self, count: int) -> list[Any]:
        """Take the last `count` objects from the stack."""
        if len(self.stack) < count:
            raise IndexError
        taken = self.stack[-count:]
        del self.stack[-count:]
        return taken

    def mark(self, _: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def since_mark(self) -> list[Any]:
        """Take everything above the last mark, and the mark."""
        taken, self.stack = self.stack, self.below.pop()
        return taken

    def put(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def get(self, place: int) -> None:
        self.stack.append(self.memo[place])

    def tuple(self, _: Any) -> None:
        taken = self.since_mark()
        self.stack.append(tuple(taken))

    def extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise RefusedError("its pickle appends to something other than a list")
        target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict or len(values) % 2:
            raise RefusedError("its pickle sets items of something other than a dict")
        target.update(as_dict(zip(values[::2], values[1::2], strict=True)))

    def build(self, _: Any) -> None:
        """Drop the attributes of a dict, such as the versions that torch attaches to a state dict."""
        self.stack.pop()
        if type(self.stack[-1]) is not dict:
            raise RefusedError("its pickle sets attributes of something other than a dict")

    def push_known(self, name: str) -> None:
        if name not in self.known:
            raise RefusedError(f"it contains {shown(name)}, which weights do not need")
        self.stack.append(self.known[name])

    def stack_global(self, _: Any) -> None:
        module, name = self.popped(2)
        self.push_known(f"{module}.{name}" if type(module) is type(name) is str else "a name that is not a text")

    def reduce(self, _: Any) -> None:
        maker, arguments = self.popped(2)
        if not isinstance(maker, Maker) or type(arguments) is not tuple:
            raise RefusedError("its pickle calls something that weights do not need")
        self.stack.append(maker.make(arguments))

    def persistent_id(self, _: Any) -> None:
        if self.persistent is None:
            raise RefusedError("its pickle refers to something outside it")
        self.stack.append(self.persistent(self.stack.pop()))


_ACTS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "MEMOIZE": _Machine.memoize,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "TUPLE": _Machine.tuple,
    "APPEND": lambda machine, _: machine.extend(machine.popped(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.popped(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "BUILD": _Machine.build,
    "GLOBAL": lambda machine, names: machine.push_known(names.replace(" ", ".", 1)),
    "STACK_GLOBAL": _Machine.stack_global,
    "REDUCE": _Machine.reduce,
    "BINPERSID": _Machine.persistent_id,
}


def as_dict(pairs: Any) -> dict[Any, Any]:
    """Pairs as a dict. Raises RefusedError for keys other than texts and small whole numbers.

    Hashes of these cannot be chosen so that many keys collide, and are computed without recursion.
    """
    made = {}
    for key, value in pairs:
        if type(key) is not str and not (type(key) is int and abs(key) < 2**31):
            raise RefusedError("its pickle has a key that is not a text")
        made[key] = value
    return made
