"""Reports of all kinds in a browser: wide, narrow, dark and in print. Nothing overflows, nothing is loaded."""

from dataclasses import replace

import numpy as np
import pytest

from tellapart.report.facts import Findings
from tellapart.report.report import write_report
from tests import reports
from tests.browser import NARROW, PRINT, WIDE, assert_good, opened
from tests.browser import chromium as chromium

FLOWERS = ("daisy", "dandelion", "rose", "sunflower", "tulip")
LARGEST = 3_000_000
"""Bytes of a report."""


def numbered(count):
    return [f"species number {k}" for k in range(count)]


def one_test_picture():
    """One class has a single test picture."""
    known = reports.facts(FLOWERS, 120)
    chosen = np.flatnonzero((known.evaluation.labels != 2) | (np.cumsum(known.evaluation.labels == 2) == 1))
    few = replace(
        known.evaluation,
        labels=known.evaluation.labels[chosen],
        probabilities=known.evaluation.probabilities[chosen],
        indices=known.evaluation.indices[chosen],
        keys=tuple(known.evaluation.keys[i] for i in chosen),
    )
    return replace(known, evaluation=few, mistakes=(), pairs=())


def nothing_evaluated():
    return replace(reports.facts(FLOWERS, 120), evaluation=None, mistakes=(), pairs=(), findings=Findings())


CASES = {
    "2 classes": lambda: reports.facts(("cat", "dog"), 152),
    "10 classes": lambda: reports.facts((*FLOWERS, *reports.NAMES, "bellflower of the alps"), 400),
    "20 classes": lambda: reports.facts(numbered(20), 600),
    "60 classes": lambda: reports.facts(numbered(60), 900),
    "1,000 classes": lambda: reports.facts(numbered(1000), 5000),
    "one test picture": one_test_picture,
    "no test split": lambda: reports.facts(FLOWERS, 60, split="validation"),
    "nothing evaluated": nothing_evaluated,
    "0 mistakes": lambda: reports.without_mistakes(reports.facts(FLOWERS, 152)),
}


@pytest.mark.parametrize("name", CASES)
def test_reports_are_good(chromium, tmp_path, name):
    write_report(CASES[name](), tmp_path)
    path = tmp_path / "report.html"
    assert path.stat().st_size < LARGEST
    if name == "10 classes":  # which has the names that pages have trouble with
        assert_good(chromium, path)
    elif name == "1,000 classes":  # the folded table has 8,000 cells of the same kind as the one above it
        assert_good(chromium, path, (WIDE, NARROW, PRINT), for_axe=(NARROW,), without="#classes details")
    else:
        assert_good(chromium, path, (WIDE, NARROW, PRINT))


def test_a_cell_of_the_matrix_leads_to_its_pictures(chromium, tmp_path):
    """Also to those that are folded: the browser opens them."""
    known = reports.facts(FLOWERS, 400)
    write_report(known, tmp_path)
    last = known.pairs[-1]
    with opened(chromium, tmp_path / "report.html") as shown:
        target = shown.page.locator(f"#pair-{last.true}-{last.predicted}")
        assert not target.is_visible()
        shown.page.click(f'.matrix a[href="#pair-{last.true}-{last.predicted}"]')
        assert target.is_visible()
        assert target.bounding_box()["y"] < 900
