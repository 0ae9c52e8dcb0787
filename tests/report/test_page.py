import re
from dataclasses import replace

import numpy as np
import pytest

from tellapart import leaves
from tellapart.evaluation.baselines import Baseline
from tellapart.evaluation.evaluation import Evaluation
from tellapart.report.page import SECTIONS, Facts, Seen, html, write_report


def evaluation(name="cats"):
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.2, 0.8]] * 10, np.float32)
    labels = np.array([0] * 9 + [1] + [1] * 9 + [0])
    return Evaluation(
        "test", (name, "dogs"), labels, probabilities, np.arange(20), tuple(f"{name}/{i}.png" for i in range(20)),
        "cross-entropy", (Baseline("majority class", 0.5, f"always answering {name!r}"),),
    )  # fmt: skip


def facts(name="cats", skipped=()):
    found = evaluation(name)
    record = {
        "evaluation": {"test": found.to_dict()},
        "results": {"skipped": list(skipped), "best_epoch": 1, "train_seconds": 2.0},
        "data": {"name": "pets", "pictures": 40, "classes": [name, "dogs"], "fingerprint": "f" * 64},
        "split": {
            "counts": {"train": 20, "validation": 0, "test": 20}, "origin": {"train": "given", "test": "given"},
            "class_counts": {"train": [11, 9], "test": [10, 10]},
        },
        "recipe": {
            "name": "quick", "optimizer": "adam", "learning_rate": 0.1, "schedule": "cosine", "batch_size": 2,
            "epochs": 1, "loss": "cross-entropy",
        },
        "preprocessing": {"width": 8, "height": 8, "colour": "rgb"},
        "options": {"data": "my pets", "recipe": "quick", "seed": 0, "set": ["l2=0.1"]},
        "seed": 0, "backend": "tensorflow", "precision": "float32", "versions": {"keras": "3"}, "started": "now",
        "machine": {"cores": 2, "processor": "x", "system": "y"},
    }  # fmt: skip
    layers = [{"name": "dense", "kind": "Dense", "shape": [2], "parameters": 1234, "operations": 5678}]
    history = [{"epoch": 1, "loss": 1.0, "accuracy": 0.5}]
    picture = np.zeros((8, 8, 3), np.uint8)
    mistakes = [Seen(item, picture) for item in found.mistakes(12)]
    return Facts(record, history, layers, [picture], [name], found, mistakes)


@pytest.fixture
def page(tmp_path):
    write_report(facts(), tmp_path)
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
        "5,678",
        "too few pictures to say",
        "tellapart train &#39;my pets&#39; --recipe quick --seed 0 --precision float32 --set l2=0.1",
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
    write_report(facts(evil, [{"file": evil, "reason": evil}]), tmp_path)
    assert "<img src=x" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_values_are_escaped_and_markup_is_not():
    assert html("<b>{{ x }}</b>", x="<i>") == "<b>&lt;i&gt;</b>"
    assert html("{{ x }}", x=html("<b>")) == "<b>"


def test_the_card_says_the_same_in_plain_words(tmp_path):
    write_report(facts("ca*ts"), tmp_path)
    card = (tmp_path / "report.md").read_text(encoding="utf-8")
    for words in (
        "# Model card:", "ca\\*ts, dogs", "On 20 test pictures that took no part in training", "| accuracy | 0.9000 |",
        "50.00 % by always answering 'ca\\*ts'", "too few pictures", "1,234 parameters", "tellapart train 'my pets'",
    ):  # fmt: skip
        assert words in card, words


def test_the_card_tells_cross_validation_from_choosing(tmp_path):
    known = facts()
    folded = replace(known.evaluation, split="cross-validation", folds=(0.8, 0.95))
    write_report(replace(known, evaluation=folded), tmp_path)
    card = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "Cross-validation: 2 models, each asked about pictures that it had not seen (80.00 % to 95.00 %)" in card
    assert "flatter" not in card
    write_report(replace(known, evaluation=replace(known.evaluation, split="validation")), tmp_path)
    assert "so the figures flatter" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_the_card_speaks_of_unfamiliar_pictures_where_they_can_be_told(tmp_path):
    known = replace(facts(), tells_unfamiliar=False)
    able = replace(known.evaluation, ood_scores=np.zeros(known.evaluation.count))
    for tells in (False, True):
        write_report(replace(known, evaluation=able, tells_unfamiliar=tells), tmp_path)
        assert ("out_of_distribution" in (tmp_path / "report.md").read_text(encoding="utf-8")) == tells


def test_a_run_without_any_evaluation_has_a_page_and_a_card(tmp_path):
    write_report(replace(facts(), evaluation=None, mistakes=()), tmp_path)
    assert "How good it is" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "It was not measured" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_mistakes_are_shown_with_their_words(page):
    assert "dogs (80.0%), but it is cats: cats/19.png" in page
    assert page.count("<figcaption>") == 3


def test_epochs_are_those_that_were_trained(tmp_path):
    """By the clock there are as many as fit, whatever the recipe says."""
    base = facts()
    history = [{"epoch": i + 1, "loss": 1.0, "accuracy": 0.5} for i in range(7)]
    write_report(replace(base, history=history), tmp_path)
    assert "7 epochs" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_the_temperature_was_fitted_on(tmp_path):
    base = facts()
    found = replace(base.evaluation, temperature=1.5)
    for options, words in (({}, "the validation split"), ({"folds": 5}, "the cross-validation&#39;s answers")):
        record = base.record | {"options": base.record["options"] | options}
        write_report(replace(base, record=record, evaluation=found), tmp_path)
        text = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert re.search(rf"fitted on\s+{words}", text)
