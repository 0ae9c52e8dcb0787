"""A few greyscale pictures among colour pictures, or a few colour pictures among greyscale ones."""

from collections.abc import Sequence

import numpy as np

from tellapart.data.finding import Checked, Finding, Remark

POSITION, TITLE = 120, "Greyscale and colour mixed"

FEW = 0.1
"""The rarer kind is listed if it makes up at most this share of the readable pictures."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    grey = _grey(checked)
    share = np.mean(list(grey.values())) if grey else 0.0
    if FEW < share < 1 - FEW:
        return []
    rare_is_grey = share <= FEW
    rare, usual = ("greyscale", "in colour") if rare_is_grey else ("in colour", "greyscale")
    return [
        checked.finding(i, rare, f"; most pictures are {usual}")
        for i, is_grey in grey.items()
        if is_grey == rare_is_grey
    ]


def remark(checked: Checked, findings: Sequence[Finding]) -> Remark | None:
    """See the contract."""
    if not findings:
        return None
    usual = "in colour" if findings[0].detail == "greyscale" else "greyscale"
    return Remark(f"These are {findings[0].detail}; most pictures are {usual}.", says_details=True)


def _grey(checked: Checked) -> dict[int, bool]:
    """Whether each readable picture is greyscale."""
    measured = {i: checked.inspection.summary(i) for i in checked.inspection.readable.tolist()}
    return {i: bool(measures.grey or measures.shape[2] == 1) for i, measures in measured.items()}
