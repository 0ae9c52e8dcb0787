"""Fuzz every reader of files: no crash, no hang, no error without a message.

    pip install atheris
    python benchmarks/fuzz.py --minutes 60          # divided evenly among the readers
    python benchmarks/fuzz.py --only recipe.toml --minutes 5

Coverage-guided (atheris, on libFuzzer), one process per reader, starting from the valid files of tests/readers.py. A
reader may only raise TellapartError, with a complete message, and may take 20 seconds and 4 GiB. Files that break a
reader are kept in benchmarks/results/fuzz-findings/.
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
    """Fuzz one reader in a new process. Returns how many files it read, and whether one of them broke it."""
    from tests.readers import readers

    reader = next(reader for reader in readers() if reader.name == name)
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
    """Fuzz one reader in this process."""
    import atheris

    with atheris.instrument_imports(include=["tellapart"]):
        from tests.readers import meets, readers

        reader = next(reader for reader in readers() if reader.name == name)
        place = Path(tempfile.mkdtemp(prefix="fuzz-"))
        for seed in reader.seeds:  # so that late imports are done
            meets(reader, seed, place)
    warnings.simplefilter("ignore")

    def test_one_input(data: bytes) -> None:
        error = meets(reader, data, place)
        if error is not None:
            raise error

    atheris.Setup([sys.argv[0], *arguments], test_one_input)
    atheris.Fuzz()


def main() -> None:
    from _results import record, redraw

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--jobs", type=int, default=1, help="readers at the same time; --minutes is their total")
    options = parser.parse_args()
    from tests.readers import readers

    names = [reader.name for reader in readers() if not options.only or reader.name in options.only]
    findings = HERE / "results" / "fuzz-findings"
    findings.mkdir(parents=True, exist_ok=True)
    seconds, results = max(1, round(options.minutes * 60 / len(names))), []
    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(lambda name: fuzz(name, seconds, findings), names):
            results.append(result)
            print(json.dumps(result), flush=True)
    if not options.only:
        minutes = seconds * len(names) / 60
        record("reliability", {"line": "fuzz", "minutes": minutes, "readers": results})
        redraw()
    sys.exit(any(result["found"] for result in results))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--reader"]:
        child(sys.argv[2], sys.argv[3:])
    else:
        main()
