import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest

from tellapart import leaves
from tellapart.evaluation.baselines import Baseline
from tellapart.evaluation.evaluation import Evaluation
from tellapart.report.page import SECTIONS, Facts, ShownMistake, html, write_report


def evaluation(name="cats"):
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.2, 0.8]] * 10, np.float32)
    labels = np.array([0] * 9 + [1] + [1] * 9 + [0])
    return Evaluation(
        "test", (name, "dogs"), labels, probabilities, np.arange(20), tuple(f"{name}/{i}.png" for i in range(20)),
        "cross-entropy", (Baseline("majority class", 0.5, f"always predicting {name!r}"),),
    )  # fmt: skip


def facts(name="cats", skipped=()):
    test = evaluation(name)
    record = {
        "evaluation": {"test": test.to_dict()},
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
    mistakes = [ShownMistake(item, picture) for item in test.mistakes(12)]
    return Facts(record, history, layers, [picture], [name], test, mistakes)


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
        "too few pictures",
        "The test split was not used for training or for choosing the weights.",
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


def test_the_card_has_the_same_facts(tmp_path):
    write_report(facts("ca*ts"), tmp_path)
    card = (tmp_path / "report.md").read_text(encoding="utf-8")
    for words in (
        "# Model card:", "ca\\*ts, dogs",
        "On 20 test pictures, which were not used for training or for choosing the weights:", "| accuracy | 0.9000 |",
        "50.00 % by always predicting 'ca\\*ts'", "too few pictures", "1,234 parameters", "tellapart train 'my pets'",
    ):  # fmt: skip
        assert words in card, words


def test_the_card_distinguishes_cross_validation_from_a_missing_test_split(tmp_path):
    known = facts()
    folded = replace(known.evaluation, split="cross-validation", folds=(0.8, 0.95))
    write_report(replace(known, evaluation=folded), tmp_path)
    card = (tmp_path / "report.md").read_text(encoding="utf-8")
    words = "Cross-validation: 2 models, each evaluated on its held-out fold (accuracy 80.00 % to 95.00 %)"
    assert words in card
    assert "optimistic" not in card
    write_report(replace(known, evaluation=replace(known.evaluation, split="validation")), tmp_path)
    words = "No test split: all metrics below come from pictures that were also used to select the model"
    for name in ("report.md", "report.html"):
        assert words in (tmp_path / name).read_text(encoding="utf-8")


def test_leakage_and_groups_across_splits_are_reported(tmp_path):
    known = facts()
    record = known.record | {"split": known.record["split"] | {"groups_across_splits": {"test": 7}}}
    leaky = known.evaluation.with_leaks(np.array([3, 9]))
    write_report(replace(known, record=record, evaluation=leaky), tmp_path)
    for name in ("report.md", "report.html"):
        text = unescape((tmp_path / name).read_text(encoding="utf-8"))
        assert (
            "7 of these pictures belong to groups that also occur in training (the data's own split was kept)" in text
        )
        assert "2 of these pictures are duplicates or near-duplicates of training pictures. Without them" in text
        assert "not used for training" not in text


def test_the_card_mentions_out_of_distribution_pictures_if_the_model_has_a_detector(tmp_path):
    known = facts()
    able = replace(known.evaluation, ood_scores=np.zeros(known.evaluation.count))
    for has_detector in (False, True):
        write_report(replace(known, evaluation=able, has_ood_detector=has_detector), tmp_path)
        assert ("out-of-distribution" in (tmp_path / "report.md").read_text(encoding="utf-8")) == has_detector


def test_a_run_without_any_evaluation_has_a_page_and_a_card(tmp_path):
    write_report(replace(facts(), evaluation=None, mistakes=()), tmp_path)
    assert "<h2>Results</h2>" not in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Not evaluated: there is neither" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_mistakes_are_shown_with_captions(page):
    assert "predicted dogs (80.0%), labelled cats: cats/19.png" in page
    assert page.count("<figcaption>") == 3


def test_epochs_are_those_that_were_trained(tmp_path):
    """With a time budget, their number may differ from the recipe's."""
    base = facts()
    history = [{"epoch": i + 1, "loss": 1.0, "accuracy": 0.5} for i in range(7)]
    write_report(replace(base, history=history), tmp_path)
    assert "7 epochs" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_what_the_temperature_was_fitted_on(tmp_path):
    base = facts()
    tempered = replace(base.evaluation, temperature=1.5)
    for options, words in (({}, "the validation split"), ({"folds": 5}, "the predictions of the cross-validation")):
        record = base.record | {"options": base.record["options"] | options}
        write_report(replace(base, record=record, evaluation=tempered), tmp_path)
        text = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert re.search(rf"fitted on\s+{words}", text)
