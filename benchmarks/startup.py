"""How long commands take from prompt to prompt.

    python benchmarks/startup.py [--seeds 0 1 2]

Each command runs in a process of its own; the first round warms the disk's cache and is not counted.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import tellapart as library
from _results import arguments, record, redraw, tellapart, timed
from _tables import as_section, mean_and_range, measured_on, table


def commands(folder: Path, seed: int) -> dict[str, list[str]]:
    """The commands to time, by name."""
    runs = str(folder / "runs")
    return {
        "import keras": [sys.executable, "-c", "import keras"],
        "tellapart --help": tellapart("--help"),
        "tellapart train --help": tellapart("train", "--help"),
        "tellapart recipes": tellapart("recipes"),
        "tellapart train digits": tellapart("train", "digits", "--seed", str(seed), "--runs", runs),
        "tellapart predict MODEL PICTURE": tellapart("predict", str(folder / "model.keras"), str(folder / "a.png")),
        "tellapart evaluate MODEL digits": tellapart("evaluate", str(folder / "model.keras"), "digits"),
    }


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md."""
    rows = [
        [f"`{name}`", mean_and_range((line["seconds"][name] for line in measurements), ".2f")]
        for name in measurements[-1]["seconds"]
    ]
    about = f"`python benchmarks/startup.py`. {measured_on(measurements)}"
    return as_section("Start-up", about, table(["command", "seconds, prompt to prompt"], rows))


def main() -> None:
    options = arguments(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        run = library.train("digits", epochs=1, runs=folder / "first", on_event=lambda event: None)
        run.model_path.rename(folder / "model.keras")
        Image.fromarray(np.asarray(library.open("digits").read(0))[:, :, 0]).save(folder / "a.png")
        for name, command in commands(folder, 0).items():
            timed(command)
            print(f"warmed: {name}", flush=True)
        for seed in options.seeds:
            seconds = {name: timed(command)[0] for name, command in commands(folder, seed).items()}
            record("startup", {"seed": seed, "seconds": seconds})
            print(json.dumps(seconds), flush=True)
    redraw()


if __name__ == "__main__":
    main()
