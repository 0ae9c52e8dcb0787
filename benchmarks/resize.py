"""The resize, the grey conversion and the fits under three versions of Pillow: bit-equal, and as fast as Pillow's own.

    python benchmarks/resize.py [--versions 11.3.0 12.* 13.*] [--environments FOLDER]

Makes an environment with NumPy and each version of Pillow (from PyPI), prepares 500 pictures of random shapes in each,
and compares the hashes of every result. The pictures are noise, some of it black and white, so that filters overshoot.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SHAPES = 500
FILTERS = ("nearest", "box", "bilinear", "bicubic", "lanczos")
SOURCE = Path(__file__).parent.parent / "src"


def case(number: int) -> tuple[np.ndarray, int, int, str]:
    """A picture, the size that it becomes, and the filter."""
    rng = np.random.default_rng(number)
    height, width, rows, columns = (int(side) for side in rng.integers(1, (700, 700, 257, 257)))
    if number % 3 == 0:
        height *= 4  # tall pictures, where Pillow 13 has another order
    pixels = rng.integers(0, 256, (height, width, 1 if number % 5 == 0 else 3), np.uint8)
    if number % 4 == 0:
        pixels = (pixels // 128 * 255).astype(np.uint8)
    return pixels, rows, columns, FILTERS[number % len(FILTERS)]


def hashes() -> dict[str, Any]:
    """What one version of Pillow gives: a hash for each case, ours and its own, and the seconds of both."""
    import PIL

    from tellapart.images.resize import crop_box, pad_box, resized

    ours, own, seconds = [], [], [0.0, 0.0]
    for number in range(SHAPES):
        pixels, rows, columns, name = case(number)
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        began = time.perf_counter()
        whole = resized(image, columns, rows, name)
        middle = time.perf_counter()
        theirs = image.resize((columns, rows), Image.Resampling[name.upper()])
        seconds = [seconds[0] + middle - began, seconds[1] + time.perf_counter() - middle]
        cropped = resized(image.crop(crop_box(*image.size, columns, rows)), columns, rows, name)
        left, top, right, bottom = pad_box(*image.size, columns, rows)
        padded = resized(image, right - left, bottom - top, name)
        parts = (whole, cropped, padded, image.convert("L"))
        ours.append(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
        own.append(hashlib.sha256(theirs.tobytes()).hexdigest())
    return {"pillow": PIL.__version__, "ours": ours, "own": own, "seconds": seconds}


def environment(folder: Path, version: str) -> Path:
    """The Python of an environment with this version of Pillow."""
    home = folder / version.replace("*", "x")
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", f"pillow=={version}", "numpy>=2"], check=True)
    return python


def compared(folder: Path, versions: list[str]) -> dict[str, Any]:
    """The versions, how many cases differ among them (ours, and Pillow's own), and the seconds of each."""
    results = []
    for version in versions:
        path = os.pathsep.join([str(SOURCE), str(Path(__file__).parent)])
        code = "import json, resize; print(json.dumps(resize.hashes()))"
        command = [environment(folder, version), "-c", code]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=os.environ | {"PYTHONPATH": path})
        results.append(json.loads(done.stdout))
    return {
        "pillow": [result["pillow"] for result in results],
        "cases": SHAPES,
        "differ": sum(len(set(same)) > 1 for same in zip(*(result["ours"] for result in results), strict=True)),
        "differ_in_pillow": sum(
            len(set(same)) > 1 for same in zip(*(result["own"] for result in results), strict=True)
        ),
        "seconds": [result["seconds"] for result in results],
    }


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md."""
    from _tables import as_section, measured_on, table

    last = measurements[-1]
    rows = [
        ["tellapart's resize, crop and pad, and grey", f"{last['differ']} of {last['cases']}"],
        ["Pillow's own resize", f"{last['differ_in_pillow']} of {last['cases']}"],
    ]
    speed = ", ".join(
        f"{name} {ours / own:.2f}" for name, (ours, own) in zip(last["pillow"], last["seconds"], strict=True)
    )
    about = (
        f"`python benchmarks/resize.py`: pictures of random shapes under Pillow {', '.join(last['pillow'])}. "
        f"Time of the resize relative to Pillow's own: {speed}. {measured_on(measurements[-1:])}"
    )
    return as_section(
        "One resize under every Pillow", about, table(["", "pictures that differ between versions"], rows)
    )


def main() -> None:
    from _results import arguments, record, redraw

    parser = arguments(__doc__)
    parser.add_argument("--versions", nargs="+", default=["11.3.0", "12.*", "13.*"])
    parser.add_argument("--environments", type=Path, help="a folder that keeps the environments")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        found = compared(options.environments or Path(temporary), options.versions)
    print(json.dumps(found))
    record("resize", found)
    redraw()
    sys.exit(1 if found["differ"] else 0)


if __name__ == "__main__":
    main()
