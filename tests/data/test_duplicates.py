import numpy as np
import pytest
from PIL import Image

from tellapart.data.duplicates import Traits, find_duplicates
from tellapart.images.summary import summarise, summarise_file
from tests.photos import encoded, photo


def pairs(summaries):
    found = find_duplicates(Traits.of(summaries), np.arange(len(summaries)))
    return {(pair.first, pair.second): pair.kind for pair in found.pairs}


def test_copies_new_encodings_and_mirror_images():
    pixels = photo()
    half = np.asarray(Image.fromarray(pixels).resize((64, 48), Image.Resampling.BILINEAR))
    summaries = [
        summarise(pixels),
        summarise(photo(1)),
        summarise_file(encoded(pixels, quality=40)),
        summarise(pixels.copy()),
        summarise(pixels[:, ::-1]),
        summarise(half),
        summarise_file(encoded(photo(1)[:, ::-1], quality=70)),
    ]
    found = pairs(summaries)
    assert found[0, 3] == "exact"
    assert found[0, 2] == found[0, 5] == "near"
    assert found[0, 4] == found[1, 6] == "mirrored"
    groups = find_duplicates(Traits.of(summaries), np.arange(7)).groups
    assert groups == ((0, 2, 3, 4, 5), (1, 6))


def test_places_are_those_of_the_collection():
    summaries = [summarise(photo(k)) for k in (0, 0, 1, 0)] + [None]
    assert find_duplicates(Traits.of(summaries), np.array([1, 2, 3])).groups == ((1, 3),)


def test_different_photos_are_not_taken_for_each_other():
    assert pairs([summarise(photo(k)) for k in range(300)]) == {}


@pytest.mark.parametrize(
    "make", [lambda k: np.full((96, 96, 3), 100 + k, np.uint8), lambda k: photo(0, 28)[:, :28] // (k + 1)]
)
def test_flat_and_tiny_pictures_have_exact_copies_only(make):
    summaries = [summarise(make(k)) for k in (0, 1, 0)]
    assert pairs(summaries) == {(0, 2): "exact"}


def test_many_are_compared_in_blocks():
    summaries = [summarise(photo(k, 48)) for k in range(1100)]
    again = summarise_file(encoded(photo(3, 48), quality=60))
    assert pairs([*summaries, again]) == {(3, 1100): "near"}


def test_nothing_to_compare():
    assert pairs([]) == {}
    assert pairs([summarise(photo())]) == {}


def test_a_mirror_image_does_not_hide_near_duplicates():
    """The mirror image is in an earlier block than the two others."""
    summaries = [summarise(photo(0)[:, ::-1]), *(summarise(photo(k)) for k in range(1, 300))]
    summaries += [summarise(photo(0)), summarise_file(encoded(photo(0), quality=60))]
    found = find_duplicates(Traits.of(summaries), np.arange(len(summaries)))
    assert found.of("exact", "near") == ((300, 301),)
    assert found.groups == ((0, 300, 301),)


def test_conflicts_are_exact_ones_first_and_never_mirror_images():
    """0 and 1 have the same pixels, 2 is like 3, 4 is the mirror image of 5, and 6 is like 0."""
    other, third = photo(1), photo(2)
    summaries = [
        summarise(photo(0)), summarise(photo(0)), summarise(other), summarise_file(encoded(other, quality=60)),
        summarise(third), summarise(third[:, ::-1]), summarise_file(encoded(photo(0), quality=60)),
    ]  # fmt: skip
    found = find_duplicates(Traits.of(summaries), np.arange(7))
    assert found.conflicts(np.array([0, 1, 0, 1, 0, 1, 0])) == (((0, 1), True), ((2, 3), False))
    assert found.conflicts(np.array([0, 0, 0, 1, 0, 1, 1])) == (((0, 1, 6), False), ((2, 3), False))
    assert found.conflicts(np.zeros(7, np.int64)) == ()


def test_the_search_among_pictures_of_one_layout_has_an_end(monkeypatch):
    from tellapart.data import duplicates

    layout = photo(0).astype(int)
    rng = np.random.default_rng(0)
    shifts = rng.integers(-25, 26, (60, 4, 4, 3)).repeat(24, 1).repeat(32, 2)
    summaries = [summarise(np.clip(layout + shift, 0, 255).astype(np.uint8)) for shift in shifts]
    traits, among = Traits.of(summaries), np.arange(len(summaries))
    assert find_duplicates(traits, among).complete
    monkeypatch.setattr(duplicates, "MAX_CLOSE", 10)
    monkeypatch.setattr(duplicates, "COARSE", 0.5)
    assert not find_duplicates(traits, among).complete
    monkeypatch.setattr(duplicates, "MAX_COMPARED", 50)
    many = Traits.of([*summaries, summaries[0]])
    assert len(many.thumbnails) == 0
    found = find_duplicates(many, np.arange(len(summaries) + 1))
    assert not found.complete
    assert found.groups == ((0, 60),)
