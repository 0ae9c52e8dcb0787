"""Draw docs/benchmarks.md, docs/reliability.md and docs/tutorials.md from the measurements in results/.

python benchmarks/results.py            # write the pages
python benchmarks/results.py --check    # fail if a page differs from its measurements
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import scorecard
import tutorials
from _results import HERE, current, lines

DOCS = HERE.parent / "docs"
TABLES = (
    "training",
    "prediction",
    "startup",
    "reading",
    "decode",
    "resize",
    "streaming",
    "check",
    "bursts",
    "transfer",
    "hostile",
    "ablation",
)
"""Each is a module in this folder with `section(measurements) -> str`, and a command that adds measurements."""

HEAD = """# Benchmarks

`python benchmarks/results.py` draws this page from `benchmarks/results/`; each table names the command that measures
it. The machines are shared, and their speed varies by half from one hour to the next. A ratio is therefore printed
only for programs that ran one after the other on the same machine. Values are means over seeds, with the lowest and
the highest in brackets. Stock Keras computes in float32, its default; tellapart chooses its precision itself, see
[recipes.md](recipes.md#precision).

Keras's `fit` on TensorFlow waits for a thread of tf.data at the end of some epochs, up to half a minute each. The
times of stock Keras include such waits (images per second, which are those of the fastest epoch, do not). tellapart
feeds `fit` in another way (`feed` in `src/tellapart/networks/backend.py`), and does not wait.

Not measured: a GPU. None was available. For JAX, which would use one, the test suite trains `quick` on the CPU
(`tests/test_backends.py`).
"""

EMPTY = """Nothing has been measured yet. `python benchmarks/training.py mnist`, `prediction.py`, `startup.py`,
`reading.py`, `check.py` and `ablation.py` measure.
"""


def benchmarks_page() -> str:
    """docs/benchmarks.md: a section for each table that has measurements."""
    sections = [importlib.import_module(name).section(current(lines(name))) for name in TABLES if lines(name)]
    return "\n".join([HEAD, *(sections or [EMPTY])])


def pages() -> dict[Path, str]:
    """The path and text of each page that has measurements."""
    texts = {DOCS / "benchmarks.md": benchmarks_page()}
    if measured := lines("reliability"):
        texts[DOCS / "reliability.md"] = scorecard.page(measured)
    if measured := lines("tutorials"):
        path = DOCS / "tutorials.md"
        texts[path] = tutorials.page(measured, path.read_text(encoding="utf-8"))
    return texts


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        old = [path.name for path, text in pages().items() if path.read_text(encoding="utf-8") != text]
        sys.exit(f"{', '.join(old)}: differ from benchmarks/results/; run python benchmarks/results.py" if old else 0)
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
