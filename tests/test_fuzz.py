"""Fuzz every reader of files for a short time: damaged files are read or refused with a message, and never crash it.

benchmarks/fuzz.py fuzzes for any time, guided by coverage.
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
        content = reader.read(tmp_path / reader.name)
        assert content is not None and not isinstance(content, Exception), content
        assert not (isinstance(content, (list, dict)) and not content)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("reader", readers(), ids=lambda reader: reader.name)
def test_damaged_files_are_read_or_refused_with_a_message(reader, tmp_path):
    rng = np.random.default_rng(0)
    for i in range(ROUNDS):
        data = mutated(reader.seeds[i % len(reader.seeds)], rng)
        start = time.monotonic()
        error = meets(reader, data, tmp_path)
        if error is not None:
            raise AssertionError(f"round {i}: {data[:200]!r} raised {type(error).__name__}: {error}") from error
        assert time.monotonic() - start < 30, (i, data[:200])
