import csv

import numpy as np
import pytest

from tellapart.data.feeding import Prepared
from tellapart.errors import DataError, RecipeError, TrainingError
from tellapart.progress import Epoch
from tellapart.recipes.find import find_recipe
from tellapart.training.batches import Batches, targets
from tellapart.training.checkpoints import Checkpoints
from tellapart.training.class_weights import class_weights
from tellapart.training.plan import Plan
from tellapart.training.session import Session
from tellapart.training.train import train_network
from tests.small import SMALL
from tests.small_training import PREPROCESSING, prepared, train


def test_batches_come_in_an_order_of_seed_and_epoch():
    data = prepared(50)
    batches = Batches(data, 3, 16, seed=4)
    assert len(batches) == 4
    first = batches.order.copy()
    assert sorted(first) == list(range(50))
    assert np.array_equal(np.concatenate([batches[i][0] for i in range(4)]), data.pixels[first])
    assert [len(batches[i][0]) for i in range(4)] == [12, 13, 12, 13]
    batches.begin(1)
    assert not np.array_equal(batches.order, first)
    assert np.array_equal(Batches(data, 3, 16, seed=4).order, first)


def test_rare_classes_can_count_more():
    labels = np.repeat([0, 1, 3], [60, 30, 10])
    assert class_weights(labels, 0.0, 4).tolist() == [1, 1, 0, 1]
    whole, half = class_weights(labels, 1.0, 4), class_weights(labels, 0.5, 4)
    assert np.allclose(whole[[0, 1, 3]] * [60, 30, 10], 100 / 3)
    assert whole[labels].mean() == pytest.approx(1)
    assert half[labels].mean() == pytest.approx(1)
    assert half[3] / half[0] == pytest.approx(6**0.5)


def test_batches_carry_what_a_class_counts_and_are_mixed():
    data = prepared(60)
    data = data.take(np.concatenate([np.flatnonzero(data.labels == 0), np.flatnonzero(data.labels == 1)[:5]]))
    recipe = find_recipe("quick").changed({"balance": 1.0, "augmentation": {"cutmix": 1.0}}, "x").recipe
    batches = Batches(data, 3, 16, seed=4, recipe=recipe)
    pixels, wanted, weights = batches[0]
    assert len(pixels) == len(wanted) == len(weights)
    shares = wanted @ class_weights(data.labels, 1.0, 3)
    assert np.allclose(weights, shares)
    assert weights.max() > 2 * weights.min()
    assert ((wanted > 0).sum(axis=1) > 1).any()
    again = Batches(data, 3, 16, seed=4, recipe=recipe)[0]
    assert all(np.array_equal(one, other) for one, other in zip(batches[0], again, strict=True))
    batches.begin(1)
    assert not np.array_equal(batches[0][0], pixels)


def test_it_learns_from_mixed_and_weighed_batches(tmp_path):
    augmentation = {"cutmix": 1.0, "mixup": 0.4, "crop": 0.2, "colour": 0.1}
    trained = train(tmp_path / "a", recipe="quick", balance=1.0, augmentation=augmentation, epochs=6)
    assert trained.history[-1]["val_accuracy"] > 0.9


def test_targets():
    assert targets(np.array([2, 0]), 3).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert targets(np.array([1, 0]), 1).tolist() == [[1], [0]]


def test_the_history_is_written_and_told(tmp_path):
    events = []
    trained = train(tmp_path / "a", events.append)
    rows = list(csv.DictReader((tmp_path / "a" / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert set(rows[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
    assert [event.number for event in events if isinstance(event, Epoch)] == [1, 2, 3]
    assert [row["loss"] for row in trained.history] == [float(row["loss"]) for row in rows]
    assert trained.history[-1]["loss"] < trained.history[0]["loss"]


def test_the_same_seed_gives_the_same_figures(tmp_path):
    first, again = train(tmp_path / "a"), train(tmp_path / "b")
    for one, other in zip(first.history, again.history, strict=True):
        assert {k: v for k, v in one.items() if k != "seconds"} == {k: v for k, v in other.items() if k != "seconds"}
    for one, other in zip(first.network.get_weights(), again.network.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_the_best_weights_are_kept_as_well_as_the_last(tmp_path):
    trained = train(tmp_path / "a", epochs=4, learning_rate=0.05)
    values = [(row["val_accuracy"], -row["val_loss"]) for row in trained.history]
    assert trained.best_epoch == values.index(max(values)) + 1
    kept = Checkpoints(tmp_path / "a" / "checkpoints").newest(pytest.fail)
    assert kept.values["finished"]
    held = prepared(30, seed=9)
    outputs = np.asarray(trained.network(held.pixels.astype(np.float32), training=False))
    assert (outputs.argmax(axis=1) == held.labels).mean() == pytest.approx(max(values)[0])


def test_without_validation_the_last_epoch_is_kept(tmp_path):
    trained = train(tmp_path / "a", validation=False)
    assert trained.best_epoch == 3
    assert "val_loss" not in trained.history[0]


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path):
    with pytest.raises(TrainingError, match=r"epoch 1: .* is (nan|inf)") as caught:
        train(tmp_path / "a", learning_rate=100, optimizer="sgd", schedule="constant", weight_decay=0, warmup=0,
              loss="mean-squared-error", l2=1e30)  # fmt: skip
    assert caught.value.action == "train with a lower learning rate (--learning-rate)"


def test_averaged_weights_are_what_is_judged_and_kept(tmp_path):
    plain, average = train(tmp_path / "a", schedule="constant"), train(tmp_path / "b", schedule="constant", average=0.9)
    assert [row["loss"] for row in plain.history] == pytest.approx([row["loss"] for row in average.history], rel=1e-3)
    assert [row["val_loss"] for row in plain.history] != [row["val_loss"] for row in average.history]
    held = prepared(30, seed=9)
    outputs = np.asarray(average.network(held.pixels.astype(np.float32), training=False))
    kept = average.history[average.best_epoch - 1]
    assert (outputs.argmax(axis=1) == held.labels).mean() == pytest.approx(kept["val_accuracy"])
    assert -np.log(outputs[np.arange(30), held.labels]).mean() == pytest.approx(kept["val_loss"], rel=1e-3)


def test_pictures_that_grow_are_seen_small_first_by_the_same_network(tmp_path):
    trained = train(tmp_path / "a", epochs=4, grow=0.5)
    assert [row["epoch"] for row in trained.history] == [1, 2, 3, 4]
    assert [row["size"] for row in trained.history] == [0.75, 0.75, 1, 1]
    rows = list(csv.DictReader((tmp_path / "a" / "history.csv").read_text().splitlines()))
    assert list(rows[0])[-2:] == ["seconds", "size"]
    assert [row["size"] for row in rows] == ["0.75", "0.75", "1.0", "1.0"]
    assert trained.network.input_shape == (None, 12, 12, 1)
    held = prepared(30, seed=9)
    outputs = np.asarray(trained.network(held.pixels.astype(np.float32), training=False))
    kept = trained.history[trained.best_epoch - 1]
    assert (outputs.argmax(axis=1) == held.labels).mean() == pytest.approx(kept["val_accuracy"])
    assert train(tmp_path / "b", epochs=2, grow=0.1).history  # less than half an epoch is none


def test_the_best_epoch_is_one_of_whole_pictures(tmp_path, monkeypatch):
    """However well the small ones were told: their accuracy is not that of the weights as they will be used."""
    from tellapart.training.watch import Watch

    real = Watch.on_epoch_end

    def flattered(self, epoch, logs=None):
        real(self, epoch, logs | {"val_accuracy": 2.0} if epoch < 2 else logs)

    monkeypatch.setattr(Watch, "on_epoch_end", flattered)
    assert train(tmp_path / "a", epochs=4, grow=0.5).best_epoch > 2
    monkeypatch.undo()
    assert train(tmp_path / "b", epochs=2, grow=0.9).best_epoch == 2  # there is always such an epoch


def test_a_fault_of_the_pictures_keeps_its_words(tmp_path):
    class Damaged(np.ndarray):
        """Pixels that can be read a few times."""

        reads = 0

        def __getitem__(self, chosen):
            if isinstance(chosen, np.ndarray):
                Damaged.reads += 1
                if Damaged.reads > 3:
                    raise DataError("pixels.bin: is damaged", "what was written", "delete that file")
            return np.asarray(self)[chosen]

    whole = prepared(120)
    data = Prepared(whole.pixels.view(Damaged), whole.labels, whole.indices)
    recipe = find_recipe(SMALL).changed({"epochs": 1, "batch_size": 16}, "x").recipe
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match="is damaged"):
        train_network(Plan(recipe, tuple("abc"[:3]), PREPROCESSING, 0, "float32"), data, None, Session(tmp_path / "a"))


def test_validation_takes_no_more_memory_than_a_step():
    from tellapart.training.fitting import LARGER, _held_out

    assert _held_out(prepared(30), 3, 4).batch_size == 4 * LARGER
    assert _held_out(None, 3, 4) is None


def test_a_network_of_one_size_cannot_grow(tmp_path):
    recipe = find_recipe("lenet").recipe.model_copy(update={"grow": 0.5, "epochs": 2})
    pixels = np.zeros((20, 28, 28, 1), np.uint8)
    data = Prepared(pixels, np.arange(20) % 2, np.arange(20))
    (tmp_path / "a").mkdir()
    with pytest.raises(RecipeError, match=r"the network of lenet does not take pictures of 21 x 21") as caught:
        train_network(Plan(recipe, tuple("abc"[:2]), PREPROCESSING, 0, "float32"), data, None, Session(tmp_path / "a"))
    assert caught.value.action == "set grow=0, or end the convolutions with GlobalMaxPooling2D"


def test_fit_is_fed_the_very_batches_without_a_thread_that_sleeps_on():
    from tellapart.networks.backend import NAME, feed

    data = Prepared(np.arange(50 * 4, dtype=np.uint8).reshape(50, 2, 2, 1), np.arange(50) % 3, np.arange(50))
    batches = Batches(data, 3, 8, seed=1)
    fed = feed(batches)
    if NAME == "tensorflow":
        assert fed.options().autotune.enabled is False
        assert int(fed.cardinality()) == len(batches)
    for epoch in (1, 2):
        batches.begin(epoch)  # after which the next pass has that epoch's order
        for i, splits in enumerate(fed):
            for ours, given in zip(batches[i], splits, strict=True):
                assert np.array_equal(ours, np.asarray(given))
        assert i + 1 == len(batches)


def test_accuracy_of_one_output_with_blended_labels():
    """Keras's own would call none of them right, since 0.9 is not 1."""
    from tellapart.training.fitting import _accuracy

    metric = _accuracy(1)
    metric.update_state(np.array([[0.9], [0.2], [0.7], [0.4]]), np.array([[0.8], [0.1], [0.3], [0.6]]))
    metric.update_state(np.array([[1.0], [0.0]]), np.array([[0.7], [0.2]]))
    assert float(metric.result()) == pytest.approx(4 / 6)
    assert metric.name == "accuracy"
