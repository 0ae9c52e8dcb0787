"""docs/reliability.md: the rules, and the figures of reliability.py and fuzz.py in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from results import table, where

HEAD = """# Reliability

What happens when something goes wrong, in numbers. Drawn by `python benchmarks/results.py` from
`benchmarks/results/reliability.jsonl`; every line names the command that makes it. Faults are made by public means:
SIGKILL, `strace`, a small file system, limits on memory, flipped bits. Small doses of all of it are in the test suite.

## The rules

- A checkpoint is a folder that gets its name when every byte of it is on the disk; its manifest holds the SHA-256 of
  everything, itself included. It is read back before an older one goes; two are kept, each with the best weights in it.
- It holds weights, optimizer, schedule, averaged weights, the best so far, the place in the data's order and the state
  of every random stream: what goes on is the same training, to the last bit on the same machine.
- Nothing starts anew by itself: a damaged checkpoint is named and the one before it taken; where none is whole, the
  training ends with an error.
- A model file ends in a SHA-256 of all its bytes. A file from elsewhere is never given to Keras's loader: its
  description is compared with a list of plain layers, its size is computed before anything is made, its weights are
  read, and its ONNX network is first tried, in a process that may open no file and no socket (where the system has such
  limits: not on Windows).

"""


def page(lines: list[dict[str, Any]]) -> str:
    """docs/reliability.md, from the newest figures of each line."""
    newest = {line["line"]: line for line in lines}
    rows = [row for name, form in ROWS.items() if name in newest for row in form(newest[name])]
    rows = [[what, f"**{result}**", f"`{how}`"] for what, result, how in rows]
    return HEAD + f"## The scorecard\n\n{where(lines)}\n\n" + table(["fault", "result", "command"], rows) + "\n"


def _yes(*values: Any) -> str:
    return "yes" if all(values) else "NO"


def _killed(line: dict[str, Any]) -> list[list[str]]:
    how = f"python benchmarks/reliability.py killed --kills {line['asked'][0]} --trainings {line['asked'][1]}"
    by = ", ".join(f"{name} {one['same']} of {one['trainings']}" for name, one in line["by_recipe"].items())
    killed = "SIGKILL at random moments of training: goes on by itself from a whole checkpoint, if there was one yet"
    lost = "... losing at most, where a start had come to its first checkpoint (one a second was asked for)"
    return [
        [killed, f"{line['resumed']} of {line['kills']}", how],
        [lost, f"{line['most_lost']:.1f} s", how],
        [f"... and the final weights are those of an undisturbed training, bit for bit ({by})",
         f"{line['same']} of {line['trainings']}", how],
        ["... and so is the epoch that was the best", f"{line['same_best']} of {line['trainings']}", how],
    ]  # fmt: skip


def _long(line: dict[str, Any]) -> list[list[str]]:
    minutes, kills = line["seconds"] / 60, line["kills"]
    what = f"a training of {minutes:.0f} minutes, killed {kills} times, every 20 to 60 s: the same weights"
    return [[what, _yes(line["same"], line["folders"] == 1), "python benchmarks/reliability.py long"]]


def _calls(line: dict[str, Any]) -> list[list[str]]:
    what = {"checkpoint": "a checkpoint", "model": "a model file", "record": "run.json"}
    return [
        [f"SIGKILL at every system call of saving {what[kind]}: the old state or the new",
         f"{one['old'] + one['new']} of {one['kills']}", "python benchmarks/reliability.py calls"]
        for kind, one in line.items() if kind in what
    ]  # fmt: skip


def _writes(line: dict[str, Any]) -> list[list[str]]:
    words, how = {"ENOSPC": "disk full", "EIO": "I/O error"}, "python benchmarks/reliability.py writes"
    what = (
        "the N-th call that writes fails, every N: a checkpoint is whole; where it is told of, path and bytes are named"
    )
    return [
        [f"{what} ({words[fault]})", f"{one['whole']} of {one['tries']}; {one['named']} of {one['faults']}", how]
        for fault, one in line.items()
        if fault in words
    ]


def _disk(line: dict[str, Any]) -> list[list[str]]:
    how = "python benchmarks/reliability.py disk"
    return [
        ["disk nearly full at the start: refused, with the bytes that are needed, after",
         f"{line['seconds']} s" if line["refused"] else "NO", how],
        ["disk full in the middle: said, the checkpoint before is whole, the training comes to its end",
         _yes(line["warned"], line["whole"], line["finished"]), how],
    ]  # fmt: skip


def _damage(line: dict[str, Any]) -> list[list[str]]:
    how = "python benchmarks/reliability.py damage"
    return [
        ["newest checkpoint cut or one bit flipped: found, said, the one before is taken",
         f"{line['checkpoint']} of {line['checkpoint_tries']}", how],
        ["every checkpoint damaged: an error, no silent start anew", _yes(line["all_bad"]), how],
        ["model file cut or one bit flipped: refused", f"{line['model']} of {line['model_tries']}", how],
    ]  # fmt: skip


def _signals(line: dict[str, Any]) -> list[list[str]]:
    how = "python benchmarks/reliability.py signals"
    return [
        ["Ctrl-C or SIGTERM: a checkpoint, how to go on, and the exit status of the signal",
         f"{line['kept']} of {line['stops']}", how],
        ["... after at most", f"{line['longest']} s", how],
        ["... and with a second signal 0.6 s later, where it was not over yet, after", f"{line['second']} s", how],
    ]  # fmt: skip


def _locks(line: dict[str, Any]) -> list[list[str]]:
    how = "python benchmarks/reliability.py locks"
    return [
        [
            "two processes in one run folder: the second is refused, with the first's process id",
            _yes(line["refused"]),
            how,
        ],
        ["the lock of a killed process: taken over", _yes(line["recovered"]), how],
    ]


def _wild(line: dict[str, Any]) -> list[list[str]]:
    result = _yes(line["advised"], line["finite"], not line["exported"])
    what = "the loss becomes NaN: stopped with advice, nothing but finite numbers kept, no model file"
    return [[what, result, "python benchmarks/reliability.py wild"]]


def _memory(line: dict[str, Any]) -> list[list[str]]:
    result = _yes(line["named"], line["finished"])
    what = "too little memory for the batch: named, smaller ones are tried, the training comes to its end"
    return [[what, result, "python benchmarks/reliability.py memory"]]


def _hostile(line: dict[str, Any]) -> list[list[str]]:
    how = "python benchmarks/reliability.py hostile"
    return [
        ["hostile model files: refused with a reason", f"{line['refused']} of {line['files']}", how],
        ["... the longest after", f"{line['longest']} s", how],
        ["... memory grown by", f"{line['mebibytes']} MiB", how],
        *([["... whose reading was traced, with the processes it starts; other files, sockets, programs opened",
            f"{line['seen']}; {len(line['strange']) or 'none'}", how]] if "seen" in line else []),
    ]  # fmt: skip


def _cost(line: dict[str, Any]) -> list[list[str]]:
    return [
        [f"what checkpoints cost of the training's time, flushed and read back ({recipe}, {one['saves']} of them)",
         f"{one['share']:.1%}", "python benchmarks/reliability.py cost"]
        for recipe, one in line.items() if isinstance(one, dict) and "share" in one
    ]  # fmt: skip


def _fuzz(line: dict[str, Any]) -> list[list[str]]:
    files, readers = sum(one["files"] for one in line["readers"]), len(line["readers"])
    found = sum(one["found"] for one in line["readers"])
    what = f"{readers} readers fuzzed, {line['minutes']:.0f} minutes, {files:,} files: crashes, hangs, wordless errors"
    return [[what, str(found), "python benchmarks/fuzz.py --minutes 60"]]


ROWS: dict[str, Callable[[dict[str, Any]], list[list[str]]]] = {
    "killed": _killed, "long": _long, "calls": _calls, "writes": _writes, "disk": _disk, "damage": _damage,
    "signals": _signals, "locks": _locks, "wild": _wild, "memory": _memory, "cost": _cost,
    "hostile": _hostile, "fuzz": _fuzz,
}  # fmt: skip
