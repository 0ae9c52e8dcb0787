"""Try an untrusted ONNX network in a process of its own, because some networks crash the process that runs them.

The program reads the file's bytes on stdin, opens them as tellapart.classifier.runtime does and runs them on one black
picture, with the limits of `restricted`. Exit status 0: the network can be opened. It does not import the tellapart
package: it is started by its path, isolated from the user's environment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path += [*sys.argv[1:], str(Path(__file__).parent)]  # the library folders of the parent process
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

try:
    import numpy as np
    import onnxruntime
except ImportError as error:
    if __name__ != "__main__":
        raise
    from restricted import CANNOT_START

    print(error, file=sys.stderr)
    sys.exit(CANNOT_START)

MEMORY, FACTOR, SECONDS = 2**30, 8, 20
"""Memory limit: MEMORY bytes plus FACTOR times the file's size. Limit of processor time: SECONDS."""


def main() -> int:
    """Exit status REFUSED, and the reason as one line on stderr, for a network that ONNX Runtime refuses."""
    from restricted import REFUSED

    reason = run_restricted(sys.stdin.buffer.read())
    if reason is not None:
        print(reason, file=sys.stderr)
    return 0 if reason is None else int(REFUSED)


def run_restricted(model: bytes) -> str | None:
    """Restrict this process, then open a network and run it once; returns ONNX Runtime's reason for refusing it."""
    from onnx_session import open_session
    from restricted import restrict

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    restrict(MEMORY + FACTOR * len(model), SECONDS)
    try:
        session = open_session(model, options)
        (given,) = session.get_inputs()
        shape = [size if isinstance(size, int) else 1 for size in given.shape]
        session.run(None, {given.name: np.zeros(shape, np.float32)})
    except Exception as error:
        return (str(error).strip().splitlines() or [type(error).__name__])[-1][-200:]
    return None


if __name__ == "__main__":
    sys.exit(main())
