"""Every reader of files, fuzzed for as long as is wanted: no crash, no hang, no error without words.

    pip install atheris
    python benchmarks/fuzz.py --minutes 60          # shared out evenly among the readers
    python benchmarks/fuzz.py --only recipe.toml --minutes 5

Coverage-guided (atheris, on libFuzzer), one process a reader, starting from the sound files of tests/readers.py. What a
reader raises must be a TellapartError with its three parts; an answer may take 20 seconds and 4 GiB. What is found is
kept in benchmarks/results/fuzz-findings/.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

SECONDS, MEBIBYTES = 20, 4096


def fuzz(name: str, seconds: int, findings: Path) -> dict[str, Any]:
    """Fuzz one reader in a process of its own; how many files it was given, and whether one was found."""
    from tests.readers import readers

    reader = next(one for one in readers() if one.name == name)
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        for i, seed in enumerate(reader.seeds):
            (corpus / f"seed-{i}").write_bytes(seed)
        longest = 4 * max(map(len, reader.seeds)) + 4096
        limits = [
            f"-max_total_time={seconds}",
            f"-timeout={SECONDS}",
            f"-rss_limit_mb={MEBIBYTES}",
            f"-max_len={longest}",
        ]
        command = [
            sys.executable,
            __file__,
            "--reader",
            name,
            str(corpus),
            *limits,
            f"-artifact_prefix={findings}/{name}-",
        ]
        done = subprocess.run([*command, "-print_final_stats=1"], capture_output=True, text=True, cwd=folder)
    runs = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    edges = re.findall(r"cov: (\d+)", done.stderr)
    found = done.returncode != 0
    if found:
        print(done.stderr[-3000:], file=sys.stderr)
    return {
        "reader": name,
        "files": int(runs[1]) if runs else 0,
        "edges": int(edges[-1]) if edges else 0,
        "found": found,
    }


def child(name: str, arguments: list[str]) -> None:
    """What runs in the process of one reader."""
    import atheris

    with atheris.instrument_imports(include=["tellapart"]):
        from tests.readers import meets, readers

        reader = next(one for one in readers() if one.name == name)
        place = Path(tempfile.mkdtemp(prefix="fuzz-"))
        for seed in reader.seeds:  # imports what is imported late
            meets(reader, seed, place)
    warnings.simplefilter("ignore")

    def one(data: bytes) -> None:
        error = meets(reader, data, place)
        if error is not None:
            raise error

    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()


def main() -> None:
    from results import draw, record

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--jobs", type=int, default=1, help="readers at a time; the minutes are those of all together")
    options = parser.parse_args()
    from tests.readers import readers

    names = [reader.name for reader in readers() if not options.only or reader.name in options.only]
    findings = HERE / "results" / "fuzz-findings"
    findings.mkdir(parents=True, exist_ok=True)
    seconds, found = max(1, round(options.minutes * 60 / len(names))), []
    with ThreadPoolExecutor(options.jobs) as pool:
        for one in pool.map(lambda name: fuzz(name, seconds, findings), names):
            found.append(one)
            print(json.dumps(one), flush=True)
    if not options.only:
        minutes = seconds * len(names) / 60
        record("reliability", {"line": "fuzz", "minutes": minutes, "readers": found})
        draw()
    sys.exit(any(one["found"] for one in found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--reader"]:
        child(sys.argv[2], sys.argv[3:])
    else:
        main()
