"""Report what is wrong with a collection - bad files, duplicates, leakage, likely wrong labels - and change nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tellapart import leaves
from tellapart.errors import Stopped, TellapartError, UsageError
from tellapart.progress import Listener, Note
from tellapart.text import counted
from tellapart.verbs import Record, argument, check_output
from tellapart.verbs._options import ClassNames, Source

if TYPE_CHECKING:
    from types import ModuleType

    from tellapart.data.collection import Collection
    from tellapart.data.finding import Checked, Finding

CHECKS = "tellapart.checks"

EXAMPLES = 3
"""Findings of a check that are printed; the page has more."""


class Options(Record):
    """The options of check."""

    data: Source = argument(description="A data set's name, a folder, an archive or a data file.")
    classes: ClassNames = Field(None, description="Text file with the class names in label order, one per line.")
    group: str | None = Field(
        None, description="Groups of pictures: a column of the table, or a regular expression for file names."
    )
    skip_labels: bool = Field(False, description="Skip the search for wrong labels, which trains models.")
    folds: int = Field(
        4, ge=2, le=20, description="Models that the search for wrong labels trains; each is evaluated on its own fold."
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Decides the folds and the models' first weights.")
    write_manifest: Path | None = Field(
        None,
        description="A CSV file to write, without bad pictures and with almost surely wrong labels moved.",
    )
    output: Path | None = Field(None, description="The HTML page to write; default: <data>-check.html here.")


@dataclass(frozen=True, eq=False)
class Report:
    """Findings by check, in the order of the page; `output` is the page, `manifest` the clean list.

    `not_searched` are sentences about what was not searched for, and why. The clean list leaves out `left_out` pictures
    and gives `moved` another class. `stopped` is the exit code if the check was stopped.
    """

    checked: Checked
    findings: dict[str, list[Finding]]
    titles: dict[str, str]
    output: Path | None
    manifest: Path | None
    not_searched: tuple[str, ...] = ()
    left_out: int = 0
    moved: int = 0
    stopped: int | None = None

    @property
    def exit_code(self) -> int:
        """1 if there are findings; the signal's exit code if the check was stopped."""
        if self.stopped is not None:
            return self.stopped
        return 1 if any(self.findings.values()) else 0

    def to_dict(self) -> dict[str, Any]:
        """For machines: the findings of each check."""
        collection = self.checked.collection
        return {
            "name": collection.name,
            "pictures": len(collection),
            "findings": {
                name: [finding.to_dict(collection) for finding in findings] for name, findings in self.findings.items()
            },
            "notes": list(collection.notes),
            "not_searched": list(self.not_searched),
            "stopped": self.stopped is not None,
            "output": str(self.output) if self.output else None,
            "manifest": str(self.manifest) if self.manifest else None,
            "left_out": self.left_out,
            "moved": self.moved,
        }

    def __str__(self) -> str:
        collection = self.checked.collection
        lines = [f"{collection.name}: {len(collection):,} pictures, {len(collection.class_names)} classes"]
        for name, findings in self.findings.items():
            lines.append(f"{self.titles[name]}: {len(findings):,}")
            lines += [f"  {finding.words}" for finding in findings[:EXAMPLES]]
            if len(findings) > EXAMPLES:
                lines.append(f"  and {len(findings) - EXAMPLES:,} more")
        lines += self.not_searched
        lines += [f"page: {self.output}"] if self.output else []
        if self.manifest:
            kept = f"{len(collection) - self.left_out:,} of {counted(len(collection), 'picture')}"
            lines.append(
                f"manifest: {self.manifest} ({kept}, {self.left_out:,} left out, {self.moved:,} moved to another class)"
            )
        return "\n".join(lines)


def run(options: Options, on_event: Listener) -> Report:
    """Check. Raises UsageError and DataError for data that cannot be opened at all."""
    from tellapart.data.finding import Checked
    from tellapart.data.inspect import inspect

    collection = _opened(options, on_event)
    inspection = inspect(collection, on_event)
    checked, notes, stopped = _with_predictions(Checked(inspection), options, on_event)
    not_searched = inspection.duplicates.not_looked_for() + notes
    modules = {name: leaves.load(CHECKS, name, "a check") for name in leaves.names(CHECKS)}
    modules = dict(sorted(modules.items(), key=lambda item: item[1].POSITION))
    results = {name: module.find(checked) for name, module in modules.items()}
    findings = {name: found for name, found in results.items() if found is not None}
    shown = [(modules[name], found) for name, found in findings.items()]
    page = _write_page(checked, shown, not_searched, options.output, on_event)
    titles = {name: module.TITLE for name, module in modules.items()}
    report = Report(checked, findings, titles, page, None, tuple(not_searched), stopped=stopped)
    if options.write_manifest is None or stopped is not None:  # without the labels the list would not be complete
        return report
    return _with_manifest(report, options.write_manifest, on_event)


def _opened(options: Options, on_event: Listener) -> Collection:
    """The collection. Raises UsageError for output files that cannot be written, before anything takes time."""
    from tellapart.data.groups import grouped
    from tellapart.data.source import open_collection
    from tellapart.verbs._clean_manifest import check_manifest

    check_output(options.output)
    check_output(options.write_manifest, "write-manifest")
    collection = open_collection(options.data, options.classes, on_event)
    if options.group is not None:
        collection = grouped(collection, options.group)
    _check_page(collection, options.output)
    if options.write_manifest is not None:
        check_manifest(collection, options.write_manifest)
    for note in collection.notes:
        on_event(Note(f"note: {note}", warning=True))
    return collection


def _with_predictions(checked: Checked, options: Options, on_event: Listener) -> tuple[Checked, list[str], int | None]:
    """The collection with predictions where possible, notes about them, and an exit code if the search was stopped.

    The other checks are done by then and are reported whatever happens here.
    """
    from tellapart.verbs._label_search import out_of_fold_predictions

    notes, stopped = [], None
    try:
        if options.skip_labels:
            notes.append("not searched for (--skip-labels)")
        elif len(checked.collection.class_names) < 2:
            notes.append("not searched for, because there is only one class")
        else:
            predictions, notes = out_of_fold_predictions(checked, options.folds, options.seed, on_event)
            checked = replace(checked, predictions=predictions)
    except (Stopped, KeyboardInterrupt) as error:
        notes.append("not searched for, because the search was stopped")
        stopped = error.exit_code if isinstance(error, Stopped) else Stopped.exit_code
    except TellapartError as error:
        notes.append(f"not searched for: {error.given}")
    notes = [f"likely wrong labels: {note}" for note in notes]
    if stopped is not None and options.write_manifest is not None:
        notes.append("manifest: not written, because the search was stopped")
    return checked, notes, stopped


def _write_page(
    checked: Checked,
    findings: list[tuple[ModuleType, list[Finding]]],
    not_searched: list[str],
    output: Path | None,
    on_event: Listener,
) -> Path | None:
    """Write the page and return its path; None if its default folder cannot be written to."""
    from tellapart.files import free_path, plain_name
    from tellapart.report.findings import write_findings

    collection = checked.collection
    path = output or free_path(_default_page(collection, f"{plain_name(collection.name)}-check.html"))
    try:
        write_findings(checked, findings, not_searched, path)
    except OSError as error:
        if output is not None:
            raise UsageError(
                f"--output {path}: cannot be written ({error.strerror})", "an HTML file to write", "choose another name"
            ) from error
        on_event(
            Note(f"no page was written: {path.absolute().parent} cannot be written to ({error.strerror})", warning=True)
        )
        return None
    return path


def _default_page(collection: Collection, name: str) -> Path:
    """The default path of the page: the current folder, or the data's parent folder if the current one is inside it."""
    source, here = Path(collection.source).resolve(), Path.cwd()
    return source.parent / name if source == here or source in here.parents else Path(name)


def _check_page(collection: Collection, path: Path | None) -> None:
    """Raise UsageError if the page would replace something else, or be inside the data."""
    if path is None:
        return
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--output {path}: must end in .html", "a name that ends in .html", "")
    source, target = Path(collection.source).resolve(), path.resolve()
    if source in target.parents:
        raise UsageError(
            f"--output {path}: is inside the data, which is never changed",
            "a file outside the folder",
            f"choose a name next to it, such as {source.parent / path.name}",
        )


def _with_manifest(report: Report, path: Path, on_event: Listener) -> Report:
    """Write the clean manifest of a report."""
    from tellapart.verbs._clean_manifest import losses, write_manifest

    collection, findings = report.checked.collection, [f for found in report.findings.values() for f in found]
    left_out = {i for finding in findings for i in finding.drop}
    moved = {i: name for finding in findings for i, name in finding.relabel.items() if i not in left_out}
    write_manifest(collection, left_out, moved, path)
    for warning in losses(collection, left_out):
        on_event(Note(warning, warning=True))
    return replace(report, manifest=path, left_out=len(left_out), moved=len(moved))
