"""docs/reliability.md: the rules, and the results of reliability.py and fuzz.py in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _tables import measured_on, table

HEAD = """# Reliability

What happens when something goes wrong, in numbers. `python benchmarks/results.py` draws this page from
`benchmarks/results/reliability.jsonl`; every line names its command. The faults are made with public tools: SIGKILL,
`strace`, a small file system, memory limits, flipped bits. The test suite contains small doses of each.

## The rules

- A checkpoint is a folder that gets its name when all its bytes are on the disk. Its manifest contains the SHA-256 of
  everything, including itself. It is read back before an older one is deleted. Two are kept, each with the best
  weights.
- A checkpoint contains the weights, the optimizer, the schedule, averaged weights, the best weights so far, the
  position in the data and the state of every random stream. A resumed run is therefore the same training, to the last
  bit on the same machine.
- No training starts from scratch by itself: a damaged checkpoint is named and the previous one used. If no checkpoint
  is intact, the training ends with an error.
- A model file ends in a SHA-256 of all its bytes. A file from elsewhere is never given to Keras's loader. Its
  description is compared with a list of plain layers, and its size is computed before any memory is reserved. Its
  weights are read, and its ONNX network is run for the first time, in a process that cannot open files or sockets (if
  the system has such limits; Windows does not).

"""


def page(measurements: list[dict[str, Any]]) -> str:
    """docs/reliability.md, from the newest measurement of each line."""
    newest = {line["line"]: line for line in measurements}
    rows = [row for name, form in ROWS.items() if name in newest for row in form(newest[name])]
    rows = [[fault, f"**{result}**", f"`{command}`"] for fault, result, command in rows]
    scores = table(["fault", "result", "command"], rows)
    return f"{HEAD}## The scorecard\n\n{measured_on(measurements)}\n\n{scores}\n"


def _yes(*values: Any) -> str:
    return "yes" if all(values) else "NO"


def _killed(line: dict[str, Any]) -> list[list[str]]:
    command = f"python benchmarks/reliability.py killed --kills {line['asked'][0]} --trainings {line['asked'][1]}"
    by = ", ".join(f"{name} {counts['same']} of {counts['trainings']}" for name, counts in line["by_recipe"].items())
    killed = "SIGKILL at random moments of training: resumes by itself from an intact checkpoint, if there is one yet"
    lost = "... most time lost, once a start had written its first checkpoint (one per second was requested)"
    return [
        [killed, f"{line['resumed']} of {line['kills']}", command],
        [lost, f"{line['most_lost']:.1f} s", command],
        [f"... the final weights are those of an uninterrupted training, bit for bit ({by})",
         f"{line['same']} of {line['trainings']}", command],
        ["... and so is the best epoch", f"{line['same_best']} of {line['trainings']}", command],
    ]  # fmt: skip


def _long(line: dict[str, Any]) -> list[list[str]]:
    minutes, kills = line["seconds"] / 60, line["kills"]
    fault = f"a training of {minutes:.0f} minutes, killed {kills} times, every 20 to 60 s: the same weights"
    return [[fault, _yes(line["same"], line["folders"] == 1), "python benchmarks/reliability.py long"]]


def _calls(line: dict[str, Any]) -> list[list[str]]:
    names = {"checkpoint": "a checkpoint", "model": "a model file", "record": "run.json"}
    return [
        [f"SIGKILL at every system call of saving {names[kind]}: the old state or the new one",
         f"{counts['old'] + counts['new']} of {counts['kills']}", "python benchmarks/reliability.py calls"]
        for kind, counts in line.items() if kind in names
    ]  # fmt: skip


def _writes(line: dict[str, Any]) -> list[list[str]]:
    names, command = {"ENOSPC": "disk full", "EIO": "I/O error"}, "python benchmarks/reliability.py writes"
    fault = "the N-th write fails, for every N: a checkpoint is intact; if an error is reported, it names path and size"
    return [
        [
            f"{fault} ({names[kind]})",
            f"{counts['whole']} of {counts['tries']}; {counts['named']} of {counts['faults']}",
            command,
        ]
        for kind, counts in line.items()
        if kind in names
    ]


def _disk(line: dict[str, Any]) -> list[list[str]]:
    command = "python benchmarks/reliability.py disk"
    return [
        ["disk nearly full at the start: refused, with the number of bytes needed, after",
         f"{line['seconds']} s" if line["refused"] else "NO", command],
        ["disk full during training: a warning, the previous checkpoint is intact, the training finishes",
         _yes(line["warned"], line["whole"], line["finished"]), command],
    ]  # fmt: skip


def _damage(line: dict[str, Any]) -> list[list[str]]:
    command = "python benchmarks/reliability.py damage"
    return [
        ["newest checkpoint cut, or one bit flipped: detected and reported, the previous one is used",
         f"{line['checkpoint']} of {line['checkpoint_tries']}", command],
        ["every checkpoint damaged: an error, no silent start from scratch", _yes(line["all_bad"]), command],
        ["model file cut, or one bit flipped: refused", f"{line['model']} of {line['model_tries']}", command],
    ]  # fmt: skip


def _signals(line: dict[str, Any]) -> list[list[str]]:
    command = "python benchmarks/reliability.py signals"
    return [
        ["Ctrl-C or SIGTERM: writes a checkpoint, prints how to resume, exits with the status of the signal",
         f"{line['kept']} of {line['stops']}", command],
        ["... after at most", f"{line['longest']} s", command],
        ["... with a second signal 0.6 s later, if it had not ended yet, after", f"{line['second']} s", command],
    ]  # fmt: skip


def _locks(line: dict[str, Any]) -> list[list[str]]:
    command = "python benchmarks/reliability.py locks"
    refused = "two processes in one run folder: the second is refused, with the process id of the first"
    return [
        [refused, _yes(line["refused"]), command],
        ["the lock of a killed process: taken over", _yes(line["recovered"]), command],
    ]


def _wild(line: dict[str, Any]) -> list[list[str]]:
    result = _yes(line["advised"], line["finite"], not line["exported"])
    fault = "the loss becomes NaN: stopped with advice, only finite numbers are kept, no model file"
    return [[fault, result, "python benchmarks/reliability.py wild"]]


def _memory(line: dict[str, Any]) -> list[list[str]]:
    result = _yes(line["named"], line["finished"])
    fault = "too little memory for the batch size: reported, smaller batches are tried, the training finishes"
    return [[fault, result, "python benchmarks/reliability.py memory"]]


def _hostile(line: dict[str, Any]) -> list[list[str]]:
    command = "python benchmarks/reliability.py hostile"
    rows = [
        ["hostile model files: refused with a reason", f"{line['refused']} of {line['files']}", command],
        ["... the slowest after", f"{line['longest']} s", command],
        ["... growth of memory", f"{line['mebibytes']} MiB", command],
    ]
    if "seen" in line:
        fault = "... files whose reading was traced, child processes included; other files, sockets, programs opened"
        rows.append([fault, f"{line['seen']}; {len(line['forbidden']) or 'none'}", command])
    return rows


def _cost(line: dict[str, Any]) -> list[list[str]]:
    return [
        [f"share of the training time that checkpoints take, flushed and read back ({recipe}, {cost['saves']} of them)",
         f"{cost['share']:.1%}", "python benchmarks/reliability.py cost"]
        for recipe, cost in line.items() if isinstance(cost, dict) and "share" in cost
    ]  # fmt: skip


def _fuzz(line: dict[str, Any]) -> list[list[str]]:
    files, readers = sum(reader["files"] for reader in line["readers"]), len(line["readers"])
    broken = sum(reader["found"] for reader in line["readers"])
    minutes = f"{line['minutes']:.0f} minutes"
    fault = f"{readers} readers fuzzed, {minutes}, {files:,} files: crashes, hangs, errors without message"
    return [[fault, str(broken), "python benchmarks/fuzz.py --minutes 60"]]


ROWS: dict[str, Callable[[dict[str, Any]], list[list[str]]]] = {
    "killed": _killed, "long": _long, "calls": _calls, "writes": _writes, "disk": _disk, "damage": _damage,
    "signals": _signals, "locks": _locks, "wild": _wild, "memory": _memory, "cost": _cost,
    "hostile": _hostile, "fuzz": _fuzz,
}  # fmt: skip
"""The rows of each kind of measurement, in the order of the page."""
