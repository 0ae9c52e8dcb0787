"""Bad input: dirty pictures, picture bombs and hostile archives - whether and how fast they are refused.

    python benchmarks/hostile.py

Writes its own files (tests/corpus.py). A bomb has to be refused within 100 ms and 64 MiB, an archive within 2 s.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests import corpus

import tellapart
from results import draw, record, table, where
from tellapart.errors import PictureError, TellapartError
from tellapart.images.decode import decode, pillow_warnings_off


def peak() -> float:
    """The most memory that this process has held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def refused(name: str, data: bytes) -> float | None:
    """Seconds until a picture was refused, or None where it was read."""
    began = time.perf_counter()
    try:
        decode(data, name)
    except PictureError:
        return time.perf_counter() - began
    return None


def pictures(files: dict[str, bytes]) -> dict[str, Any]:
    """Of so many files, how many are refused, and how long the longest took."""
    found = [refused(name, data) for name, data in files.items()]
    times = [seconds for seconds in found if seconds is not None]
    return {"files": len(files), "refused": len(times), "seconds": max(times, default=0.0)}


def archives() -> dict[str, Any]:
    """The same for archives; those that are not refused hold nothing but their own pictures."""
    refusals, longest, outside = 0, 0.0, 0
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        (home / "in").mkdir()
        made = list(corpus.hostile_archives(home / "in"))
        for _, path in made:
            began = time.perf_counter()
            try:
                collection = tellapart.open(path)
                for i in range(len(collection)):
                    try:
                        collection.read(i)
                    except PictureError:
                        continue
            except TellapartError:
                refusals += 1
            longest = max(longest, time.perf_counter() - began)
        outside = len([path for path in home.rglob("*") if path.parent != home / "in" and path != home / "in"])
    return {"files": len(made), "refused": refusals, "seconds": longest, "written_outside": outside}


def section(found: list[dict[str, Any]]) -> str:
    """The table of this benchmark."""
    last = found[-1]
    rows = [
        ["odd pictures, read", f"{last['odd']['files'] - last['odd']['refused']} of {last['odd']['files']}", ""],
        ["dirty files, refused by name", f"{last['dirty']['refused']} of {last['dirty']['files']}", _ms(last["dirty"])],
        ["picture bombs, refused", f"{last['bombs']['refused']} of {last['bombs']['files']}", _ms(last["bombs"])],
        ["hostile or broken archives, refused", f"{last['archives']['refused']} of {last['archives']['files']}",
         _ms(last["archives"])],
        ["files that archives wrote elsewhere", str(last["archives"]["written_outside"]), ""],
        ["memory that the bombs took, MiB", f"{last['bomb_mib']:.1f}", ""],
    ]  # fmt: skip
    head = ["", "", "the longest, ms"]
    about = "The archives that are not refused hold links, devices or odd members, which are passed over."
    return "\n".join(
        ["## Bad input", "", f"`python benchmarks/hostile.py`. {where(found)} {about}", "", table(head, rows), ""]
    )


def _ms(split: dict[str, Any]) -> str:
    return f"{split['seconds'] * 1000:.0f}"


def main() -> None:
    with pillow_warnings_off():
        before, bombs = peak(), pictures(corpus.bombs())  # first: what others take would hide what they do
        metrics = {"bombs": bombs, "bomb_mib": peak() - before, "odd": pictures(corpus.readable())}
        metrics |= {"dirty": pictures(corpus.unreadable()), "archives": archives()}
    record("hostile", {"seed": 0} | metrics)
    print(json.dumps(metrics))
    draw()


if __name__ == "__main__":
    main()
