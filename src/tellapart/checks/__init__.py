"""Checks for problems in a collection: one file per check, found by listing this folder.

A check is a module. The first line of its docstring says what it finds; the check page shows that line. It has
`POSITION`, a number that orders the page, `TITLE`, and

    def find(checked: Checked) -> list[Finding]

`find` changes nothing. It returns None instead of a list if the collection lacks what the check needs. Optional are
`SHOWN`, the number of findings that the page shows with pictures, and

    def remark(checked: Checked, findings: Sequence[Finding]) -> Remark | None

which applies to all findings, or explains that there are none; it is printed once.
"""

from __future__ import annotations

from types import ModuleType

from tellapart import leaves
from tellapart.data.finding import SHOWN, Checked, CheckResult


def run_checks(checked: Checked) -> list[CheckResult]:
    """Return the results of all checks that the collection has what they need for, in the order of the page."""
    modules = {name: leaves.load(__name__, name, "a check") for name in leaves.names(__name__)}
    in_order = sorted(modules.items(), key=lambda item: item[1].POSITION)
    results = (_result(name, module, checked) for name, module in in_order)
    return [result for result in results if result is not None]


def _result(name: str, check: ModuleType, checked: Checked) -> CheckResult | None:
    findings = check.find(checked)
    if findings is None:
        return None
    remark = check.remark(checked, findings) if hasattr(check, "remark") else None
    description = (check.__doc__ or "").split("\n")[0]
    return CheckResult(name, check.TITLE, description, findings, remark, getattr(check, "SHOWN", SHOWN))
