import io

from tellapart.progress import Epoch, Note, PlainLines, Progress, Rate


def test_plain_lines():
    stream = io.StringIO()
    listen = PlainLines(stream, every=0)
    listen(Note("split: kept"))
    listen(Progress("read", 10, 100))
    listen(Progress("read", 100, 100))
    listen(Epoch(1, 3, {"epoch": 1, "loss": 0.5, "accuracy": 0.25, "seconds": 2.0}))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "split: kept"
    assert lines[1].startswith("read: 10 of 100 pictures, ")
    assert lines[-1] == "epoch 1/3  loss 0.5000 accuracy 0.2500  2.0 s"


def test_the_rate_counts_from_the_first_event():
    rate = Rate()
    assert rate.of(Progress("a", 50, 100))[0] == 0
    rate.started -= 10
    speed, left = rate.of(Progress("a", 75, 100))
    assert 2 < speed <= 2.5
    assert 10 <= left < 12.5
    assert not Progress("a", 5, None).finished
