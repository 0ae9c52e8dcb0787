import json
from dataclasses import replace

import pytest

import tellapart
from tellapart.errors import UsageError
from tellapart.progress import Note, silent
from tests.conftest import make_collection


def test_the_same_test_part_is_found_again(stripes_run):
    collection = make_collection(240, parts=False)
    found = tellapart.evaluate(stripes_run.model, collection, on_event=silent).to_dict()
    expected = stripes_run.evaluations["test"].to_dict()
    assert found == expected
    validation = tellapart.evaluate(stripes_run.path, collection, part="validation", on_event=silent)
    assert validation.to_dict()["count"] == 20
    assert tellapart.evaluate(stripes_run.path, collection, part="all", on_event=silent).to_dict()["count"] == 240
    assert json.dumps(found)


def test_other_data_without_parts_is_taken_whole(stripes_run):
    notes = []
    found = tellapart.evaluate(stripes_run.classifier, make_collection(30, parts=False), on_event=notes.append)
    assert found.count == 30
    assert any("not what it was trained on" in event.text for event in notes if isinstance(event, Note))


def test_given_parts_of_other_data(stripes_run, stripes_collection):
    assert tellapart.evaluate(stripes_run.path, stripes_collection, on_event=silent).count == 12
    with pytest.raises(UsageError, match=r"has no part 'validation' \(its parts: train, test\)"):
        tellapart.evaluate(stripes_run.path, stripes_collection, part="validation", on_event=silent)


def test_the_text(stripes_run):
    text = str(tellapart.evaluate(stripes_run.path, make_collection(240, parts=False), on_event=silent))
    for words in ("test: accuracy", "95 % interval", "baseline: always", "true \\ predicted", "across"):
        assert words in text


def test_the_data_of_the_training_is_the_default(stripes_run, tmp_path):
    classifier = tellapart.load(stripes_run.path)
    training = classifier.record.training | {"data": {"source": "digits"}}
    classifier.record = classifier.record.model_copy(update={"training": training})
    with pytest.raises(tellapart.TellapartError, match="digits: has classes that the model does not know"):
        tellapart.evaluate(classifier, on_event=silent)
    classifier.record = classifier.record.model_copy(update={"training": {}})
    with pytest.raises(UsageError, match="the data is missing"):
        tellapart.evaluate(classifier, on_event=silent)


def test_a_changed_collection_is_not_mistaken_for_the_trained_one(stripes_run):
    collection = replace(make_collection(240, parts=False), keys=[f"other{i}" for i in range(240)])
    assert tellapart.evaluate(stripes_run.path, collection, on_event=silent).count == 240
