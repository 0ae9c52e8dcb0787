"""Tries a stranger's ONNX network: a program of its own, because some networks end the process that opens or runs them.

It takes the file's bytes on stdin, opens them as tellapart.classifier.runtime does and runs them on one black picture,
with the rights and limits of `restricted`, which end what takes too much. Exit status 0: it may be opened. It imports
nothing of tellapart: it is started by its path, isolated from the user's environment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path += [*sys.argv[1:], str(Path(__file__).parent)]  # where whoever starts it finds its libraries
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime

MEMORY, FACTOR, SECONDS = 2**30, 8, 20
"""Bytes that it may take, and so many times the file's size more; seconds of a processor."""


def main() -> int:
    """Exit status 3, and one line on stderr, for a network that ONNX Runtime refuses."""
    reason = run_restricted(sys.stdin.buffer.read())
    if reason is not None:
        print(reason, file=sys.stderr)
    return 0 if reason is None else 3


def run_restricted(model: bytes) -> str | None:
    """Restrict this process, then open a network and run it once; returns ONNX Runtime's reason for refusing it."""
    from onnx_session import opened
    from restricted import restrict

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    restrict(MEMORY + FACTOR * len(model), SECONDS)
    try:
        session = opened(model, options)
        (given,) = session.get_inputs()
        shape = [size if isinstance(size, int) else 1 for size in given.shape]
        session.run(None, {given.name: np.zeros(shape, np.float32)})
    except Exception as error:
        return (str(error).strip().splitlines() or [type(error).__name__])[-1][-200:]
    return None


if __name__ == "__main__":
    sys.exit(main())
