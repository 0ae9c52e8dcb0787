"""Bad input: damaged pictures, decompression bombs and hostile archives. Are they refused, and how fast?

    python benchmarks/hostile.py

Writes its own files (tests/corpus.py). A bomb must be refused within 100 ms and 64 MiB, an archive within 2 s.
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
from _results import record, redraw
from _tables import as_section, measured_on, table
from tellapart.errors import PictureError, TellapartError
from tellapart.images.decode import decode, pillow_warnings_off


def peak() -> float:
    """The peak memory of this process, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def refused(name: str, data: bytes) -> float | None:
    """Seconds until a picture was refused, or None if it was read."""
    began = time.perf_counter()
    try:
        decode(data, name)
    except PictureError:
        return time.perf_counter() - began
    return None


def pictures(files: dict[str, bytes]) -> dict[str, Any]:
    """The number of files, how many of them were refused, and the longest time in seconds."""
    results = [refused(name, data) for name, data in files.items()]
    times = [seconds for seconds in results if seconds is not None]
    return {"files": len(files), "refused": len(times), "seconds": max(times, default=0.0)}


def archives() -> dict[str, Any]:
    """The same for archives. An archive that is not refused contains only its own pictures."""
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


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md."""
    last = measurements[-1]

    def refusals(kind: str) -> str:
        return f"{last[kind]['refused']} of {last[kind]['files']}"

    rows = [
        ["unusual pictures, read", f"{last['odd']['files'] - last['odd']['refused']} of {last['odd']['files']}", ""],
        ["damaged files, refused by name", refusals("dirty"), _ms(last["dirty"])],
        ["decompression bombs, refused", refusals("bombs"), _ms(last["bombs"])],
        ["hostile or broken archives, refused", refusals("archives"), _ms(last["archives"])],
        ["files that archives wrote elsewhere", str(last["archives"]["written_outside"]), ""],
        ["memory that the bombs took, MiB", f"{last['bomb_mib']:.1f}", ""],
    ]
    about = (
        f"`python benchmarks/hostile.py`. {measured_on(measurements)} The archives that are not refused contain links, "
        "devices or odd members, which are ignored."
    )
    return as_section("Bad input", about, table(["", "", "longest, ms"], rows))


def _ms(result: dict[str, Any]) -> str:
    return f"{result['seconds'] * 1000:.0f}"


def main() -> None:
    with pillow_warnings_off():
        before, bombs = peak(), pictures(corpus.bombs())  # first: a higher peak of the others would hide theirs
        metrics = {"bombs": bombs, "bomb_mib": peak() - before, "odd": pictures(corpus.readable())}
        metrics |= {"dirty": pictures(corpus.unreadable()), "archives": archives()}
    record("hostile", {"seed": 0} | metrics)
    print(json.dumps(metrics))
    redraw()


if __name__ == "__main__":
    main()
