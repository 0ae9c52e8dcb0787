"""Hostile files of weights, each for a way to make a reader run, open, allocate or repeat something.

None of them does harm: a reader that runs their content at most creates an empty file named `canary` in their folder.
"""

from __future__ import annotations

import pickle
import struct
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests import hostile_models
from tests.weights_files import (
    MAGIC,
    NO,
    NONE,
    ORDERED,
    group,
    named,
    npy,
    npy_with_header,
    number,
    pickled,
    safetensors,
    state_dict,
    storage,
    table,
    tensor,
    text,
    torch_archive,
    torch_files,
    torch_legacy,
    zipped,
)  # fmt: skip

FOUR = np.arange(4, dtype="<f4")


def bodies(canary: Path) -> Iterator[tuple[str, bytes, str]]:
    """Hostile pickles, without start and stop: a name, the opcodes, and words of the reason."""
    call = group(text(f"touch {canary}")) + b"R"
    good = tensor(storage())
    yield "system", named("os", "system") + call, "it contains 'os.system'"
    yield "eval", named("builtins", "eval") + call, "it contains 'builtins.eval'"
    yield "getattr", named("__builtin__", "getattr") + call, "__builtin__.getattr"
    yield "hub", named("torch.hub", "load") + call, "torch.hub.load"
    yield "module", named("torch.nn.modules.container", "Sequential") + b")\x81", "Sequential"
    yield "numpy", named("numpy.core.multiarray", "_reconstruct") + b")R", "_reconstruct"
    yield "method", named("collections", "OrderedDict.fromkeys") + call, "OrderedDict.fromkeys"
    yield "stack-global", text("posix") + text("system") + b"\x93" + call, "posix.system"
    yield "stack-global-of-numbers", number(1) + number(2) + b"\x93", "a name that is not a text"
    yield "stack-global-of-lists", b"]]\x93", "a name that is not a text"
    yield "instance", b"(" + text(f"touch {canary}") + b"ios\nsystem\n", "opcode INST"
    yield "object", b"(" + ORDERED + b"o", "opcode OBJ"
    yield "new-object", named("collections", "OrderedDict") + b")\x81", "opcode NEWOBJ"
    yield "new-object-ex", named("collections", "OrderedDict") + b")}\x92", "opcode NEWOBJ_EX"
    yield "extension-1", b"\x82\x01", "opcode EXT1"
    yield "extension-2", b"\x83\x01\x00", "opcode EXT2"
    yield "extension-4", b"\x84\x01\x00\x00\x00", "opcode EXT4"
    yield "persistent-text", b"Pstorage\n", "opcode PERSID"
    yield "persistent-list", b"]Q", "refers to something other than a storage"
    yield "persistent-number", number(3) + b"Q", "refers to something other than a storage"
    yield "persistent-module", storage(what="module"), "refers to something other than a storage"
    yield "persistent-table", group(*[b"}"] * 5) + b"Q", "refers to something other than a storage"
    yield "persistent-kind", group(text("storage"), *[text("x")] * 3, number(4)) + b"Q", "in an unknown way"
    yield "persistent-untyped", storage(kind="Untyped"), "torch.UntypedStorage"
    yield "call-of-a-text", text("x") + b")R", "calls something"
    yield "call-of-a-kind", named("torch", "FloatStorage") + b")R", "calls something"
    yield "call-with-a-list", named("collections", "OrderedDict") + b"]R", "calls something"
    yield "pairs-of-one", named("collections", "OrderedDict") + group(b"](" + group(text("x")) + b"e") + b"R", "damaged"
    yield "build-of-a-tensor", good + b"}b", "sets attributes of something other than a dict"
    yield "build-of-a-list", b"]}b", "sets attributes of something other than a dict"
    yield "build-of-nothing", b"b", "damaged"
    yield "append-to-a-dict", b"}" + NONE + b"a", "appends to something other than a list"
    yield "item-of-a-list", b"]" + text("x") + NONE + b"s", "sets items of something other than a dict"
    yield "odd-items", b"}(" + text("x") + b"u", "sets items of something other than a dict"
    yield "key-of-tuples", b"}" + b")" + b"\x85" * 100_000 + NONE + b"s", "a key that is not a text"
    yield "key-that-collides", b"}" + number(2**61 - 1) + NONE + b"s", "a key that is not a text"
    yield "deep-tuples", b")" + b"\x85" * 400_000, "no table of arrays"
    yield "deep-lists", b"](" * 150_000 + b"]" + b"e" * 150_000, "no table of arrays"
    yield "circle", b"}q\x00" + text("state_dict") + b"h\x00s", "no table of arrays"
    yield "steps", b"N0" * 10 + NONE, "opcode POP"
    yield "many-steps", b"](" + b"N" * 600_000 + b"e", "more than 500,000 steps"
    yield "duplicate", NONE + b"2", "opcode DUP"
    yield "set", b"\x8f", "opcode EMPTY_SET"
    yield "bytearray", b"\x96" + struct.pack("<Q", 2**40), "damaged"
    yield "buffer", b"\x97", "opcode NEXT_BUFFER"
    yield "long-number", b"\x8b" + struct.pack("<i", 2**31 - 1), "damaged"
    yield "long-text", b"\x8d" + struct.pack("<Q", 2**62), "damaged"
    yield "number-in-digits", b"L" + b"9" * 10_000 + b"L\n", "damaged"
    yield "memo", b"h\x07", "damaged"
    yield "underflow", b"R", "damaged"
    yield "no-mark", b"t", "damaged"
    yield "unknown-opcode", b"\xff", "damaged"
    yield "two-objects", NONE + NONE, "damaged"
    yield "list", b"]", "no table of arrays"
    yield "numbers-only", table({"a": number(3)}), "no table of arrays"
    for name, one, words in tensors():
        yield name, table({"a": one}), words


def tensors() -> Iterator[tuple[str, bytes, str]]:
    """Arrays that do not fit their storage of four numbers."""
    rebuild = named("torch._utils", "_rebuild_tensor_v2")
    beyond = "larger than its storage"
    yield "beyond-its-end", tensor(storage(), (5,)), beyond
    yield "offset-beyond", tensor(storage(), (4,), (1,), 1), beyond
    yield "offset-negative", tensor(storage(), (4,), (1,), -4), "in an unknown way"
    yield "offset-huge", tensor(storage(), (1,), (1,), 2**62), beyond
    yield "stride-beyond", tensor(storage(), (2, 2), (3, 1)), beyond
    yield "stride-negative", tensor(storage(), (2,), (-1,)), "no valid shape"
    yield "stride-huge", tensor(storage(), (2,), (2**62,)), beyond
    yield "strides-missing", tensor(storage(), (2, 2), (1,)), "strides that do not fit"
    yield "repeated-bomb", tensor(storage(), (2**20, 2**20), (0, 0)), "larger than the file"
    yield "empty-bomb", tensor(storage(), (0, 2**62, 2**62), (1, 1, 1)), "no valid shape"
    yield "shape-negative", tensor(storage(), (-1,)), "no valid shape"
    yield "shape-huge", tensor(storage(), (2**90,), (0,)), "no valid shape"
    yield "shape-of-nine", tensor(storage(), (1,) * 9, (1,) * 9), "no valid shape"
    yield (
        "shape-of-truth",
        rebuild + group(storage(), number(0), group(b"\x88"), group(b"\x88"), NO, ORDERED) + b"R",
        ("no valid shape"),
    )
    yield (
        "shape-of-text",
        rebuild + group(storage(), number(0), text("44"), text("11"), NO, ORDERED) + b"R",
        ("no valid shape"),
    )
    yield "no-storage", rebuild + group(text("x"), number(0), group(), group(), NO, ORDERED) + b"R", "an unknown way"
    yield "no-arguments", rebuild + b")R", "damaged"
    yield "parameter-of-nothing", named("torch._utils", "_rebuild_parameter") + b")R", "a parameter is described"
    yield "conjugate", rebuild + group(
        storage(), number(0), group(number(4)), group(number(1)), NO, ORDERED, table({"conj": b"\x88"})
    ) + b"R", "an unknown way"  # fmt: skip
    yield "storage-huge", tensor(storage(count=2**62), (4,)), ""
    yield "storage-negative", tensor(storage(count=-4)), "in an unknown way"
    yield "storage-missing", tensor(storage("../../canary")), ""
    twice = group(storage(), storage(kind="Double")) + b"R"
    yield "storage-of-two-kinds", named("collections", "OrderedDict") + twice, "described in two ways"


def torch_of_bodies(canary: Path) -> Iterator[tuple[str, bytes, str]]:
    """The hostile pickles in both layouts of torch.save."""
    for name, body, words in bodies(canary):
        yield f"zip-{name}.pth", torch_archive(body, {"0": FOUR.tobytes()}), words
        legacy = torch_legacy(body.replace(b"J\x04\x00\x00\x00tQ", b"J\x04\x00\x00\x00NtQ"), {"0": (4, FOUR.tobytes())})
        yield f"legacy-{name}.pth", legacy, words


def plain_pickles(canary: Path) -> Iterator[tuple[str, bytes, str]]:
    for protocol in range(6):
        words = "it contains" if protocol >= 2 else "its format is not known"
        yield f"pickle-{protocol}.pth", pickle.dumps(hostile_models.Touch(canary), protocol), words
    yield "pickle-number.pth", pickled(number(7)), "torch.save did not write"
    yield "pickle-version.pth", pickled(MAGIC) + pickled(number(1002)), "version is not known"
    body = named("os", "system") + group(text(f"touch {canary}")) + b"R"
    yield "pickle-information.pth", pickled(MAGIC) + pickled(number(1001)) + pickled(body), "'os.system'"
    rest = pickled(table({"a": tensor(storage(legacy=True))})) + pickled(body)
    head = pickled(MAGIC) + pickled(number(1001)) + pickled(NONE)
    yield "pickle-keys.pth", head + rest, "'os.system'"
    keys = pickled(table({"a": tensor(storage(legacy=True))})) + pickled(b"]" + b")" + b"\x85" * 100_000 + b"a")
    yield "pickle-keys-deep.pth", head + keys, "list of storages"
    _, good = torch_files({"a": FOUR})
    yield "legacy-more.pth", good + b"x", "bytes after its last storage"
    view = group(text("storage"), named("torch", "FloatStorage"), text("0"), text("cpu"), number(4), group(NONE)) + b"Q"
    yield "legacy-view.pth", torch_legacy(table({"a": tensor(view)}), {"0": (4, FOUR.tobytes())}), "in an unknown way"


def archives() -> Iterator[tuple[str, bytes, str]]:
    body, data = state_dict({"a": FOUR}), FOUR.tobytes()
    yield "zip-short.pth", torch_archive(body, {"0": data[:-4]}), "does not have the size"
    yield "zip-long.pth", torch_archive(body, {"0": data * 2}), "too large"
    yield "zip-missing.pth", torch_archive(body, {}), "no member 'archive/data/0'"
    yield "zip-big-endian.pth", torch_archive(body, {"0": data}, byteorder=b"big"), "not little-endian"
    yield "zip-of-others.pth", zipped({"config.json": b"{}"}), "no data.pkl"
    yield "zip-of-nothing.pth", zipped({}), "no data.pkl"
    yield "zip-of-two.pth", zipped({"a/data.pkl": b"", "b/data.pkl": b""}), "no data.pkl, or several"
    bomb = zipped({"archive/data.pkl": pickled(body), "archive/data/0": bytes(2**24)}, zipfile.ZIP_DEFLATED)
    yield "zip-bomb.pth", bomb, "too large"
    many = {"0": bytes(2**24)}
    huge = zipped(
        {
            "archive/data.pkl": pickled(table({"a": tensor(storage(count=2**22), (2**22,))})),
            "archive/data/0": many["0"],
        },
        zipfile.ZIP_DEFLATED,
    )
    yield "zip-bomb-that-fits.pth", huge, "larger than the file"
    pickles = zipped({"archive/data.pkl": b"\x80\x02" + b"N" * (2**24 + 1)}, zipfile.ZIP_DEFLATED)
    yield "zip-bomb-of-a-pickle.pth", pickles, "too large"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        twice = zipped({"archive/data.pkl": pickled(body), "archive/data.pkx": b""}).replace(b"data.pkx", b"data.pkl")
    yield "zip-twice.pth", twice, "two members with the same name"
    yield "zip-encrypted.pth", hostile_models._encrypted(zipped({"a/data.pkl": pickled(body)})), "encrypted"
    good = torch_archive(body, {"0": data})
    yield "zip-changed.pth", good.replace(data, data[::-1]), "is damaged"
    yield "zip-long-list.pth", _long_list(), "a list of members of more than"
    yield "zip-overlapping.npz", _overlapping(), ""


def _long_list() -> bytes:
    """An archive whose list of members has 5 MB, and which has almost nothing else."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<H", 2) + bytes(16) + b"xx"
    listing = entry * (5_000_000 // len(entry))
    return b"PK\x03\x04" + listing + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 65_535, 65_535, len(listing), 4, 0)


def _overlapping() -> bytes:
    """An archive of 2,000 members that are all the same 64 kB."""
    one = zipped({"a.npy": npy(np.zeros(16_000, np.float32))})
    start = one.index(b"PK\x01\x02")
    entry = one[start : one.index(b"PK\x05\x06")]
    entries = b"".join(entry.replace(b"a.npy", b"a.npy" + b"%08d.npy" % i) for i in range(2_000))
    entries = entries.replace(struct.pack("<H", 5) + bytes(2), struct.pack("<H", 17) + bytes(2))
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2_000, 2_000, len(entries), start, 0)
    return one[:start] + entries + end


def safetensors_files() -> Iterator[tuple[str, bytes, str]]:
    data = FOUR.tobytes()
    overlaps = "overlaps another array"
    for name, entries, words in (
        ("overlap", [("a", "F32", [4], 0, 16), ("b", "F32", [4], 0, 16)], overlaps),
        ("overlap-partly", [("a", "F32", [2], 0, 8), ("b", "F32", [3], 4, 16)], overlaps),
        ("gap", [("a", "F32", [1], 0, 4), ("b", "F32", [1], 12, 16)], overlaps),
        ("backwards", [("a", "F32", [4], 16, 0)], overlaps),
        ("beyond", [("a", "F32", [8], 0, 32)], overlaps),
        ("other-size", [("a", "F32", [3], 0, 16)], overlaps),
        ("huge", [("a", "F32", [2**62, 2**62], 0, 16)], "no valid shape"),
        ("large", [("a", "F32", [2**40], 0, 16)], overlaps),
        ("huge-number", [("a", "F32", [2**70], 0, 16)], "no valid shape"),
        ("negative", [("a", "F32", [-4], 0, 16)], "no valid shape"),
        ("negative-place", [("a", "F32", [4], -16, 0)], "no valid place"),
        ("real-place", [("a", "F32", [4], 0.0, 16.0)], "no valid place"),
        ("real-shape", [("a", "F32", [4.0], 0, 16)], "no valid shape"),
        ("true-shape", [("a", "F32", [True], 0, 16)], "no valid shape"),
        ("text-shape", [("a", "F32", "4", 0, 16)], "no valid shape"),
        ("kind", [("a", "F8_E4M3", [4], 0, 16)], "an unknown kind"),
        ("kind-of-a-list", [("a", ["F32"], [4], 0, 16)], "an unknown kind"),
        ("more", [("a", "F32", [3], 0, 12)], "bytes that belong to no array"),
        ("nothing", [], "bytes that belong to no array"),
    ):
        yield f"{name}.safetensors", safetensors(entries, data), words
    one = b'"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}'
    yield "twice.safetensors", safetensors([], data, b"{" + one + b", " + one + b"}"), "a name twice"
    yield "deep.safetensors", safetensors([], data, b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "not valid JSON"
    yield "digits.safetensors", safetensors([], data, b'{"a": ' + b"9" * 10_000 + b"}"), "not valid JSON"
    yield "text.safetensors", safetensors([], data, b'{__import__("os")}'), "not valid JSON"
    yield "list.safetensors", safetensors([], data, b'{"a": []}'), "no valid place"
    yield "large-table.safetensors", safetensors([], data, b"{" + b" " * 5_000_000 + b"}"), "more than 4,194,304 bytes"
    yield "no-table.safetensors", struct.pack("<Q", 2**63) + b"{}", "its format is not known"


def npz_files() -> Iterator[tuple[str, bytes, str]]:
    shape = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }"
    objects = npy(np.array([hostile_models.Touch(Path("canary"))]), allow_pickle=True)
    records = npy(np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
    for name, data, words in (
        ("objects", objects, "does not contain plain numbers"),
        ("records", records, "does not contain plain numbers"),
        ("texts", npy(np.array(["a"])), "does not contain plain numbers"),
        ("complex", npy(np.zeros(2, np.complex64)), "does not contain plain numbers"),
        ("declared", npy_with_header(shape % "(1000000000000,)", bytes(16)), "does not have the size"),
        ("declared-zero", npy_with_header(shape % "(0, 10**9)", b""), "is not an array"),
        ("negative", npy_with_header(shape % "(-4,)", bytes(16)), "no valid shape"),
        ("true", npy_with_header(shape % "(True, 4)", bytes(16)), "no valid shape"),
        ("nine", npy_with_header(shape % f"({'1, ' * 9})", bytes(4)), "no valid shape"),
        ("code", npy_with_header("__import__('pathlib').Path('canary').touch()"), "is not an array"),
        ("deep", npy_with_header("(" * 9000 + ")" * 9000), "is not an array"),
        ("long", npy_with_header(shape % f"({'1, ' * 20_000})"), "is not an array"),
        ("text", b"hello", "is not an array"),
        ("nothing", b"", "is not an array"),
    ):
        yield f"{name}.npz", zipped({"a.npy": data}), words
    yield "bomb.npz", zipped({"a.npy": npy(np.zeros(2**22, np.float32))}, zipfile.ZIP_DEFLATED), "too large"


def cut_files() -> Iterator[tuple[str, bytes, str]]:
    """Good files that end early, in every region of them."""
    archive, legacy = torch_files({"a": FOUR, "b": np.ones((2, 3), "<f4")})
    kinds = {
        "zip.pth": archive,
        "legacy.pth": legacy,
        "cut.safetensors": safetensors([("a", "F32", [4], 0, 16)], FOUR.tobytes()),
        "cut.npz": zipped({"a.npy": npy(FOUR), "b.npy": npy(FOUR)}),
    }
    for name, data in kinds.items():
        for length in sorted({*range(1, len(data), max(1, len(data) // 40)), len(data) - 1}):
            yield f"cut-{length}-{name}", data[:length], ""


def all_files(canary: Path) -> Iterator[tuple[str, bytes, str]]:
    """Every hostile file: its name, its bytes, and words of the reason for which it must be refused."""
    yield from torch_of_bodies(canary)
    yield from plain_pickles(canary)
    yield from archives()
    yield from safetensors_files()
    yield from npz_files()
    yield from cut_files()
    for name, data in hostile_models.hdf5_files():
        if name in ("h5-external.h5", "h5-outside.h5", "h5-virtual.h5", "h5-declared.h5"):  # the others: see there
            yield name, data, "its weights are refused"
    yield "empty.pth", b"", "its format is not known"
    yield "text.pth", b"hello, I am not a file of weights", "its format is not known"
