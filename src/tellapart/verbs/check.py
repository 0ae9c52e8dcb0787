"""Report what is wrong with a collection - bad files, duplicates, leakage, likely wrong labels - and change nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tellapart.errors import Stopped, TellapartError, UsageError
from tellapart.progress import Listener, Note
from tellapart.text import counted, quoted
from tellapart.verbs import Record, argument, check_output
from tellapart.verbs._check_text import as_text
from tellapart.verbs._data import open_data_of, report_reading, said_in
from tellapart.verbs._grouping import Group, with_found_groups, with_given_groups
from tellapart.verbs._options import (
    BackboneName,
    ClassNames,
    Delimiter,
    ImageColumn,
    ImagesFolder,
    LabelPlace,
    Source,
    SplitColumn,
)
from tellapart.verbs._output import default_output
from tellapart.verbs._outside import outside

if TYPE_CHECKING:
    from tellapart.data.collection import Collection
    from tellapart.data.finding import Checked, CheckResult, CleanList, Finding
    from tellapart.report.findings import CheckPage
    from tellapart.verbs._label_search import Backbone


class Options(Record):
    """The options of check."""

    data: Source = argument(description="A data set's name, a folder, an archive or a data file.")
    classes: ClassNames = Field(None, description="Text file with the class names in label order, one per line.")
    label: LabelPlace = None
    image_column: ImageColumn = None
    images: ImagesFolder = None
    split_column: SplitColumn = None
    delimiter: Delimiter = None
    group: Group = None
    skip_labels: bool = Field(False, description="Skip the search for wrong labels, which trains models.")
    backbone: BackboneName = Field(
        None,
        description='Pretrained backbone whose features predict the labels; "none" trains small networks instead; '
        "default: efficientnet-lite0 for photos, if its weights are at hand. 'tellapart backbones' lists them.",
    )
    folds: int = Field(
        4, ge=2, le=20, description="Models that the search for wrong labels trains; each is evaluated on its own fold."
    )
    seed: int = Field(0, ge=0, lt=2**31, description="Decides the folds and the models' first weights.")
    write_manifest: Path | None = Field(
        None,
        description="A CSV file to write, without bad pictures and with almost surely wrong labels moved.",
    )
    output: Path | None = Field(
        None, description="The HTML page to write; default: <data>-check.html in tellapart-out/."
    )


@dataclass(frozen=True, eq=False)
class Report:
    """Results by check, in the order of the page; `output` is the page, `manifest` the clean manifest if written.

    `clean` is what a clean manifest changes. `not_searched` are sentences about what was not searched for, and why.
    `stopped` is the exit code if the check was stopped.
    """

    checked: Checked
    results: Sequence[CheckResult]
    output: Path | None
    manifest: Path | None
    clean: CleanList
    not_searched: tuple[str, ...] = ()
    stopped: int | None = None

    @property
    def findings(self) -> dict[str, list[Finding]]:
        """The findings by the name of the check."""
        return {result.name: list(result.findings) for result in self.results}

    @property
    def left_out(self) -> int:
        """The number of pictures that a clean manifest leaves out."""
        return len(self.clean.left_out)

    @property
    def moved(self) -> int:
        """The number of pictures that a clean manifest gives another class."""
        return len(self.clean.moved)

    @property
    def exit_code(self) -> int:
        """1 if there are findings; the signal's exit code if the check was stopped."""
        if self.stopped is not None:
            return self.stopped
        return 1 if any(self.findings.values()) else 0

    def to_dict(self) -> dict[str, Any]:
        """For machines: the findings of each check, and what a clean manifest changes."""
        collection = self.checked.collection
        remarks = {one.name: {"words": one.remark.words} | dict(one.remark.facts) for one in self.results if one.remark}
        return {
            "name": collection.name,
            "pictures": len(collection),
            "findings": {
                name: [finding.to_dict(collection) for finding in findings] for name, findings in self.findings.items()
            },
            "remarks": remarks,
            "inferred": list(collection.inferred),
            "notes": list(collection.notes),
            "not_searched": list(self.not_searched),
            "stopped": self.stopped is not None,
            "output": str(self.output) if self.output else None,
            "manifest": str(self.manifest) if self.manifest else None,
            "manifest_command": self.clean.command or None,
            "left_out": self.left_out,
            "moved": self.moved,
        }

    def __str__(self) -> str:
        return as_text(self._page(), self.output)

    def __repr__(self) -> str:
        counts = [len(result.findings) for result in self.results if result.findings]
        kinds = f" of {counted(len(counts), 'kind')}" if counts else ""
        pictures = counted(len(self.checked.collection), "picture")
        return f"<Report {self.checked.collection.name}: {counted(sum(counts), 'finding')}{kinds} in {pictures}>"

    def _repr_html_(self) -> str:
        from tellapart.report.findings import findings_table

        return str(findings_table(self._page()))

    def _page(self) -> CheckPage:
        from tellapart.report.findings import CheckPage

        return CheckPage(self.checked, self.results, self.not_searched, self.clean, self.manifest)


def run(options: Options, on_event: Listener) -> Report:
    """Check. Raises UsageError for files that cannot be written, and DataError for data that cannot be opened.

    For a backbone it raises UsageError if there is none of this name, and WeightsError if its weights are not at hand.
    """
    from tellapart.checks import run_checks
    from tellapart.data.finding import Checked
    from tellapart.data.inspect import inspect

    backbone = _backbone(options)
    collection = _opened(options, on_event)
    inspection = inspect(collection, on_event)
    collection, _ = with_found_groups(collection, inspection.thumbnails(), options.group, on_event)
    inspection = replace(inspection, collection=collection)
    checked, notes, stopped = _with_predictions(Checked(inspection), backbone, options, on_event)
    not_searched = (*inspection.duplicates.not_looked_for(), *notes)
    results = run_checks(checked)
    clean = _clean_list(collection, results, options, stopped is not None)
    manifest = options.write_manifest if stopped is None else None  # without the labels it would not be complete
    report = Report(checked, results, None, manifest, clean, not_searched, stopped)
    if manifest is not None:
        _write_manifest(report, manifest, on_event)
    return replace(report, output=_write_page(report, options.output, on_event))


def _backbone(options: Options) -> Backbone | None:
    """What the search for wrong labels predicts with; None without a search."""
    if options.skip_labels:
        return None
    from tellapart.verbs._label_search import Backbone

    return Backbone.asked(options.backbone)


def _opened(options: Options, on_event: Listener) -> Collection:
    """The collection. Raises UsageError for output files that cannot be written, before anything takes time."""
    from tellapart.verbs._clean_manifest import check_manifest

    check_output(options.output)
    check_output(options.write_manifest, "write-manifest")
    collection = open_data_of(options, on_event)
    collection = with_given_groups(collection, options.group)
    _check_page(collection, options.output)
    if options.write_manifest is not None:
        check_manifest(collection, options.write_manifest)
    report_reading(collection, on_event)
    return collection


def _with_predictions(
    checked: Checked, backbone: Backbone | None, options: Options, on_event: Listener
) -> tuple[Checked, list[str], int | None]:
    """The collection with predictions where possible, notes about them, and an exit code if the search was stopped.

    The other checks are done by then and are reported whatever happens here.
    """
    from tellapart.verbs._label_search import with_predictions

    notes, stopped = [], None
    try:
        if backbone is None:
            notes.append("not searched for (--skip-labels)")
        elif len(checked.collection.class_names) < 2:
            notes.append("not searched for, because there is only one class")
        else:
            checked, notes = with_predictions(checked, backbone, options.folds, options.seed, on_event)
    except (Stopped, KeyboardInterrupt) as error:
        notes.append("not searched for, because the search was stopped")
        stopped = error.exit_code if isinstance(error, Stopped) else Stopped.exit_code
    except TellapartError as error:
        notes.append(f"not searched for: {error.given}")
    notes = [f"likely wrong labels: {note}" for note in notes]
    if stopped is not None and options.write_manifest is not None:
        notes.append("manifest: not written, because the search was stopped")
    return checked, notes, stopped


def _write_page(report: Report, output: Path | None, on_event: Listener) -> Path | None:
    """Write the page and return its path; None if its default folder cannot be written to."""
    from tellapart.report.findings import write_findings

    try:
        path = output or _default_page(report.checked.collection)
        write_findings(report._page(), path)
    except OSError as error:
        if output is not None:
            raise UsageError(
                f"--output {output}: cannot be written ({error.strerror})",
                "an HTML file to write",
                "choose another name",
            ) from error
        place = error.filename or Path.cwd()
        on_event(Note(f"no page was written: {place} cannot be written to ({error.strerror})", warning=True))
        return None
    return path


def _default_page(collection: Collection) -> Path:
    """A free name for the page: in tellapart-out/, or next to the data if the current folder is inside it."""
    from tellapart.files import plain_name

    return default_output(f"{plain_name(collection.name)}-check.html", outside(collection))


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


def _clean_list(collection: Collection, results: Sequence[CheckResult], options: Options, stopped: bool) -> CleanList:
    """What a clean manifest changes, and the command that writes it."""
    from tellapart.data.finding import CleanList
    from tellapart.verbs._clean_manifest import command_problem

    if stopped:
        return CleanList.of(results, problem="the search for wrong labels was stopped")
    if problem := command_problem(collection):
        return CleanList.of(results, problem=problem)
    command, passed_on = (_command(collection, options, passed_on) for passed_on in (False, True))
    return CleanList.of(results, command=command, page_command=passed_on)


def _command(collection: Collection, options: Options, passed_on: bool = False) -> str:
    """The command that writes the clean manifest: the check with its options, and --write-manifest.

    It works from any folder, or, `passed_on`, has no folders of this machine: a page is passed on.
    """
    from tellapart.training.places import without_folders
    from tellapart.verbs._clean_manifest import default_manifest

    place: Callable[[Path], str] = without_folders if passed_on else str
    words = ["tellapart", "check", place(Path(collection.source).resolve())]
    if isinstance(options.classes, (str, Path)):
        words += ["--classes", place(Path(options.classes).resolve())]
    for name, value in said_in(options).items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    words += ["--group", options.group] if options.group is not None else []
    words += ["--skip-labels"] if options.skip_labels else []
    words += ["--backbone", options.backbone] if options.backbone is not None else []
    for name in ("folds", "seed"):
        value = getattr(options, name)
        words += [f"--{name}", str(value)] if value != Options.model_fields[name].default else []
    return " ".join(map(quoted, [*words, "--write-manifest", place(default_manifest(collection))]))


def _write_manifest(report: Report, path: Path, on_event: Listener) -> None:
    from tellapart.verbs._clean_manifest import losses, write_manifest

    collection, clean = report.checked.collection, report.clean
    try:
        write_manifest(collection, clean.left_out, clean.moved, path)
    except OSError as error:
        raise UsageError(
            f"--write-manifest {path}: cannot be written ({error.strerror})",
            "a file that can be written",
            "free disk space, or choose another name",
        ) from error
    for warning in losses(collection, clean.left_out):
        on_event(Note(warning, warning=True))
