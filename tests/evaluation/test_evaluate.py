import json

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

import tellapart
from tellapart.errors import DataError
from tellapart.evaluation import intervals
from tellapart.evaluation.baselines import majority
from tellapart.evaluation.evaluate import evaluate_split
from tellapart.evaluation.evaluation import Evaluation
from tests import reports
from tests.conftest import make_collection, write_folder


@pytest.fixture(scope="module")
def classifier(stripes_run):
    return tellapart.load(stripes_run.path)


def test_the_order_of_many_classes_is_found_once(monkeypatch):
    from tellapart.evaluation import evaluation as module

    calls, real = [], module.confusion_order
    monkeypatch.setattr(module, "confusion_order", lambda counts: calls.append(1) or real(counts))
    known = reports.evaluation([f"class {k}" for k in range(30)], 300)
    plain, normalized = known.confusion_matrix(), known.confusion_matrix(normalized=True)
    assert plain.ordering is normalized.ordering
    assert len(calls) == 1
    assert reports.evaluation(["cat", "dog"], 30).confusion_matrix().ordering is None


def test_the_metrics_are_consistent(classifier):
    collection = make_collection(99, splits=False)
    result = evaluate_split(classifier, collection, np.arange(99), "all")
    assert result.count == 99
    assert result.accuracy == result.correct / 99 == np.trace(result.confusion) / 99
    assert result.accuracy_interval[0] < result.accuracy <= result.accuracy_interval[1]
    assert result.baseline_accuracy == pytest.approx(1 / 3)
    assert [row["count"] for row in result.per_class()] == [33, 33, 33]
    values = json.loads(json.dumps(result.to_dict()))
    assert values["classes"] == ["across", "down", "squares"]
    assert np.array_equal(values["confusion"], result.confusion)
    assert "95 % interval" in result.headline()
    assert result.baseline() == "baselines: 33.3 % always predicting 'squares'"
    assert "<table>" in result._repr_html_()


def test_classes_are_matched_by_name(classifier):
    collection = make_collection(30, splits=False)
    order = [2, 0, 1]
    turned = collection.with_class_names([collection.class_names[i] for i in order])
    same = tellapart.Collection.from_arrays(
        collection.pictures.array, np.array(collection.class_names)[collection.labels], class_names=turned.class_names
    )
    expected = evaluate_split(classifier, collection, np.arange(30), "all")
    got = evaluate_split(classifier, same, np.arange(30), "all")
    assert got.accuracy == expected.accuracy
    assert got.loss == pytest.approx(expected.loss)
    assert evaluate_split(classifier, turned, np.arange(30), "all").accuracy < 0.5


def test_bad_pictures_are_counted_and_named(classifier, tmp_path):
    folder = write_folder(tmp_path / "data", 9)
    (folder / "down" / "001.png").write_bytes(b"nonsense")
    result = evaluate_split(classifier, tellapart.open(folder), np.arange(9), "all")
    assert result.count == 8
    assert result.to_dict()["skipped"] == [{"file": "down/001.png", "reason": "is not a picture of a known format"}]


def test_no_pictures(classifier, stripes_collection):
    with pytest.raises(DataError, match="has no validation pictures"):
        evaluate_split(classifier, stripes_collection, np.array([], np.int64), "validation")


def evaluation(labels, probabilities, **more):
    count, classes = np.shape(probabilities)
    return Evaluation(
        "test", tuple("abcdefgh"[:classes]), np.array(labels), np.array(probabilities, np.float32), np.arange(count),
        tuple(f"{i}.png" for i in range(count)), "cross-entropy",
        (majority(np.array(labels), 0, tuple("abcdefgh"[:classes])),), **more,
    )  # fmt: skip


def test_metrics_per_class_agree_with_scikit_learn():
    generator = np.random.default_rng(0)
    for _ in range(10):
        probabilities = generator.dirichlet(np.ones(4), 150)
        labels = np.concatenate([np.arange(4), generator.integers(0, 4, 146)])
        rows = evaluation(labels, probabilities).per_class()
        expected = precision_recall_fscore_support(labels, probabilities.argmax(axis=1), zero_division=np.nan)
        for name, values in zip(("precision", "recall", "f1", "count"), expected, strict=True):
            assert [row[name] for row in rows] == pytest.approx(values.tolist(), abs=1e-9)
        for row in rows:
            for name in ("precision", "recall", "f1"):
                low, high = row[f"{name}_interval"]
                assert 0 <= low <= row[name] <= high <= 1


def test_the_metrics_of_the_whole_split():
    whole = evaluation([0, 1, 1, 0], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    metrics = {metric.name: metric for metric in whole.metrics}
    assert metrics["accuracy"].value == 0.75
    assert metrics["balanced accuracy"].value == 0.75
    assert metrics["ROC AUC"].value == 1.0
    assert metrics["Brier score"].value == pytest.approx(2 * (0.01 + 0.04 + 0.36 + 0.09) / 4)
    assert "top-3 accuracy" not in metrics
    assert all(metric.definition for metric in metrics.values())
    assert metrics["accuracy"].to_dict()["interval"][0] < 0.75


def test_a_split_with_one_class_has_no_areas():
    result = evaluation([1, 1, 1], [[0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    values = {metric.name: metric.value for metric in result.metrics}
    assert values["ROC AUC"] is None
    assert values["average precision"] is None
    assert values["balanced accuracy"] == pytest.approx(2 / 3)
    rows = result.per_class()
    assert rows[0]["recall"] is None
    assert rows[0]["precision"] == 0
    assert rows[1]["enough_pictures"] is False
    assert "not defined" in str(result)
    assert "too few pictures" in str(result)
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["count"] == 3


def test_mistakes_come_by_confidence():
    result = evaluation([0, 1, 1, 0], [[0.4, 0.6], [0.2, 0.8], [0.95, 0.05], [0.7, 0.3]])
    assert [(mistake.key, mistake.true, mistake.predicted) for mistake in result.mistakes()] == [
        ("2.png", "b", "a"),
        ("0.png", "a", "b"),
    ]
    assert len(result.mistakes(1)) == 1


def test_coverage_by_hand():
    result = evaluation([0, 1, 1, 0], [[0.4, 0.6], [0.2, 0.8], [0.95, 0.05], [0.8, 0.2]], threshold=0.7)
    curve = result.coverage()
    assert curve.thresholds == pytest.approx([0.6, 0.8, 0.95])
    assert curve.coverage.tolist() == [1, 0.75, 0.25]
    assert curve.errors == pytest.approx([0.5, 1 / 3, 1])
    assert result.answered() == pytest.approx({"threshold": 0.7, "coverage": 0.75, "error": 1 / 3})
    assert "unsure below 70.0 %: 75.0 % of pictures are answered, 33.3 % of the answers are wrong" in result.notes()


def test_coverage_starts_where_twenty_pictures_are_answered():
    rng = np.random.default_rng(0)
    labels, confidence = rng.integers(0, 2, 1000), rng.uniform(0.5, 1, 1000)
    answers = np.where(rng.random(1000) < confidence, labels, 1 - labels)
    probabilities = np.where(np.arange(2) == answers[:, None], confidence[:, None], 1 - confidence[:, None])
    result = evaluation(labels, probabilities, threshold=float(np.sort(confidence)[-333]))
    curve = result.coverage()
    assert curve.coverage.min() == 0.02
    assert curve.coverage.max() == 1
    assert 100 <= len(curve.coverage) <= 121
    assert 0.333 in curve.coverage.tolist()  # the point of the threshold, which is marked
    assert (curve.intervals[:, 0] <= curve.errors).all()
    assert (curve.errors <= curve.intervals[:, 1]).all()
    assert curve.intervals[0] == pytest.approx(intervals.share(round(1000 * curve.errors[0]), 1000))


def test_predictions_that_contain_nan(classifier, monkeypatch):
    def broken(pixels, *known):
        return np.full((len(pixels), 3), np.nan, np.float32), None

    monkeypatch.setattr(classifier, "probabilities_and_ood_scores", broken)
    with pytest.raises(DataError, match="the model's prediction contains NaN or infinity, as for 9 of 9 pictures"):
        evaluate_split(classifier, make_collection(9, splits=False), np.arange(9), "all")


def test_classes_that_the_model_does_not_know_are_named(classifier):
    other = make_collection(9, splits=False).with_class_names(["across", "dots", "rings"])
    with pytest.raises(DataError) as error:
        evaluate_split(classifier, other, np.arange(9), "all")
    assert "does not know: dots, rings; it lacks the model's classes down, squares" in error.value.given
