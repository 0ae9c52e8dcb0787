import numpy as np
import pytest

import tellapart
from tellapart.classifier.ood import MOST_UNFOLDED, OodDetector, _flat
from tellapart.errors import ModelFileError
from tellapart.images.grid import grid_means
from tellapart.progress import silent
from tests.conftest import make_collection, stripes

pytestmark = pytest.mark.usefixtures("sketched")


def fitted(features=40):
    generator = np.random.default_rng(0)
    centres = generator.normal(scale=4, size=(3, features))

    def drawn(count):
        labels = np.arange(count) % 3
        pixels = generator.integers(0, 60, (count, 12, 12, 1)).astype(np.uint8) + 60 * labels[:, None, None, None]
        return (
            grid_means(pixels.astype(np.uint8)),
            (centres[labels] + generator.normal(size=(count, features))).astype(np.float32),
            labels,
        )

    grid, seen, labels = drawn(600)
    held_grid, held, _ = drawn(300)
    return OodDetector.fit(grid, seen, labels, held_grid, held), drawn


@pytest.mark.parametrize("features", (40, 700, 5000))
def test_ordinary_pictures_have_every_score_alike_and_strange_ones_the_highest(features):
    ood, drawn = fitted(features)
    grid, seen, _ = drawn(1000)
    scores = ood(grid, seen)
    assert (scores > 0.99).mean() < 0.04
    assert abs(np.median(scores) - 0.5) < 0.08
    assert (ood(grid, seen + 5) > 0.99).mean() > 0.95  # strange to the network
    assert (ood(1 - grid, seen) > 0.99).mean() > 0.9  # strange to the eye
    assert len(ood.to_bytes()) < 5e6
    again = OodDetector.from_bytes(ood.to_bytes())
    assert np.array_equal(again(grid, seen), scores)


def test_nothing_else_is_taken_for_it():
    ood, _ = fitted()
    data = ood.to_bytes()
    for wrong in (
        b"",
        b"nonsense",
        data[:-100],
        _saved(a=np.zeros(3)),
        _saved(held_out_scores=np.array([{}], object)),
        _cut(ood),
    ):
        with pytest.raises(ModelFileError, match="is not valid"):
            OodDetector.from_bytes(wrong)


def test_few_held_out_pictures_cannot_make_anything_unfamiliar(stripes_run):
    noise = np.random.default_rng(0).integers(0, 256, (20, 12, 12, 1)).astype(np.uint8)
    answers = tellapart.load(stripes_run.path).predict(noise)
    assert {answer.ood_score for answer in answers} == {20 / 21}
    assert not any(answer.out_of_distribution for answer in answers)


def test_a_trained_model_flags_what_it_was_not_taught(tmp_path):
    collection = make_collection(1800, splits=False)
    run = tellapart.train(collection, recipe="dense", epochs=2, runs=tmp_path, on_event=silent)
    noise = np.random.default_rng(0).integers(0, 256, (20, 12, 12, 1)).astype(np.uint8)
    model = tellapart.load(run.path)
    strange = model.predict(noise)
    assert np.mean([answer.ood_score for answer in strange]) > 0.97
    assert any(answer.out_of_distribution for answer in strange)
    assert "out-of-distribution" in str(next(answer for answer in strange if answer.out_of_distribution))
    ordinary = model.predict(stripes(60)[0])
    assert np.mean([answer.ood_score for answer in ordinary]) < 0.9
    assert {"ood_score", "out_of_distribution"} <= set(ordinary[0].to_dict())


def _saved(**arrays):
    import io

    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _cut(ood):
    """With a mean less than it needs values."""
    return _saved(**(ood.arrays | {"pixels_means": ood.arrays["pixels_means"][:, :-1]}))


def test_no_class_is_left_out_among_very_many():
    from tellapart.classifier.make import _some_of_each_first

    labels = np.repeat(np.arange(300), 7)
    order = np.random.default_rng(0).permutation(len(labels))
    found = _some_of_each_first(order, labels)
    assert sorted(found.tolist()) == list(range(len(labels)))
    assert (np.bincount(labels[found[:600]], minlength=300) == 2).all()
    few = found[600:]
    assert few.tolist() == [place for place in order.tolist() if place in set(few.tolist())]  # chance decides the rest


@pytest.mark.parametrize("size", (9_216, 12_544, 25_088))
def test_folding_keeps_what_is_the_same_in_every_place(size):
    """A channel of a flattened convolution that answers everywhere: its sums must not cancel each other out."""
    change = np.zeros((64, size), np.float32)
    for channel in range(64):
        change[channel, channel::64] = 1
    kept = np.square(_flat(change, MOST_UNFOLDED)).sum() / np.square(change).sum()
    assert 0.8 < kept < 1.2
