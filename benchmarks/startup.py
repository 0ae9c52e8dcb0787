"""How long commands take from prompt to prompt, and what a training of the digits spends its seconds on.

    python benchmarks/startup.py [--seeds 0 1 2]

Each command runs in a process of its own; the first round, which warms the disk's cache, is not counted.
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
from results import arguments, draw, record, spread, table, tellapart, timed, where


def commands(folder: Path, seed: int) -> dict[str, list[str]]:
    """What is timed."""
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


def section(found: list[dict[str, Any]]) -> str:
    """The table of this benchmark."""
    rows = [[f"`{name}`", spread((line["seconds"][name] for line in found), ".2f")] for name in found[-1]["seconds"]]
    head = ["command", "seconds, prompt to prompt"]
    return "\n".join(["## Start-up", "", f"`python benchmarks/startup.py`. {where(found)}", "", table(head, rows), ""])


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
            found = {name: timed(command)[0] for name, command in commands(folder, seed).items()}
            record("startup", {"seed": seed, "seconds": found})
            print(json.dumps(found), flush=True)
    draw()


if __name__ == "__main__":
    main()
