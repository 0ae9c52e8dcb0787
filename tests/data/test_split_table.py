import json
from dataclasses import replace

import numpy as np
import pytest

from tellapart.data.collection import ArrayPictures, Collection
from tellapart.data.split_table import check_trainable, make_splits, unpack_splits
from tellapart.data.splitting import merge_groups
from tellapart.errors import DataError, UsageError
from tests.conftest import make_collection


def collection_of(counts, splits=None):
    labels = np.repeat(np.arange(len(counts)), counts)
    pixels = np.zeros((len(labels), 2, 2, 1), np.uint8)
    names = tuple(f"c{i}" for i in range(len(counts)))
    keys = [str(i) for i in range(len(labels))]
    return Collection(
        "x", "x", names, labels, keys, ArrayPictures(pixels), None if splits is None else np.array(splits)
    )


@pytest.mark.parametrize("counts", ((100, 100), (500, 30, 7), (3, 3, 3), (1000, 3)))
@pytest.mark.parametrize(("validation", "test"), ((0.1, 0.2), (0.3, 0), (0, 0.25), (0.5, 0.5)))
def test_every_class_is_cut_in_proportion_and_kept_everywhere(counts, validation, test):
    collection = collection_of(counts)
    split_table = make_splits(collection, validation, test, seed=3)
    wanted = {"test": test, "validation": validation}
    for split, fraction in wanted.items():
        got = collection.class_counts(split_table.indices(split))
        base = (
            np.array(counts)
            if split == "test"
            else np.array(counts) - collection.class_counts(split_table.indices("test"))
        )
        if not fraction:
            assert got.sum() == 0
            continue
        assert (got >= 1).all()
        assert np.abs(got - base * fraction).max() <= 1 or min(counts) <= 3
    assert (collection.class_counts(split_table.indices("train")) >= 1).all()
    assert sum(split_table.counts().values()) == len(collection)


def test_the_digits_give_360_for_the_test():
    import tellapart

    assert make_splits(tellapart.open("digits")).counts() == {"train": 1293, "validation": 144, "test": 360}


def test_the_same_seed_gives_the_same_split_and_another_another():
    collection = collection_of((50, 60))
    first, again, other = (make_splits(collection, seed=seed).splits for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_given_splits_are_kept():
    splits = ["train"] * 20 + ["validation"] * 10 + ["test"] * 10
    collection = collection_of((40,), splits)
    assert make_splits(collection).splits.tolist() == splits


def test_only_what_is_missing_is_cut():
    collection = collection_of((10, 10), (["train"] * 8 + ["test"] * 2) * 2)
    split_table = make_splits(collection, validation=0.25)
    assert np.array_equal(split_table.indices("test"), collection.indices("test"))
    assert split_table.counts() == {"train": 12, "validation": 4, "test": 4}
    assert split_table.origin["validation"] == "25 % of training, stratified, seed 0"


def test_groups_stay_together():
    collection = collection_of((60, 60))
    groups = np.array([str(i // 4) for i in range(120)])
    split_table = make_splits(replace(collection, groups=groups), validation=0.2, test=0.2)
    for group in set(groups):
        assert len(set(split_table.splits[groups == group])) == 1
    assert 12 <= split_table.counts()["test"] <= 36


def test_it_is_saved_with_names(tmp_path):
    collection = make_collection(splits=False)
    make_splits(collection).save(tmp_path / "split.csv", collection)
    lines = (tmp_path / "split.csv").read_text().splitlines()
    assert lines[0] == "index,key,label,split,content"
    assert len(lines) == 37
    assert lines[1].split(",")[:3] == ["0", "0", "across"]


def test_too_few_pictures():
    with pytest.raises(DataError, match="the class 'c1' has 2 pictures"):
        make_splits(collection_of((10, 2)))
    assert make_splits(collection_of((10, 2)), test=0).counts()["validation"] == 2
    with pytest.raises(DataError, match=r"1 picture \(and 1 more classes have too few\)"):
        make_splits(collection_of((10, 1, 1)))


def test_wrong_fractions_and_splits():
    with pytest.raises(UsageError, match=r"--validation 1\.0"):
        make_splits(collection_of((10, 10)), validation=1.0)
    with pytest.raises(DataError, match="has only the test split"):
        make_splits(collection_of((4,), ["test"] * 4))


def test_check_trainable():
    with pytest.raises(DataError, match="has only one class, 'c0'"):
        check_trainable(collection_of((9,)), make_splits(collection_of((9,))))
    lacking = collection_of((5, 5), ["train"] * 5 + ["validation"] * 5)
    with pytest.raises(DataError, match="'c1' is in validation, but not in training"):
        check_trainable(lacking, make_splits(lacking, test=0))


@pytest.mark.parametrize("fraction", (0.1, 0.3, 0.5, 0.7))
def test_groups_come_near_the_wanted_share(fraction):
    collection = collection_of((100, 100))
    split_table = make_splits(replace(collection, groups=np.arange(200).astype(str)), validation=fraction, test=0)
    assert split_table.counts()["validation"] == pytest.approx(200 * fraction, abs=2)
    assert split_table.origin["validation"].startswith(f"{100 * fraction:.0f} % of training, whole groups")


def test_too_few_groups():
    collection = replace(collection_of((6, 6)), groups=np.array(["a", "b"] * 6))
    with pytest.raises(DataError, match="the training pictures of the class 'c0' are in 2 groups"):
        make_splits(collection)


def test_the_order_of_class_names_does_not_matter():
    collection = collection_of((30, 20, 10))
    other = replace(collection, class_names=("c2", "c0", "c1"), labels=np.array([1, 2, 0])[collection.labels])
    assert np.array_equal(make_splits(collection).splits, make_splits(other).splits)
    assert collection.fingerprint == other.fingerprint


def pairs_of_duplicates(count: int, every: int) -> list[tuple[int, ...]]:
    """Pairs of duplicates: each picture that `every` divides, and the next."""
    return [(i, i + 1) for i in range(0, count - 1, every)]


def test_duplicates_stay_together():
    collection = collection_of((200, 200))
    same = [*pairs_of_duplicates(396, 4), (396, 397, 398, 399)]
    split_table = make_splits(collection, 0.2, 0.2, 0, same)
    for places in same:
        assert len(set(split_table.splits[list(places)])) == 1
    assert not len(split_table.leaked)
    assert split_table.counts()["test"] == pytest.approx(80, abs=12)
    plain = make_splits(collection, 0.2, 0.2, 0)
    alone = np.setdiff1d(np.arange(400), np.concatenate([list(places) for places in same]))
    assert np.array_equal(split_table.splits[alone], plain.splits[alone]), "the others stay where they were"
    assert np.array_equal(split_table.splits, make_splits(collection, 0.2, 0.2, 0, same).splits)


def test_a_class_of_one_picture_many_times_stays_in_training():
    collection = collection_of((30, 4))
    for seed in range(20):
        split_table = make_splits(collection, 0.2, 0.2, seed, [(30, 31, 32, 33)])
        assert set(split_table.splits[30:]) == {"train"}


def test_given_splits_are_kept_and_their_leaks_are_reported():
    splits = ["train"] * 6 + ["validation"] * 3 + ["test"] * 3
    collection = collection_of((6, 6), splits)
    split_table = make_splits(collection, same=[(0, 7), (8, 9), (10, 11), (1, 2)])
    assert split_table.splits.tolist() == splits
    assert split_table.leaks("validation").tolist() == [7]
    assert split_table.leaks("test").tolist() == [9], "10 and 11 are both in the test split, which is no leak"
    merged = split_table.without_validation()
    assert merged.counts() == {"train": 9, "validation": 0, "test": 3}
    assert merged.leaked.tolist() == [9]


def test_groups_that_share_a_picture_are_merged():
    groups = np.array([str(i // 4) for i in range(120)])
    assert len(set(merge_groups(groups, [(0, 5), (6, 11), (40, 41)]))) == 28
    split_table = make_splits(replace(collection_of((60, 60)), groups=groups), 0.2, 0.2, 0, [(0, 5), (6, 11)])
    assert len(set(split_table.splits[:12])) == 1


@pytest.mark.parametrize("count", (5, 6, 7, 8, 1001))
def test_a_split_table_can_be_packed_and_unpacked(count):
    collection = collection_of((count, count))
    split_table = make_splits(collection, 0.2, 0.2, 3, [(0, 1)])
    again = unpack_splits(collection, json.loads(json.dumps(split_table.pack())))
    assert np.array_equal(again.splits, split_table.splits)
    assert np.array_equal(again.leaked, split_table.leaked)


@pytest.mark.parametrize(
    "packed",
    ({"splits": "!", "leaked": []}, {"splits": "c-jE+", "leaked": []}, {"splits": 7, "leaked": []}, {"splits": ""}),
)
def test_a_damaged_packed_split_table(packed):
    with pytest.raises(DataError, match="the split table in the model file cannot be read"):
        unpack_splits(collection_of((9, 9)), packed)


def test_a_packed_split_table_of_other_pictures():
    packed = make_splits(collection_of((90, 90))).pack()
    with pytest.raises(DataError, match="it belongs to other pictures"):
        unpack_splits(collection_of((9, 9)), packed)
    with pytest.raises(DataError, match="it belongs to other pictures"):
        unpack_splits(collection_of((90, 90)), packed | {"leaked": [180]})


@pytest.mark.parametrize("seed", range(6))
def test_many_copies_of_one_picture_do_not_become_the_test_split(seed):
    same = [tuple(range(60)) + tuple(range(100, 160))]
    split_table = make_splits(collection_of((100, 100)), 0.2, 0.2, seed, same)
    assert set(split_table.splits[list(same[0])]) == {"train"}
    assert min(split_table.counts().values()) > 0


def test_only_copies_of_one_picture():
    with pytest.raises(DataError, match="too many duplicates: no pictures are left for the test split") as caught:
        make_splits(collection_of((20, 20)), 0.2, 0.2, 0, [tuple(range(40))], [tuple(range(40))])
    assert "--test 0" in caught.value.action


def test_pictures_of_one_layout_are_not_kept_together():
    """All are near-duplicates and would be in training: only exact duplicates stay together, and others leak."""
    split_table = make_splits(collection_of((60, 60)), 0.2, 0.2, 0, [tuple(range(118))], [(3, 7, 80)])
    assert split_table.counts()["test"] == pytest.approx(24, abs=3)
    assert len(set(split_table.splits[[3, 7, 80]])) == 1
    assert "too many near-duplicates: only exact duplicates stay together" in split_table.origin["test"]
    assert len(split_table.leaks("test")) > 20


def test_groups_of_one_layout():
    """As above, with groups: a split keeps a quarter of its wanted size."""
    collection = replace(collection_of((500, 500)), groups=np.array([f"g{i // 10}" for i in range(1000)]))
    chain = [(i, i + 10) for i in range(0, 940, 10)]
    split_table = make_splits(collection, 0.1, 0.2, 0, chain, [(0, 999)])
    assert split_table.counts()["test"] == pytest.approx(200, abs=20)
    assert (
        "whole groups, stratified, too many near-duplicates: only exact duplicates stay together"
        in split_table.origin["test"]
    )
    assert split_table.splits[0] == split_table.splits[999]


def test_merged_groups_have_their_first_name():
    groups = np.array(["d", "c", "b", "a", "e"])
    assert merge_groups(groups, [(1, 2), (2, 3)]).tolist() == ["d", "a", "a", "a", "e"]
    assert merge_groups(groups, []).tolist() == groups.tolist()


def grouped(classes: int, groups: int, each: int) -> Collection:
    """Every group of one class: plants, objects, bursts."""
    collection = collection_of((groups * each,) * classes)
    return replace(
        collection, groups=np.array([f"{c}-{k // each}" for c in range(classes) for k in range(groups * each)])
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("groups", (3, 4, 6))
def test_groups_of_one_class_each_leave_every_class_in_every_split(seed, groups):
    collection = grouped(5, groups, 20)
    split_table = make_splits(collection, seed=seed)
    for split in ("train", "validation", "test"):
        assert set(collection.labels[split_table.indices(split)]) == set(range(5))
    assert all(len(set(split_table.splits[collection.groups == name])) == 1 for name in set(collection.groups))


def test_a_class_with_few_groups_stays_in_training_with_a_note():
    one, few = grouped(3, 6, 10), collection_of((60, 60, 60))
    collection = replace(few, groups=np.where(few.labels == 2, "2-0", one.groups))
    split_table = make_splits(collection)
    assert set(split_table.splits[collection.labels == 2]) == {"train"}
    assert split_table.origin["test"].endswith("without c2")
    assert "without c2" in split_table.origin["validation"]


def test_three_groups_are_enough_where_each_has_all_classes():
    collection = replace(collection_of((30, 30)), groups=np.array(["a", "b", "c"] * 20))
    assert [split_table > 0 for split_table in make_splits(collection).counts().values()] == [True] * 3


def test_groups_across_the_splits_of_the_source_are_found():
    from tellapart.data.split_table import groups_across_splits

    collection = replace(
        collection_of((6, 6)), splits=np.array(["train"] * 4 + ["test"] * 2 + ["train"] * 4 + ["test"] * 2),
        groups=np.array(["a", "b", "c", "d", "a", "e"] * 2),
    )  # fmt: skip
    split_table = make_splits(collection, validation=0)
    assert groups_across_splits(collection, split_table, "test").tolist() == [4, 10]
    assert groups_across_splits(replace(collection, groups=None), split_table, "test").tolist() == []


@pytest.mark.parametrize("seed", range(4))
def test_no_single_large_group_becomes_the_test_split(seed):
    """62 single pictures and a subject of 38: a fifth of the singles, not of that one subject."""
    collection = collection_of((50, 50))
    one = np.r_[0:19, 50:69]
    groups = np.array([f"p{i}" for i in range(100)])
    groups[one] = "p0"
    split_table = make_splits(replace(collection, groups=groups), 0, 0.2, seed)
    assert split_table.counts()["test"] == pytest.approx(20, abs=1)
    assert set(split_table.splits[one]) == {"train"}


def test_groups_of_many_sizes_come_near_the_share_and_differ_by_seed():
    sizes = [300, 120, 80, 60, 50, 40, 40, 30, 30, 20, 20, 10]
    groups = np.repeat([f"s{i}" for i in range(len(sizes))], sizes)
    collection = replace(collection_of((400, 400)), labels=np.arange(800) % 2, groups=groups)
    chosen = [frozenset(groups[make_splits(collection, 0, 0.2, seed).indices("test")]) for seed in range(6)]
    for seed, names in enumerate(chosen):
        assert make_splits(collection, 0, 0.2, seed).counts()["test"] == pytest.approx(160, abs=30)
        assert len(names) > 1
    assert len(set(chosen)) > 1


def test_a_split_that_is_small_because_of_large_groups_is_not_blamed_on_duplicates():
    collection = collection_of((500, 500))
    groups = np.repeat(["a", "b", "c"], [960, 20, 20])
    collection = replace(collection, labels=np.arange(1000) % 2, groups=groups)
    split_table = make_splits(collection, 0.2, 0, 0, [(965, 990)], [])
    assert "so much alike" not in split_table.origin["validation"]
    assert split_table.counts()["validation"] < 50
    assert split_table.splits[965] == split_table.splits[990]


@pytest.mark.parametrize("seed", range(3))
def test_of_two_assignments_the_fuller_one_is_used(seed):
    """Two classes of one layout each, in which one picture comes 70 times: validation is small in any case."""
    exact = [tuple(range(70)), tuple(range(100, 170))]
    split_table = make_splits(
        collection_of((100, 100)), 0.1, 0.2, seed, [tuple(range(100)), tuple(range(100, 200))], exact
    )
    assert min(split_table.counts().values()) > 0
    assert "too many near-duplicates: only exact duplicates stay together" in split_table.origin["test"]
