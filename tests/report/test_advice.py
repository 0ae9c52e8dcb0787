from dataclasses import replace

import numpy as np
import pytest

from tellapart.evaluation.baselines import Baseline
from tellapart.report.advice import advice
from tellapart.report.sections import next_steps
from tests import reports

FLOWERS = ("daisy", "rose", "tulip")


def predictions(known, labels, predicted, confidence):
    """The same run with these predictions, each with its confidence."""
    classes = len(known.evaluation.class_names)
    rest = (1 - np.asarray(confidence)) / (classes - 1)
    probabilities = np.repeat(rest[:, None], classes, axis=1).astype(np.float32)
    probabilities[np.arange(len(labels)), predicted] = confidence
    count = len(labels)
    keys = tuple(f"{i}.jpg" for i in range(count))
    changed = replace(
        known.evaluation, labels=np.array(labels), probabilities=probabilities, indices=np.arange(count), keys=keys
    )
    return replace(known, evaluation=changed)


@pytest.fixture
def good():
    """500 pictures of each class, 98 % right, trained without a gap, and finished."""
    labels = np.repeat([0, 1, 2], 500)
    predicted = np.where(np.arange(1500) % 50 == 0, (labels + 1) % 3, labels)
    known = predictions(reports.facts(FLOWERS, 60), labels, predicted, np.full(1500, 0.9))
    row = {"loss": 0.1, "accuracy": 0.98, "val_loss": 0.1, "val_accuracy": 0.98}
    record = known.record | {"split": known.record["split"] | {"class_counts": {"train": [900, 900, 900]}}}
    return replace(known, history=[row | {"epoch": k} for k in range(1, 13)], record=record)


def test_nothing_to_do(good):
    assert advice(good) == []
    assert "Nothing stands out." in next_steps.render(good)


def with_baseline(known, accuracy, is_correct=None):
    return replace(
        known, evaluation=replace(known.evaluation, baselines=(Baseline("x", accuracy, "a rule", is_correct),))
    )


def right_of(known, share):
    """The same run with this share of right answers, in order."""
    labels = known.evaluation.labels
    count = len(labels)
    predicted = np.where(np.arange(count) < share * count, labels, (labels + 1) % 3)
    return predictions(known, labels, predicted, np.full(count, 0.9))


def test_a_baseline_that_is_as_good_comes_first(good):
    step = advice(with_baseline(right_of(good, 0.7), 0.69))[0]
    assert step.what == "Check the labels and the training."
    assert step.why == "The result is not clearly better than a simple rule: 69.0 % by a rule."
    assert "is worse than a simple rule: 97.5 %" in advice(with_baseline(right_of(good, 0.7), 0.975))[0].why


def test_a_baseline_is_compared_on_the_same_pictures(good):
    """72 % is clearly better than 69 % if the classifier is right wherever the rule is."""
    better = right_of(good, 0.72)
    step = advice(with_baseline(better, 0.7))[0]
    assert "not clearly better" in step.why
    paired = with_baseline(better, 0.7, np.arange(1500) < 0.7 * 1500)
    assert not any("simple rule" in str(step) for step in advice(paired))


def test_a_rule_that_is_nearly_always_right_is_no_sign_of_a_fault(good):
    perfect = right_of(good, 1)
    steps = advice(with_baseline(perfect, 1.0, np.ones(1500, bool)))
    assert [str(step) for step in steps] == [
        "A simple rule may be enough for these pictures. It is about as good: 100 % by a rule, 100 % here."
    ]


def test_few_test_pictures_say_nothing_about_a_baseline(good):
    labels = np.repeat([0, 1, 2], 10)
    few = predictions(good, labels, np.where(np.arange(30) < 27, labels, (labels + 1) % 3), np.full(30, 0.9))
    assert not any("rule" in str(step) for step in advice(with_baseline(few, 0.8)))  # 90 % of 30
    tiny = predictions(good, labels[8:13], labels[8:13], np.full(5, 0.9))
    assert not any("rule" in str(step) for step in advice(with_baseline(tiny, 1.0)))


def test_confident_mistakes_may_be_wrong_labels(good):
    labels = good.evaluation.labels
    predicted = np.where(np.isin(np.arange(1500), (3, 700)), (labels + 1) % 3, labels)
    sure = predictions(good, labels, predicted, np.full(1500, 0.97))
    steps = advice(sure)
    assert steps[0].what == "Check the labels of 2 pictures: the classifier is at least 95 % sure of another class."
    assert steps[0].why == "Such answers are right for 99.9 % of the pictures."
    assert steps[0].section == "Most confident mistakes"
    unreliable = np.where(np.arange(1500) % 3 == 0, (labels + 1) % 3, labels)
    steps = advice(predictions(good, labels, unreliable, np.full(1500, 0.97)))
    assert not any("Check the labels of" in step.what for step in steps)  # a confident mistake means nothing there


def test_mistakes_of_an_overconfident_classifier_are_not_taken_for_wrong_labels(good):
    labels = good.evaluation.labels
    predicted = np.where(np.arange(1500) % 25 < 4, (labels + 1) % 3, labels)  # 84 % right
    steps = advice(predictions(good, labels, predicted, np.full(1500, 0.97)))
    assert not any("Check the labels of" in step.what for step in steps)


def test_no_more_pictures_are_named_than_are_shown(good):
    labels = good.evaluation.labels
    predicted = np.where(np.arange(1500) % 50 == 0, (labels + 1) % 3, labels)
    step = advice(predictions(good, labels, predicted, np.full(1500, 0.97)))[0]
    assert step.what.startswith("Check the labels of 12 pictures:")
    assert step.why == "Such answers are right for 98 % of the pictures. Look first at these 12, of 30 pictures."


def test_weak_classes_are_not_named_by_chance():
    """Of 100 classes that are all right for 80 %, some have an interval below that by chance."""
    names = tuple(f"class {k}" for k in range(100))
    rng = np.random.default_rng(3)
    labels = np.repeat(np.arange(100), 40)
    predicted = np.where(rng.random(4000) < 0.8, labels, (labels + 1) % 100)
    known = predictions(reports.facts(names, 300), labels, predicted, np.full(4000, 0.9))
    split = known.record["split"] | {"class_counts": {"train": [80] * 100}}
    known = replace(known, record=known.record | {"split": split})
    assert any(row["recall_interval"][1] < known.evaluation.accuracy for row in known.class_rows)
    assert not any("Add pictures of" in step.what for step in advice(known))


def test_classes_with_few_pictures_are_not_called_weak(good):
    labels = np.concatenate([good.evaluation.labels[good.evaluation.labels != 1], np.ones(6, np.int64)])
    predicted = np.where(labels == 1, 2, labels)
    assert not any("weakest" in str(step) for step in advice(predictions(good, labels, predicted, np.full(1006, 0.9))))


def test_weak_classes_are_named_with_their_training_pictures(good):
    labels = good.evaluation.labels
    predicted = np.where((labels == 1) & (np.arange(1500) % 2 == 0), 2, labels)
    steps = advice(predictions(good, labels, predicted, np.full(1500, 0.9)))
    assert str(steps[0]) == "Add pictures of rose (50 % right, 900 for training). This class is the weakest."


def test_rare_classes_are_named(good):
    counts = {"train": [900, 12, 900]}
    record = good.record | {"split": good.record["split"] | {"class_counts": counts}}
    steps = advice(replace(good, record=record))
    assert steps[0].what == "Add pictures of rose (98 % right, 12 for training)."
    assert steps[0].why == "Other classes have many more."


def test_a_gap_between_training_and_validation_asks_for_pictures(good):
    history = [row | {"accuracy": 0.99, "val_accuracy": 0.8} for row in good.history]
    step = advice(replace(good, history=history))[0]
    assert step.what == "Add pictures, or augment them more."
    assert step.why == "In training 99 % were right, in validation 80 %: it memorises its training pictures."


def test_a_loss_that_still_falls_asks_for_epochs(good):
    history = [row | {"val_loss": 2 / row["epoch"]} for row in good.history]
    step = advice(replace(good, history=history))[0]
    assert step.what == "Train longer, for example with --epochs 24."
    small = [row | {"size": 0.75} for row in history[:6]] + [row | {"size": 1.0} for row in history[6:]]
    assert advice(replace(good, history=small)) == []  # six epochs at full size say little


def test_few_test_pictures_and_at_most_three_steps():
    steps = advice(reports.facts(FLOWERS, 60))
    assert len(steps) <= 3
    assert any("Collect more test pictures" in step.what for step in steps)


@pytest.mark.parametrize("split", ("cross-validation", "validation"))
def test_without_a_test_split_no_test_pictures_are_asked_for(good, split):
    labels = np.array([0])
    known = predictions(good, labels, labels, np.array([0.9]))
    known = replace(known, evaluation=replace(known.evaluation, split=split))
    step = next(step for step in advice(known) if "Collect" in step.what)
    assert step.what == "Collect more pictures before you compare models."
    assert step.why.startswith("1 picture leaves a range of ")


def test_photos_that_were_trained_from_scratch_could_start_from_a_backbone(good):
    labels = np.repeat([0, 1, 2], 500)
    predicted = np.where(np.arange(1500) % 8 == 0, (labels + 1) % 3, labels)
    poor = predictions(good, labels, predicted, np.full(1500, 0.6))
    size = poor.record["preprocessing"] | {"height": 128, "width": 128}
    photos = replace(poor, record=poor.record | {"preprocessing": size})
    wanted = "Start from a pretrained backbone: --recipe finetune."
    assert wanted in [step.what for step in advice(photos)]
    started = replace(photos, record=photos.record | {"backbone": {"name": "efficientnet-lite0"}})
    small = replace(poor, record=poor.record | {"preprocessing": size | {"height": 32}})
    for known in (started, small):
        assert wanted not in [step.what for step in advice(known)]
