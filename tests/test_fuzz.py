"""Every reader of files, fuzzed in a small dose: damaged files are read or refused in words, and never crash it.

benchmarks/fuzz.py does so for as long as is wanted, guided by coverage.
"""

import time

import numpy as np
import pytest

from tests.readers import meets, mutated, readers

ROUNDS = 150


@pytest.mark.parametrize("reader", readers(), ids=lambda reader: reader.name)
def test_its_sound_files_are_read(reader, tmp_path):
    for seed in reader.seeds:
        (tmp_path / reader.name).write_bytes(seed)
        found = reader.read(tmp_path / reader.name)
        assert found is not None and not isinstance(found, Exception), found
        assert not (isinstance(found, (list, dict)) and not found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("reader", readers(), ids=lambda reader: reader.name)
def test_damaged_files_are_read_or_refused_in_words(reader, tmp_path):
    rng = np.random.default_rng(0)
    for i in range(ROUNDS):
        data = mutated(reader.seeds[i % len(reader.seeds)], rng)
        began = time.monotonic()
        error = meets(reader, data, tmp_path)
        if error is not None:
            raise AssertionError(f"round {i}: {data[:200]!r} raised {type(error).__name__}: {error}") from error
        assert time.monotonic() - began < 30, (i, data[:200])
