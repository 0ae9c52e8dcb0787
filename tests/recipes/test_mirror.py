import numpy as np
import pytest

from tellapart.recipes.mirror import may_mirror


def slanted(count, tell_sides, seed=0):
    """Two kinds of bright strokes in noise: left- and right-leaning ones, or leaning either way, thick and thin."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    pixels = rng.integers(0, 60, (count, 16, 16, 1))
    for i, label in enumerate(labels):
        side = label if tell_sides else rng.integers(2)
        steps = np.arange(16)
        columns = steps if side else 15 - steps
        pixels[i, steps, columns] = 255
        if label and not tell_sides:
            pixels[i, :, 6:10] = 255
    return pixels.astype(np.uint8), labels


def test_classes_that_differ_by_side_are_not_mirrored():
    allowed, reason = may_mirror(*slanted(600, tell_sides=True), ("a kind", "another kind"))
    assert not allowed
    assert reason == "it did harm in a quick test: 100 % of pictures recognised, 0 % when mirrored"


def test_classes_that_do_not_are():
    allowed, reason = may_mirror(*slanted(600, tell_sides=False), ("a kind", "another kind"))
    assert allowed
    assert reason.startswith("it did no harm in a quick test: ")


@pytest.mark.parametrize("names", (("zero", "one"), ("A", "b"), ("seven", "x")))
def test_digits_and_letters_are_known_by_name(names):
    assert may_mirror(*slanted(600, tell_sides=False), names) == (False, "the classes are digits or letters")


def test_sides_are_known_by_name():
    pictures = slanted(600, tell_sides=False)
    assert may_mirror(*pictures, ("turn left", "straight on")) == (False, "the class 'turn left' names a side")
    assert may_mirror(*pictures, ("Arrow_Right", "stop"))[0] is False
    assert may_mirror(*pictures, ("upright", "leftover"))[0] is True


def test_numbers_may_be_those_of_any_classes():
    assert may_mirror(*slanted(600, tell_sides=False), ("0", "1"))[0] is True
    assert may_mirror(*slanted(600, tell_sides=True), ("0", "1"))[0] is False


def test_few_pictures_are_no_evidence():
    assert may_mirror(*slanted(40, tell_sides=False), ("a kind", "another kind")) == (
        False,
        "too few pictures to test whether it does harm",
    )


def test_colour_and_any_size():
    pixels, labels = slanted(300, tell_sides=True)
    assert may_mirror(np.repeat(pixels, 3, axis=3), labels, ("a kind", "another kind"))[0] is False
