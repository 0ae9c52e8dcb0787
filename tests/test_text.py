import pytest

from tellapart.text import near_one


@pytest.mark.parametrize(
    ("share", "words"), ((0.5, "50.0%"), (0.95, "95.0%"), (0.9996, "99.96%"), (0.99999, "99.999%"), (1.0, "100.0%"))
)
def test_shares_near_one_are_told_from_one(share, words):
    assert near_one(share) == words
