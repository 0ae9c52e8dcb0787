"""What is drawn while work goes on: the table of epochs, the curve, the bar."""

import io

import pytest
from rich.console import Console

from tellapart.cli.live import LiveView, sparkline
from tellapart.progress import COMPILE, Epoch, Note, Progress


def view(width=120, verbose=False, **options):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=width, highlight=False, color_system=None, **options)
    return LiveView(console, verbose), stream


def drawn(live):
    """What would be on the screen now."""
    with live.console.capture() as capture:
        live.console.print(live)
    return capture.get()


def row(number):
    values = {"loss": 1 / number, "accuracy": 0.5, "val_loss": 2 / number, "val_accuracy": 0.2 * number}
    return {"epoch": number, **values, "seconds": 1.0}


def test_warnings_are_printed_and_decisions_only_with_verbose():
    for verbose in (False, True):
        live, stream = view(verbose=verbose)
        with live as listen:
            listen(Note("split: [kept]"))
            listen(Note("note: a [warning]", warning=True))
        assert "note: a [warning]" in stream.getvalue()
        assert ("split: [kept]" in stream.getvalue()) == verbose


def test_the_bar_follows_a_total_that_changes():
    live, _ = view()
    with live as listen:
        listen(Progress("train", 10, 100, metrics={"loss": 0.5}))
        assert "train" in drawn(live)
        assert "10/100" in drawn(live)
        listen(Progress("train", 150, 400))  # a time limit changes the number of epochs
        (task,) = live.bars.tasks
        assert (task.completed, task.total) == (150, 400)
        assert task.speed
        listen(Progress("read", 100, 100))
        assert list(live.tasks) == ["train"]
    assert live.tasks == {}


def test_the_table_has_the_last_epochs_the_best_one_and_the_running_one():
    live, _ = view()
    with live as listen:
        for number in range(1, 7):
            listen(Progress("train", number * 10, 80, metrics={"loss": 0.5, "accuracy": 0.25}))
            listen(Epoch(number, 8, row(number), best=min(number, 4)))
        listen(Progress("train", 65, 80, metrics={"loss": 0.1234, "accuracy": 0.9876}))
        lines = drawn(live).splitlines()
    assert lines[0].split() == ["epoch", "loss", "accuracy", "val", "loss", "val", "accuracy", "time"]
    assert [line.split()[:2] for line in lines[1:6]] == [
        ["3/8", "0.3333"],
        ["best", "4/8"],
        ["5/8", "0.2000"],
        ["6/8", "0.1667"],
        ["7/8", "0.1234"],
    ]
    assert "val accuracy, best in epoch 4" in lines[6]


def test_a_narrow_terminal_gets_fewer_columns():
    live, _ = view(width=40)
    with live as listen:
        listen(Epoch(1, 2, row(1), best=1, compiling=4.0))
        listen(Progress("train", 65, 80))
        lines = drawn(live).splitlines()
    assert lines[0].split() == ["epoch", "loss", "val", "acc", "time"]
    assert all(len(line) <= 40 for line in lines)


def test_long_trainings_fit_a_narrow_terminal_too():
    live, _ = view(width=40)
    with live as listen:
        for number in (99, 100):
            listen(Epoch(number, 100, row(number) | {"seconds": 1234.5}, best=100))
        line = drawn(live).splitlines()[2]
    assert line.split() == ["best", "100", "0.0100", "20.0000", "1234.5", "s"]
    assert len(line) <= 40


def test_metrics_are_drawn_before_the_first_epoch_ends():
    live, _ = view()
    with live as listen:
        listen(Progress("fold 1 of 5", 10, 100, metrics={"loss": 0.5, "accuracy": 0.25}))
        assert "loss 0.5000  accuracy 0.2500" in drawn(live)


def test_a_bar_goes_when_a_training_ends_early():
    live, _ = view()
    with live as listen:
        listen(Progress("train", 10, 100, metrics={"loss": 0.5}))
        listen(Epoch(1, 10, row(1)))
        listen(Progress("train", 100, 100))
        assert live.tasks == {}
        assert "train" not in drawn(live)


def test_why_nothing_moves_is_drawn_and_counted():
    live, _ = view()
    with live as listen:
        listen(Progress(COMPILE, 0, 1, "step"))
        assert "compiling the training step ... 0 s" in drawn(live)
        listen(Progress(COMPILE, 1, 1, "step"))
        assert "compiling" not in drawn(live)
        listen(Epoch(1, 2, row(1) | {"seconds": 7.8}, compiling=7.0))
        assert "7.8 s, 7.0 to compile" in drawn(live)


def test_another_training_starts_another_table():
    live, _ = view()
    with live as listen:
        for number in (1, 2, 1):
            listen(Epoch(number, 2, row(number)))
        assert len(live.epochs) == 1


@pytest.mark.parametrize(
    ("values", "room", "blocks"), (([1, 2, 3], 8, "▁▅█"), ([1, 1], 8, "▁▁"), (list(range(80)), 4, "▁▃▆█"))
)
def test_a_curve_of_blocks(values, room, blocks):
    assert sparkline(values, room) == blocks


def test_a_terminal_without_unicode_gets_words_only():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    live = LiveView(Console(file=stream, force_terminal=True, width=80, color_system=None))
    with live as listen:
        for number in (1, 2):
            listen(Epoch(number, 2, row(number)))
        assert "val accuracy, best in epoch 2" in drawn(live)
