import re

import numpy as np
import pytest

from tellapart import leaves
from tellapart.report.page import SECTIONS, Facts, html, write_report


def facts(name="cats", set_aside=()):
    found = {
        "part": "test", "accuracy": 0.9, "accuracy_interval": [0.8, 0.95], "loss": 0.3, "loss_name": "cross-entropy",
        "count": 20, "correct": 18, "baseline": {"class": name, "accuracy": 0.5}, "classes": [name, "dogs"],
        "per_class": [
            {"class": name, "count": 10, "correct": 9, "predicted": 10},
            {"class": "dogs", "count": 10, "correct": 9, "predicted": 10},
        ],
        "confusion": [[9, 1], [1, 9]],
    }  # fmt: skip
    record = {
        "evaluation": {"test": found},
        "results": {"set_aside": list(set_aside), "best_epoch": 1, "train_seconds": 2.0},
        "data": {"name": "pets", "pictures": 40, "classes": [name, "dogs"], "fingerprint": "f" * 64},
        "split": {"counts": {"train": 20, "validation": 0, "test": 20}, "origin": {"train": "given", "test": "given"}},
        "recipe": {
            "name": "quick", "optimizer": "adam", "learning_rate": 0.1, "schedule": "cosine", "batch_size": 2,
            "epochs": 1, "loss": "cross-entropy",
        },
        "preparation": {"width": 8, "height": 8, "colour": "rgb"},
        "options": {"data": "my pets", "recipe": "quick", "seed": 0, "set": ["l2=0.1"]},
        "seed": 0, "backend": "tensorflow", "precision": "float32", "versions": {"keras": "3"}, "started": "now",
        "machine": {"cores": 2, "processor": "x", "system": "y"},
    }  # fmt: skip
    layers = [{"name": "dense", "kind": "Dense", "shape": [2], "parameters": 1234}]
    history = [{"epoch": 1, "loss": 1.0, "accuracy": 0.5}]
    return Facts(record, history, layers, [np.zeros((8, 8, 3), np.uint8)], [name])


@pytest.fixture
def page(tmp_path):
    write_report(facts(), tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_every_section_is_there_in_order(page):
    titles = re.findall("<h2>(.*?)</h2>", page)
    modules = sorted(
        (leaves.load(SECTIONS, name, "a section") for name in leaves.names(SECTIONS)), key=lambda m: m.POSITION
    )
    assert titles == [module.TITLE for module in modules]
    for words in (
        "90.00 %",
        "1,234",
        "tellapart train &#39;my pets&#39; --recipe quick --seed 0 --set l2=0.1",
        "90.0 %",
    ):
        assert words in page


def test_nothing_is_fetched_from_elsewhere(page):
    addresses = re.findall(r"""(?:src|href)\s*=\s*["']([^"']*)""", page)
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "<script" not in page


def test_names_are_escaped(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    write_report(facts(evil, [{"file": evil, "reason": evil}]), tmp_path / "report.html")
    assert "<img src=x" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_values_are_escaped_and_markup_is_not():
    assert html("<b>{{ x }}</b>", x="<i>") == "<b>&lt;i&gt;</b>"
    assert html("{{ x }}", x=html("<b>")) == "<b>"
