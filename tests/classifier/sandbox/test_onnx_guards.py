"""Every ONNX attack is refused before this process opens it, or by the memory limit while it runs."""

import numpy as np
import pytest

from tellapart.classifier.runtime import OnnxRuntime, try_onnx
from tellapart.errors import ModelFileError
from tests import hostile_onnx

ATTACKS = list(hostile_onnx.attacks())
SLOW = ("2,000 products of 4,096 x 4,096", "15,000 steps on 2^24 values")
"""Only the trial's limit of processor seconds ends these: benchmarks/onnx_guards.py measures them."""


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path))


@pytest.mark.parametrize(
    "kind, name, data",
    [attack for attack in ATTACKS if attack[1] not in SLOW],
    ids=[f"{kind}: {name}" for kind, name, _ in ATTACKS if name not in SLOW],
)
def test_an_attack_is_refused(kind, name, data):
    try:
        try_onnx(data, "a.onnx")
    except ModelFileError as error:
        assert "its ONNX network is refused (" in error.given
        assert "\n" not in error.given
        return
    assert kind.startswith("sleepers")
    network = OnnxRuntime(data, "a.onnx")
    with pytest.raises(ModelFileError, match="memory"):
        network(np.full((1, 8, 8, 1), 255, np.uint8))


def test_sound_files_pass_both_guards():
    for data in (hostile_onnx.sound(), hostile_onnx.ours()):
        try_onnx(data, "a.onnx")
    assert OnnxRuntime(hostile_onnx.sound(), "a.onnx")(np.zeros((2, 8, 8, 1), np.uint8)).shape == (2, 3)
