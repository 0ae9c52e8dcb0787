"""The same picture in training and in another part, which makes that part's figures flatter."""

from tellapart.data.finding import Checked, Finding
from tellapart.data.split_names import SPLITS

POSITION, TITLE = 100, "The same picture in different parts"


def find(checked: Checked) -> list[Finding]:
    """See the contract. A clean manifest keeps those of the test split, and of the validation split what is not in it.

    And those of other parts that are only nearly the same, where they are of another class, or of one layout.
    """
    collection = checked.collection
    if (given := collection.splits) is None:
        return []
    exact = set(checked.inspection.duplicates.of("exact"))
    found = []
    for group in checked.inspection.duplicates.groups:
        splits = [str(given[i]) for i in group]
        if len(set(splits)) < 2:
            continue
        layout, drop = checked.one_layout(group), set[int]()
        for number, split in enumerate(
            SPLITS
        ):  # training's go for those of validation and test, validation's for test's
            after = [i for i, own in zip(group, splits, strict=True) if own in SPLITS[number + 1 :]]
            twins = {checked.twins.get(i, i) for i in after}
            classes = set() if layout else {int(collection.labels[i]) for i in after}
            drop |= {
                i
                for i, own in zip(group, splits, strict=True)
                if own == split and (checked.twins.get(i, i) in twins or int(collection.labels[i]) in classes)
            }
        names, order = checked.named(group, lambda i: str(given[i]))
        same = "the same picture" if group in exact else "the same picture, or nearly"
        found.append(Finding(f"{same}: {names}", order, drop=tuple(sorted(drop))))
    return found
