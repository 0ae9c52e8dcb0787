import numpy as np
import pytest

from tellapart.recipes.augmentation import Augmentation
from tellapart.training.mixing import mixed

PIXELS = np.repeat(np.arange(0, 200, 10, dtype=np.uint8)[:, None, None, None], 12, axis=1).repeat(16, axis=2)
WANTED = np.eye(20, dtype=np.float32)
BEFORE = np.roll(np.arange(20), 1)


def test_without_either_it_is_the_batch_itself():
    pixels, wanted = mixed(PIXELS, WANTED, Augmentation(flip="horizontal"), np.random.default_rng(0))
    assert pixels is PIXELS
    assert wanted is WANTED


def test_one_picture_alone_is_left_as_it_is():
    pixels, _ = mixed(PIXELS[:1], WANTED[:1], Augmentation(mixup=1.0), np.random.default_rng(0))
    assert np.array_equal(pixels, PIXELS[:1])


def test_mixup_blends_pictures_and_labels_alike():
    pixels, wanted = mixed(PIXELS, WANTED, Augmentation(mixup=1.0), np.random.default_rng(0))
    assert np.allclose(wanted.sum(axis=1), 1, atol=1e-6)
    share = wanted[np.arange(20), np.arange(20)]
    assert np.allclose(wanted[np.arange(20), BEFORE], 1 - share)
    assert share.std() > 0.1
    expected = share * PIXELS[:, 0, 0, 0] + (1 - share) * PIXELS[BEFORE, 0, 0, 0]
    assert np.abs(pixels[:, 5, 7, 0] - expected).max() <= 2
    assert pixels.dtype == np.uint8


def test_mixup_of_white_stays_white():
    white = np.full((4, 3, 3, 1), 255, np.uint8)
    assert (mixed(white, WANTED[:4], Augmentation(mixup=1.0), np.random.default_rng(0))[0] == 255).all()


def test_cutmix_pastes_a_box_and_counts_its_area():
    pixels, wanted = mixed(PIXELS, WANTED, Augmentation(cutmix=1.0), np.random.default_rng(0))
    own = (pixels[..., 0] == PIXELS[..., 0]).mean(axis=(1, 2))
    assert np.allclose(wanted[np.arange(20), np.arange(20)], own, atol=1e-6)
    assert np.allclose(wanted.sum(axis=1), 1, atol=1e-6)
    assert 0.2 < own.mean() < 0.95
    for k in range(20):
        pasted = pixels[k, :, :, 0] != PIXELS[k, 0, 0, 0]
        assert set(np.unique(pixels[k])) <= {PIXELS[k, 0, 0, 0], PIXELS[BEFORE[k], 0, 0, 0]}
        rows, columns = pasted.any(axis=1), pasted.any(axis=0)
        assert pasted.sum() == rows.sum() * columns.sum(), "a box"


def test_both_take_turns():
    kinds = set()
    for seed in range(20):
        pixels, _ = mixed(PIXELS, WANTED, Augmentation(cutmix=1.0, mixup=1.0), np.random.default_rng(seed))
        kinds.add(bool(np.isin(pixels, PIXELS[:, 0, 0, 0]).all()))
    assert kinds == {True, False}


@pytest.mark.parametrize("field", ("mixup", "cutmix"))
def test_one_output_heads_are_mixed_too(field):
    labels = (np.arange(20) % 2)[:, None].astype(np.float32)
    _, wanted = mixed(PIXELS, labels, Augmentation(**{field: 1.0}), np.random.default_rng(0))
    assert wanted.shape == (20, 1)
    assert 0.1 < wanted.mean() < 0.9
