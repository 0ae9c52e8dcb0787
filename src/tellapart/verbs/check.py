"""Say what is wrong with a collection - bad files, duplicates, leaks, likely wrong labels - and change nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tellapart import leaves
from tellapart.errors import Stopped, TellapartError, UsageError
from tellapart.progress import Listener, Note, Progress
from tellapart.text import counted
from tellapart.verbs import Record, argument, check_output
from tellapart.verbs._options import ClassNames, Source

if TYPE_CHECKING:
    import numpy as np

    from tellapart.data.collection import Collection
    from tellapart.data.finding import Checked, Finding

CHECKS = "tellapart.checks"

SIDE = 64
"""Pictures are learnt from at no more than this side to find wrong labels."""

ROUNDS = 2
"""The second round learns from what the first does not suspect; what both say counts."""

EXAMPLES = 3

MUCH = 0.2
"""A clean manifest that leaves out more of a class says so."""


class Options(Record):
    """What may be asked of check."""

    data: Source = argument(description="A data set's name, a folder, archive or data file.")
    classes: ClassNames = Field(None, description="Text file with the class names in label order, one a line.")
    group: str | None = Field(
        None, description="What belongs together: a column of the table, or a regular expression for file names."
    )
    skip_labels: bool = Field(False, description="Leave out the search for wrong labels, which trains models.")
    folds: int = Field(4, ge=2, le=20, description="Models that it trains; each is asked about the pictures left out.")
    seed: int = Field(0, ge=0, lt=2**31, description="Decides the folds and the models' first weights.")
    write_manifest: Path | None = Field(
        None, description="A CSV to write that leaves bad pictures out and moves labels that are surely wrong."
    )
    output: Path | None = Field(None, description="The HTML page to write; default: <data>-check.html here.")


@dataclass(frozen=True, eq=False)
class Report:
    """What was found, check by check, in the order of the page; `output` is the page, `manifest` the clean list.

    `not_looked_for` are sentences about what was not, and why; `left_out` and `moved` are how many pictures the list
    leaves out, and gives another class; `stopped` is the exit code of a check that was stopped on its way.
    """

    checked: Checked
    findings: dict[str, list[Finding]]
    titles: dict[str, str]
    output: Path | None
    manifest: Path | None
    not_looked_for: tuple[str, ...] = ()
    left_out: int = 0
    moved: int = 0
    stopped: int | None = None

    @property
    def exit_code(self) -> int:
        """1 where anything was found; what the system expects of what was stopped."""
        if self.stopped is not None:
            return self.stopped
        return 1 if any(self.findings.values()) else 0

    def to_dict(self) -> dict[str, Any]:
        """For machines: the findings of each check."""
        collection = self.checked.collection
        return {
            "name": collection.name,
            "pictures": len(collection),
            "findings": {name: [one.to_dict(collection) for one in found] for name, found in self.findings.items()},
            "notes": list(collection.notes),
            "not_looked_for": list(self.not_looked_for),
            "stopped": self.stopped is not None,
            "output": str(self.output) if self.output else None,
            "manifest": str(self.manifest) if self.manifest else None,
            "left_out": self.left_out,
            "moved": self.moved,
        }

    def __str__(self) -> str:
        collection = self.checked.collection
        lines = [f"{collection.name}: {len(collection):,} pictures, {len(collection.class_names)} classes"]
        for name, found in self.findings.items():
            lines.append(f"{self.titles[name]}: {len(found):,}")
            lines += [f"  {one.words}" for one in found[:EXAMPLES]]
            if len(found) > EXAMPLES:
                lines.append(f"  and {len(found) - EXAMPLES:,} more")
        lines += self.not_looked_for
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
    from tellapart.data.groups import grouped
    from tellapart.data.inspect import inspect
    from tellapart.data.source import open_collection
    from tellapart.files import free_path, plain_name
    from tellapart.report.findings import write_findings

    check_output(options.output)
    check_output(options.write_manifest, "write-manifest")
    collection = open_collection(options.data, options.classes, on_event)
    if options.group is not None:
        collection = grouped(collection, options.group)
    _check_page(collection, options.output)
    if options.write_manifest is not None:
        _check_files(collection)
        _check_target(collection, options.write_manifest)
        _files_seen_from(options.write_manifest, collection)
    for note in collection.notes:
        on_event(Note(f"note: {note}"))
    inspection = inspect(collection, on_event)
    checked, said, stopped = _with_labels(Checked(inspection), options, on_event)
    missing = inspection.duplicates.not_looked_for() + said
    modules = {name: leaves.load(CHECKS, name, "a check") for name in leaves.names(CHECKS)}
    order = sorted(modules, key=lambda name: modules[name].POSITION)
    looked = {name: modules[name].find(checked) for name in order}
    findings = {name: found for name, found in looked.items() if found is not None}
    output: Path | None = options.output or free_path(_beside(collection, f"{plain_name(collection.name)}-check.html"))
    assert output is not None
    try:
        write_findings(checked, [(modules[name], found) for name, found in findings.items()], missing, output)
    except OSError as error:
        if options.output is not None:
            raise UsageError(
                f"--output {output}: cannot be written ({error.strerror})", "an HTML file to write", "name another"
            ) from error
        on_event(Note(f"no page is written: {output.absolute().parent} cannot be written to ({error.strerror})"))
        output = None
    titles = {name: modules[name].TITLE for name in order}
    report = Report(checked, findings, titles, output, None, tuple(missing), stopped=stopped)
    if options.write_manifest is None or stopped is not None:  # a list without the labels would be taken for the whole
        return report
    left_out = {i for found in findings.values() for one in found for i in one.drop}
    moved = {i: name for found in findings.values() for one in found for i, name in one.relabel.items()}
    moved = {i: name for i, name in moved.items() if i not in left_out}
    _write_manifest(collection, left_out, moved, options.write_manifest)
    for text in _losses(collection, left_out):
        on_event(Note(text))
    return replace(report, manifest=options.write_manifest, left_out=len(left_out), moved=len(moved))


def _with_labels(checked: Checked, options: Options, on_event: Listener) -> tuple[Checked, list[str], int | None]:
    """What was looked at, with predictions where there can be such; what is to be said; if stopped, an exit code.

    Everything else is known by then, and worth telling whatever happens here.
    """
    said, stopped = [], None
    try:
        if options.skip_labels:
            said.append("not looked for, as asked")
        elif len(checked.collection.class_names) < 2:
            said.append("not looked for, since there is one class only")
        else:
            predictions, said = _predictions(checked, options, on_event)
            checked = replace(checked, predictions=predictions)
    except (Stopped, KeyboardInterrupt) as error:
        said.append("not looked for, since it was stopped")
        stopped = error.exit_code if isinstance(error, Stopped) else Stopped.exit_code
    except TellapartError as error:
        said.append(f"not looked for, since {error.given}")
    said = [f"likely wrong labels: {words}" for words in said]
    if stopped is not None and options.write_manifest is not None:
        said.append("manifest: not written, since it was stopped")
    return checked, said, stopped


def _beside(collection: Collection, name: str) -> Path:
    """Where a page goes that nobody has named: where the person stands, or beside the data if that is within it."""
    source, here = Path(collection.source).resolve(), Path.cwd()
    return source.parent / name if source == here or source in here.parents else Path(name)


def _predictions(checked: Checked, options: Options, on_event: Listener) -> tuple[np.ndarray, list[str]]:
    """Probabilities [n, classes] from models that have not seen the picture; NaN for those that none is asked about.

    And what is to be said about how they came about. Raises DataError for too few different pictures.
    """
    import numpy as np

    from tellapart.data.feeding import Prepared, prepare_pictures
    from tellapart.data.suspects import suspected
    from tellapart.recipes.choose import choose_mirror, choose_preparation
    from tellapart.recipes.find import find_recipe
    from tellapart.recipes.recipe import Recipe
    from tellapart.training.precision import choose_precision
    from tellapart.verbs._folds import make_spare_folds, out_of_fold

    collection, readable = checked.collection, checked.inspection.readable
    duplicates = checked.inspection.duplicates
    readable, fold, said = make_spare_folds(collection, duplicates, readable, options.folds, options.seed)
    found = find_recipe("quick")
    preprocessing, _ = choose_preparation(found.recipe, collection, readable)
    preprocessing = preprocessing.model_copy(
        update={"height": min(preprocessing.height, SIDE), "width": min(preprocessing.width, SIDE)}
    )
    data = prepare_pictures(collection, readable, preprocessing, on_event, "read pictures")

    def recipe_for(train: Prepared) -> Recipe:
        recipe = found.for_data(len(train), preprocessing.shape)
        recipe = recipe.model_copy(update={"views": "mirror-shift"})  # answers of several views are surer ones
        return choose_mirror(recipe, train.pixels, train.labels, collection.class_names)[0]

    pictures = float(len(data) * found.for_data(len(data), preprocessing.shape).epochs)
    precision, _ = choose_precision("auto", found.recipe, pictures, preprocessing.shape, len(collection.class_names))
    fold = fold[np.isin(readable, data.indices)]
    on_event(
        Note(f"likely wrong labels: {ROUNDS} times {fold.max() + 1} models, asked about pictures they did not see")
    )
    values, believed = np.zeros((len(data), len(collection.class_names)), np.float32), np.ones(len(data), bool)
    for number in range(ROUNDS):

        def told(event: object, number: int = number) -> None:
            if isinstance(event, Progress):
                on_event(replace(event, task=f"round {number + 1} of {ROUNDS}, {event.task}"))

        values += out_of_fold(
            recipe_for, collection, data, fold, preprocessing, options.seed + number, precision, told, believed
        )
        suspects = suspected(data.labels, values / (number + 1))[0]
        believed = np.ones(len(data), bool)
        believed[suspects[: len(data) // 5]] = False
    values /= ROUNDS
    whole = np.full((len(collection), len(collection.class_names)), np.nan, np.float32)
    whole[data.indices] = values
    return whole, said


def _check_page(collection: Collection, path: Path | None) -> None:
    """Raise UsageError where the page would take the place of something else, or lie in the data."""
    if path is None:
        return
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--output {path}: is not named as a page", "a name that ends in .html", "name it so")
    source, target = Path(collection.source).resolve(), path.resolve()
    if source in target.parents:
        raise UsageError(
            f"--output {path}: lies in the data, in which nothing is changed",
            "a file outside the folder",
            f"name one beside it, such as {source.parent / path.name}",
        )


def _check_files(collection: Collection) -> None:
    """A manifest names files: raise UsageError where the pictures are none."""
    from tellapart.data.collection import EncodedPictures

    pictures = collection.pictures
    if not isinstance(pictures, EncodedPictures) or not any(
        Path(pictures.describe(i)).is_file() for i in range(min(len(pictures), 100))
    ):
        raise UsageError(
            f"--write-manifest: the pictures of {collection.source} are no files of their own",
            "a folder of picture files",
            "unpack it first, or leave --write-manifest out",
        )


def _check_target(collection: Collection, path: Path) -> None:
    """Raise UsageError where the clean manifest would be a file of the data, or no such table as it is named after.

    It could be the only list of labels that it takes the place of, of this data or of other; and a folder with a table
    in it is read from that.
    """
    source, target = Path(collection.source).resolve(), path.resolve()
    if path.suffix.lower() not in (".csv", ".tsv"):
        raise UsageError(f"--write-manifest {path}: is named after no table", "a .csv or .tsv file", "name it so")
    if path.exists():
        raise UsageError(
            f"--write-manifest {path}: is there already, and may hold labels that are nowhere else",
            "the name of a new file",
            "name another, or remove that one first",
        )
    if source in target.parents:
        raise UsageError(
            f"--write-manifest {path}: lies in the data, which would be read from it from then on",
            "a file outside the folder",
            f"name one beside it, such as {source.parent / path.name}",
        )


def _losses(collection: Collection, left_out: set[int]) -> list[str]:
    """What is to be said of classes of which the clean manifest leaves much out."""
    import numpy as np

    lost, had = collection.class_counts(np.array(sorted(left_out), np.int64)), collection.class_counts()
    return [
        f"manifest: {lost[c]:,} of {counted(int(had[c]), 'picture')} of {name} are left out: look at the page first"
        for c, name in enumerate(collection.class_names)
        if lost[c] > MUCH * had[c]
    ]


def _write_manifest(collection: Collection, left_out: set[int], moved: dict[int, str], path: Path) -> None:
    """Write file_name, label and, where there are such, split, group and the table's other columns.

    File names are as seen from its own folder.
    """
    import csv
    import io

    from tellapart.data.tables import separator
    from tellapart.files import write_text

    columns: dict[str, Any] = {"split": collection.splits, "group": collection.groups}
    kept = {name: values for name, values in columns.items() if values is not None}
    kept |= {name: values for name, values in collection.columns.items() if name not in ("file_name", "label", *kept)}
    buffer = io.StringIO()
    files = _files_seen_from(path, collection)
    writer = csv.writer(buffer, delimiter=separator(path.name), lineterminator="\n")
    writer.writerow(("file_name", "label", *kept))
    for i in range(len(collection)):
        if i not in left_out:
            writer.writerow(
                (
                    files[i],
                    moved.get(i, collection.label(i)),
                    *(values[i] for values in kept.values()),
                )
            )
    write_text(path, buffer.getvalue())


def _files_seen_from(path: Path, collection: Collection) -> list[str]:
    """The files of a collection as a table at `path` gives them. Raises UsageError for names that no table can hold."""
    from tellapart.data.collection import EncodedPictures

    assert isinstance(collection.pictures, EncodedPictures)  # or `_check_files` would have said so
    folder = path.parent.resolve()  # a way up and down leads elsewhere from where a link points
    files = [_seen_from(folder, collection.pictures.describe(i)) for i in range(len(collection))]
    odd = [file for file in files if file != file.encode("utf-8", "replace").decode()]
    if odd:
        shown = odd[0].encode("utf-8", "backslashreplace").decode()
        raise UsageError(
            f"--write-manifest: {counted(len(odd), 'file name')} cannot stand in a table ({shown})",
            "names in UTF-8",
            "rename these files first, or leave --write-manifest out",
        )
    return files


def _seen_from(folder: Path, file: str) -> str:
    """A file's name as a table in `folder` gives it; the whole path where none leads there, as to another drive."""
    import os

    whole = Path(file).absolute()
    try:
        return Path(os.path.relpath(whole, folder)).as_posix()
    except ValueError:
        return whole.as_posix()
