"""ONNX files pass two guards before they are opened: measure what each one refuses alone.

    python benchmarks/onnx_guards.py        # about 2 minutes on 2 cores

The walk (sandbox/onnx_file.py) reads the file's bytes; the trial (sandbox/onnx_trial.py) opens and runs the file in a
restricted process. Inputs: the attacks of tests/hostile_onnx.py, the ONNX files of tests/hostile_models.py, and 3,000
mutations of two sound files, which are mostly harmless when no guard refuses them. Columns: refused by both, only by
the walk, only by the trial, by neither; the trial's longest processor time and largest memory.

Measured on 2 shared cores, Linux, ONNX Runtime 1.32, November 2026:

                                        files  both  walk trial  none      s    MiB
    weights in another file                 4     3     1     0     0    0.0      0
    weights declared too large              4     1     0     3     0    0.0      0
    operations of other makers              6     2     4     0     0    0.0      0
    functions and training steps            4     2     2     0     0    9.5      0
    branches and loops                      4     1     3     0     0   11.2      0
    memory, by constants                   11     6     1     4     0    1.1    502
    time                                    3     0     1     2     0   15.0     59
    crashes of the runtime                  3     0     0     3     0    1.3   1035
    texts                                   2     1     1     0     0    1.0    767
    sleepers: wait for another picture      5     0     3     0     2    0.0      0
    tricks of the wire format              15    12     3     0     0    0.1      0
    mutations of a recipe                1500  1396     0    46    58    0.0      0
    mutations of small                   1500  1341     1     6   152    0.0      0
    all                                  3061  2765    20    64   212   15.0   1035

Both guards are needed. Only the walk refuses loops and branches that a black picture does not trigger, operations
outside the list, and files that name other files. Only the trial refuses crashes of the runtime, and memory and time
that sizes inside the file do not show. In the main process, the limit on ONNX Runtime's memory stops the two sleepers
that pass both guards: they end in a ModelFileError with a peak of 312 MiB. The walk's rule for growing operations
(Expand, Tile, Pad, Resize ...) is covered by the trial on Linux. It stays, because macOS and Windows do not enforce the
memory limit of the trial.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

MUTATIONS = 3_000
"""Of two sound files, half of each."""

SECONDS = 40
"""Wall-clock limit of one trial, as in tellapart.classifier.sandbox.process."""


@dataclass(frozen=True)
class Verdict:
    """The answers of both guards for one file. `walk` and `trial` are reasons, or None where the file passed."""

    kind: str
    name: str
    walk: str | None
    trial: str | None
    walk_seconds: float
    trial_seconds: float
    trial_mebibytes: float


def verdict_on(case: tuple[str, str, bytes]) -> Verdict:
    """Run both guards on one file, whatever the other one says."""
    from tellapart.classifier.sandbox.onnx_file import check_onnx
    from tellapart.errors import ModelFileError

    kind, name, data = case
    start, walk = time.process_time(), None
    try:
        check_onnx(data, name)
    except ModelFileError as error:
        walk = str(error.__cause__)
    walked = time.process_time() - start
    trial, seconds, mebibytes = run_trial(data)
    return Verdict(kind, name, walk, trial, walked, seconds, mebibytes)


def run_trial(data: bytes) -> tuple[str | None, float, float]:
    """Reason, processor seconds and MiB of the trial. It runs in a fork of this process, to save its start."""
    from tellapart.classifier.sandbox import onnx_trial

    folder = str(Path(onnx_trial.__file__).parent)
    if folder not in sys.path:
        sys.path.append(folder)
    import onnx_session  # noqa: F401
    import restricted  # noqa: F401

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.closerange(3, 256)
        os._exit(0 if onnx_trial.run_restricted(data) is None else 3)
    end = time.monotonic() + SECONDS
    while True:
        ended, status, usage = os.wait4(child, os.WNOHANG)
        if ended:
            break
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.001)
    code = os.waitstatus_to_exitcode(status)
    words = {0: None, 3: "refused by ONNX Runtime"}.get(code, f"process ended: {_signal(code)}")
    return words, usage.ru_utime + usage.ru_stime, max(0, usage.ru_maxrss - before) / 1024


def _signal(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"


WHITE = """
import resource, sys
import numpy as np
from tellapart.classifier import runtime
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
network = runtime.OnnxRuntime(open(sys.argv[1], "rb").read())
try:
    network(np.full((1, 8, 8, 1), 255, np.uint8))
except runtime.ModelFileError as error:
    print("ModelFileError")
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def on_white(data: bytes) -> str:
    """What a file that passes both guards does in the main process, on a white picture."""
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(data)
        file.flush()
        done = subprocess.run([sys.executable, "-c", WHITE, file.name], capture_output=True, text=True)
    return " ".join(done.stdout.split()) or f"status {done.returncode}"


def cases() -> list[tuple[str, str, bytes]]:
    """Every attack and mutation: (kind, name, bytes)."""
    import numpy as np
    from tests import hostile_models, hostile_onnx
    from tests.readers import mutated

    from tellapart.classifier.model_file import read_model

    found = list(hostile_onnx.attacks())
    with tempfile.TemporaryDirectory() as folder:
        model = next(hostile_onnx.FILES.glob("tellapart-*.keras"))
        for name, path in hostile_models.own_files(Path(folder), model):
            if "onnx" in name:
                found.append(("tricks of the wire format", name, read_model(path)[1]["model.onnx"]))
    rng = np.random.default_rng(0)
    for name, seed in (("ours", hostile_onnx.ours()), ("small", hostile_onnx.sound())):
        found += [(f"mutations of {name}", str(i), mutated(seed, rng)) for i in range(MUTATIONS // 2)]
    return found


def main() -> None:
    start, listed = time.monotonic(), cases()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        verdicts = pool.map(verdict_on, listed, chunksize=1)
    print(f"{'':38}{'files':>6}{'both':>6}{'walk':>6}{'trial':>6}{'none':>6}{'s':>7}{'MiB':>7}")
    for kind in dict.fromkeys(verdict.kind for verdict in verdicts):
        print(_line(kind, [verdict for verdict in verdicts if verdict.kind == kind]))
    print(_line("all", verdicts))
    for verdict in verdicts:
        if not verdict.kind.startswith("mutations"):
            times = f"{verdict.trial_seconds:.1f} s, {verdict.trial_mebibytes:.0f} MiB"
            print(f"  {verdict.kind}: {verdict.name}: walk {verdict.walk}; trial {verdict.trial} ({times})")
    print("mutations, by the walk's rule: refused in all, and not by the trial")
    mutations = [v for v in verdicts if v.kind.startswith("mutations") and v.walk]
    rules = Counter(_rule(v.walk or "") for v in mutations)
    alone = Counter(_rule(v.walk or "") for v in mutations if v.trial is None)
    for rule, count in rules.most_common():
        print(f"  {count:5}{alone[rule]:6}  {rule}")
    print("mutations that ended the trial's process:", Counter(v.trial for v in verdicts if "ended" in (v.trial or "")))
    for (kind, name, data), verdict in zip(listed, verdicts, strict=True):
        if verdict.walk is verdict.trial is None and not kind.startswith("mutations"):
            print(f"  {kind}: {name}: passes both; on a white picture: {on_white(data)}")
    print(f"{time.monotonic() - start:.0f} s")


def _line(kind: str, verdicts: list[Verdict]) -> str:
    counts = Counter((v.walk is not None, v.trial is not None) for v in verdicts)
    both, walk, trial, none = (counts[key] for key in ((True, True), (True, False), (False, True), (False, False)))
    seconds, mebibytes = max(v.trial_seconds for v in verdicts), max(v.trial_mebibytes for v in verdicts)
    return f"{kind:38}{len(verdicts):6}{both:6}{walk:6}{trial:6}{none:6}{seconds:7.1f}{mebibytes:7.0f}"


def _rule(reason: str) -> str:
    return re.sub(r"'.*'|\d[\d,]*|(?<=an operation of ).*", "#", reason, flags=re.DOTALL)


if __name__ == "__main__":
    main()
