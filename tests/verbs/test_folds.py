from dataclasses import replace

import numpy as np
import pytest

from tellapart.errors import DataError
from tellapart.verbs._folds import check_folds, fold_of
from tests.conftest import make_collection


@pytest.mark.parametrize("seed", range(20))
def test_every_class_is_in_several_folds_whatever_the_groups_begin_with(seed):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(10), 10)
    labels = np.zeros(100, np.int64)
    for group in (3, 7):  # two subjects have a rare class, never first
        labels[group * 10 + 1 + rng.integers(0, 9, 2)] = 1
    fold = fold_of(labels, groups, 2, seed)
    assert set(fold[labels == 1]) == {0, 1}
    for group in range(10):
        assert len(set(fold[groups == group])) == 1
    assert abs(int((fold == 0).sum()) - 50) <= 10


def test_single_pictures_are_stratified():
    labels = np.repeat([0, 1, 2], [50, 30, 7])
    fold = fold_of(labels, np.arange(87), 5, 0)
    for c, least in ((0, 10), (1, 6), (2, 1)):
        counts = np.bincount(fold[labels == c], minlength=5)
        assert counts.min() == least
        assert counts.max() <= least + 1
    assert np.bincount(fold).max() - np.bincount(fold).min() <= 2


def test_a_class_in_one_fold_is_told():
    collection = replace(make_collection(6, parts=False), groups=np.array(list("aabbcc")))
    labels = collection.labels
    with pytest.raises(DataError, match="the class 'down' has too few groups with different pictures for 2 folds"):
        check_folds(collection, labels, np.array([0, 1, 0, 1, 1, 0]))
    check_folds(collection, labels, np.array([0, 0, 0, 1, 1, 1]))
