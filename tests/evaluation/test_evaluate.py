import json

import numpy as np
import pytest

import tellapart
from tellapart.errors import DataError
from tellapart.evaluation.evaluate import evaluate_part
from tests.conftest import make_collection, write_folder


@pytest.fixture(scope="module")
def classifier(stripes_run):
    return tellapart.load(stripes_run.path)


def test_the_figures_fit_together(classifier):
    collection = make_collection(99, parts=False)
    found = evaluate_part(classifier, collection, np.arange(99), "all")
    assert found.count == 99
    assert found.accuracy == found.correct / 99 == np.trace(found.confusion) / 99
    assert found.accuracy_interval[0] < found.accuracy <= found.accuracy_interval[1]
    assert found.baseline_accuracy == pytest.approx(1 / 3)
    assert [row["count"] for row in found.per_class()] == [33, 33, 33]
    values = json.loads(json.dumps(found.to_dict()))
    assert values["classes"] == ["across", "down", "squares"]
    assert np.array_equal(values["confusion"], found.confusion)
    assert "95 % interval" in found.headline()
    assert found.baseline() == "baselines: 33.33% always answering 'squares'"
    assert "<table>" in found._repr_html_()


def test_classes_are_matched_by_name(classifier):
    collection = make_collection(30, parts=False)
    order = [2, 0, 1]
    turned = collection.with_class_names([collection.class_names[i] for i in order])
    same = tellapart.Collection.from_arrays(
        collection.pictures.array, np.array(collection.class_names)[collection.labels], class_names=turned.class_names
    )
    expected = evaluate_part(classifier, collection, np.arange(30), "all")
    got = evaluate_part(classifier, same, np.arange(30), "all")
    assert got.accuracy == expected.accuracy
    assert got.loss == pytest.approx(expected.loss)
    assert evaluate_part(classifier, turned, np.arange(30), "all").accuracy < 0.5


def test_bad_pictures_are_counted_and_named(classifier, tmp_path):
    folder = write_folder(tmp_path / "data", 9)
    (folder / "down" / "001.png").write_bytes(b"nonsense")
    found = evaluate_part(classifier, tellapart.open(folder), np.arange(9), "all")
    assert found.count == 8
    assert found.to_dict()["set_aside"] == [{"file": "down/001.png", "reason": "is not a picture of a known format"}]


def test_no_pictures(classifier, stripes_collection):
    with pytest.raises(DataError, match="has no validation pictures"):
        evaluate_part(classifier, stripes_collection, np.array([], np.int64), "validation")
