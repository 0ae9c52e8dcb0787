"""Say what is wrong with a collection - bad files, duplicates, leaks, likely wrong labels - and change nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tellapart import leaves
from tellapart.errors import DataError, UsageError
from tellapart.progress import Listener, Note, Progress
from tellapart.verbs import Record, argument, check_output

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


class Options(Record):
    """What may be asked of check."""

    data: Any = argument(description="A data set's name, a folder, archive or data file.")
    classes: Any = Field(None, description="Text file with the class names in label order, one a line.")
    skip_labels: bool = Field(False, description="Leave out the search for wrong labels, which trains models.")
    folds: int = Field(4, ge=2, le=20, description="Models that it trains; each is asked about the pictures left out.")
    seed: int = Field(0, ge=0, lt=2**31, description="Decides the folds and the models' first weights.")
    write_manifest: Path | None = Field(
        None, description="A CSV to write that leaves bad pictures out and moves labels that are surely wrong."
    )
    output: Path | None = Field(None, description="The page to write; default: <data>-check.html here.")


@dataclass(frozen=True, eq=False)
class Report:
    """What was found, check by check, in the order of the page; `output` is the page, `manifest` the clean list."""

    checked: Checked
    findings: dict[str, list[Finding]]
    titles: dict[str, str]
    output: Path | None
    manifest: Path | None

    @property
    def exit_code(self) -> int:
        """1 where anything was found."""
        return 1 if any(self.findings.values()) else 0

    def to_dict(self) -> dict[str, Any]:
        """For machines: the findings of each check."""
        collection = self.checked.collection
        return {
            "name": collection.name,
            "pictures": len(collection),
            "findings": {name: [one.to_dict(collection) for one in found] for name, found in self.findings.items()},
            "output": str(self.output) if self.output else None,
            "manifest": str(self.manifest) if self.manifest else None,
        }

    def __str__(self) -> str:
        collection = self.checked.collection
        lines = [f"{collection.name}: {len(collection):,} pictures, {len(collection.class_names)} classes"]
        for name, found in self.findings.items():
            lines.append(f"{self.titles[name]}: {len(found):,}")
            lines += [f"  {one.words}" for one in found[:EXAMPLES]]
            if len(found) > EXAMPLES:
                lines.append(f"  and {len(found) - EXAMPLES:,} more")
        lines += [f"{title}: not looked for" for name, title in self.titles.items() if name not in self.findings]
        lines += [f"page: {self.output}"] if self.output else []
        return "\n".join([*lines, f"manifest: {self.manifest}"] if self.manifest else lines)


def run(options: Options, on_event: Listener) -> Report:
    """Check. Raises UsageError and DataError for data that cannot be opened at all."""
    from tellapart.data.finding import Checked
    from tellapart.data.inspect import inspect
    from tellapart.data.source import open_collection
    from tellapart.files import free_path, plain_name
    from tellapart.report.findings import write_findings

    check_output(options.output)
    check_output(options.write_manifest, "write-manifest")
    collection = open_collection(options.data, options.classes, on_event)
    if options.write_manifest is not None:
        _check_files(collection)
        _check_target(collection, options.write_manifest)
    inspection = inspect(collection, on_event)
    checked = Checked(inspection)
    if not options.skip_labels and len(collection.class_names) > 1:
        checked = Checked(inspection, _predictions(checked, options, on_event))
    modules = {name: leaves.load(CHECKS, name, "a check") for name in leaves.names(CHECKS)}
    order = sorted(modules, key=lambda name: modules[name].POSITION)
    looked = {name: modules[name].find(checked) for name in order}
    findings = {name: found for name, found in looked.items() if found is not None}
    output: Path | None = options.output or free_path(Path(f"{plain_name(collection.name)}-check.html"))
    assert output is not None
    try:
        write_findings(checked, [(modules[name], found) for name, found in findings.items()], output)
    except OSError as error:
        if options.output is not None:
            raise UsageError(
                f"--output {output}: cannot be written ({error.strerror})", "an HTML file to write", "name another"
            ) from error
        on_event(Note(f"no page is written: {Path.cwd()} cannot be written to ({error.strerror})"))
        output = None
    if options.write_manifest is not None:
        _write_manifest(collection, findings, options.write_manifest)
    titles = {name: modules[name].TITLE for name in order}
    return Report(checked, findings, titles, output, options.write_manifest)


def _predictions(checked: Checked, options: Options, on_event: Listener) -> np.ndarray | None:
    """Probabilities [n, classes] from models that have not seen the picture; NaN for those that cannot be read."""
    import numpy as np

    from tellapart.data.cutting import joined
    from tellapart.data.feeding import Prepared, prepare_pictures
    from tellapart.data.suspects import suspected
    from tellapart.recipes.choose import choose_mirror, choose_preparation
    from tellapart.recipes.find import find_recipe
    from tellapart.recipes.recipe import Recipe
    from tellapart.training.precision import choose_precision
    from tellapart.verbs._folds import check_folds, fold_of, out_of_fold

    collection, readable = checked.collection, checked.inspection.readable
    own = np.arange(len(collection)) if collection.groups is None else collection.groups
    duplicates, classes = checked.inspection.duplicates, range(len(collection.class_names))
    for same in (duplicates.groups, duplicates.of("exact")):  # a copy in training would vouch for its twin
        places = joined(own, same)
        different = [len(np.unique(places[readable[collection.labels[readable] == c]])) for c in classes]
        if min(different) >= options.folds:
            break
    else:
        few = collection.class_names[int(np.argmin(different))]
        on_event(Note(f"likely wrong labels: not looked for, since {few} has {min(different)} different pictures only"))
        return None
    fold = fold_of(collection.labels[readable], places[readable], options.folds, options.seed)
    try:
        check_folds(collection, collection.labels[readable], fold)
    except DataError as error:
        on_event(Note(f"likely wrong labels: not looked for, since {error.given}"))
        return None
    found = find_recipe("quick")
    preparation, _ = choose_preparation(found.recipe, collection, readable)
    preparation = preparation.model_copy(
        update={"height": min(preparation.height, SIDE), "width": min(preparation.width, SIDE)}
    )
    data = prepare_pictures(collection, readable, preparation, on_event, "read pictures")

    def recipe_for(train: Prepared) -> Recipe:
        recipe = found.for_data(len(train), preparation.shape)
        recipe = recipe.model_copy(update={"views": "mirror-shift"})  # answers of several views are surer ones
        return choose_mirror(recipe, train.pixels, train.labels, collection.class_names)[0]

    pictures = float(len(data) * found.for_data(len(data), preparation.shape).epochs)
    precision, _ = choose_precision("auto", found.recipe, pictures, preparation.shape, len(collection.class_names))
    fold = fold[np.isin(readable, data.indices)]
    on_event(Note(f"likely wrong labels: {ROUNDS} times {options.folds} models, asked about pictures they did not see"))
    values, believed = np.zeros((len(data), len(collection.class_names)), np.float32), np.ones(len(data), bool)
    for number in range(ROUNDS):

        def told(event: object, number: int = number) -> None:
            if isinstance(event, Progress):
                on_event(replace(event, task=f"round {number + 1} of {ROUNDS}, {event.task}"))

        values += out_of_fold(
            recipe_for, collection, data, fold, preparation, options.seed + number, precision, told, believed
        )
        suspects = suspected(data.labels, values / (number + 1))[0]
        believed = np.ones(len(data), bool)
        believed[suspects[: len(data) // 5]] = False
    values /= ROUNDS
    whole = np.full((len(collection), len(collection.class_names)), np.nan, np.float32)
    whole[data.indices] = values
    return whole


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
    """Raise UsageError where the clean manifest would take the place of a file of the data: the only list of labels."""
    source = Path(collection.source).resolve()
    target = path.resolve()
    if path.exists() and (target == source or source in target.parents):
        raise UsageError(
            f"--write-manifest {path}: exists, and belongs to the data", "the name of a new file", "name another"
        )


def _write_manifest(collection: Collection, findings: dict[str, list[Finding]], path: Path) -> None:
    """Write file_name, label and, where there are such, split, group and the table's other columns.

    File names are as seen from its own folder.
    """
    import csv
    import io

    from tellapart.data.collection import EncodedPictures
    from tellapart.files import write_text

    left_out = {i for found in findings.values() for one in found for i in one.drop}
    moved = {i: name for found in findings.values() for one in found for i, name in one.relabel.items()}
    assert isinstance(collection.pictures, EncodedPictures)  # or `_check_files` would have said so
    columns: dict[str, Any] = {"split": collection.parts, "group": collection.groups}
    kept = {name: values for name, values in columns.items() if values is not None}
    kept |= {name: values for name, values in collection.columns.items() if name not in ("file_name", "label", *kept)}
    buffer = io.StringIO()
    folder = path.parent.resolve()  # a way up and down leads elsewhere from where a link points
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("file_name", "label", *kept))
    for i in range(len(collection)):
        if i not in left_out:
            writer.writerow(
                (
                    _seen_from(folder, collection.pictures.describe(i)),
                    moved.get(i, collection.label(i)),
                    *(values[i] for values in kept.values()),
                )
            )
    write_text(path, buffer.getvalue())


def _seen_from(folder: Path, file: str) -> str:
    """A file's name as a table in `folder` gives it; the whole path where none leads there, as to another drive."""
    import os

    whole = Path(file).absolute()
    try:
        return Path(os.path.relpath(whole, folder)).as_posix()
    except ValueError:
        return whole.as_posix()
