"""Show a collection: splits, picture shapes, class counts, and a drawing of the first pictures with their classes."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from tellapart.errors import DataError, PictureError, UsageError
from tellapart.progress import Listener, Note, Progress
from tellapart.text import columns, columns_of, counted, cut, shape, text_width
from tellapart.verbs import Record, argument, check_drawing, write_plot
from tellapart.verbs._data import open_data_of
from tellapart.verbs._options import (
    Changes,
    ClassNames,
    Delimiter,
    ImageColumn,
    ImagesFolder,
    LabelPlace,
    RecipeSource,
    Source,
    SplitColumn,
)
from tellapart.verbs._outside import outside
from tellapart.verbs._settings import AUTO, changes_of, several

if TYPE_CHECKING:
    from tellapart.data.collection import Collection, Skipped
    from tellapart.plots.pictures import PictureGrid


AUGMENTED, EPOCHS = 5, 4
"""With --augment: pictures that are drawn by default, and epochs for which each is drawn."""

DRAWN = 256
"""Largest number of pixels of the longer side of a drawn picture."""

PICTURES = 25
"""Pictures that are drawn by default."""

NAME = 40
"""Columns of a class name on a terminal, at most; longer names are cut in the middle."""

MIRRORED = 3000
"""Pictures that are read to decide whether mirroring does harm."""


class Options(Record):
    """The options of show."""

    data: Source = argument(description="A data set's name, a folder, archive or data file.")
    classes: ClassNames = Field(None, description="Text file with the class names in label order, one per line.")
    label: LabelPlace = None
    image_column: ImageColumn = None
    images: ImagesFolder = None
    split_column: SplitColumn = None
    delimiter: Delimiter = None
    pictures: int | None = Field(
        None, ge=0, le=400, description="Number of pictures to draw; default: 25, or 5 with --augment; 0 draws none."
    )
    augment: RecipeSource = Field(
        None, description="A recipe, or auto: draw some pictures as its training augments them, for several epochs."
    )
    set: Changes = Field(
        default_factory=list,
        description="With --augment: change a field of the recipe, such as augmentation.crop=0.5; may be repeated.",
    )
    output: Path | None = Field(
        None, description="The PNG file to write; default: <data>-pictures.png in tellapart-out/."
    )

    _set = field_validator("set", mode="before")(several)


@dataclass(frozen=True, eq=False)
class Shown:
    """The collection; `shapes` counts (height, width, channels), `bad` are the pictures that cannot be read.

    `passed_over` are sentences about files and folders that are not part of the collection, and about pictures in
    subfolders of their class folder.
    """

    collection: Collection
    shapes: Counter[tuple[int, int, int]]
    bad: list[Skipped]
    figure: PictureGrid | None
    output: Path | None
    passed_over: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Class counts, shapes and unreadable pictures, for machines."""
        collection = self.collection
        counts = {split or "all": collection.class_counts(collection.indices(split)) for split in self._splits()}
        return {
            "name": collection.name,
            "source": collection.source,
            "pictures": len(collection),
            "splits": {split: len(collection.indices(split)) for split in collection.given_splits},
            "classes": {
                name: {split: int(count[c]) for split, count in counts.items()}
                for c, name in enumerate(collection.class_names)
            },
            "shapes": [{"shape": list(size), "count": count} for size, count in self.shapes.most_common()],
            "skipped": [item.to_dict() for item in self.bad],
            "passed_over": list(self.passed_over),
            "inferred": list(collection.inferred),
            "notes": list(collection.notes),
            "drawn": None if self.output is None else str(self.output),
        }

    def __str__(self) -> str:
        collection = self.collection
        lines = [
            f"{cut(collection.name, NAME)}: {counted(len(collection), 'picture')}, {self._classes()}",
            *_wrapped(f"shapes (height x width x channels): {self._shapes()}"),
            *(part for line in collection.inferred for part in _wrapped(line)),
            "",
            self._table(),
        ]
        if not collection.given_splits:
            lines += ["", "the data has no splits of its own; train makes them, stratified and seeded"]
        if self.bad:
            lines += ["", f"{counted(len(self.bad), 'picture')} cannot be read:"]
            lines += [f"  {_bad(item)}" for item in self.bad[:10]]
            lines += [f"  and {len(self.bad) - 10:,} more"] if len(self.bad) > 10 else []
        sentences = [*self.passed_over, *(f"note: {note}" for note in collection.notes)]
        lines += ["", *(line for sentence in sentences for line in _wrapped(sentence))] if sentences else []
        if self.output is not None:
            lines += ["", f"drawn: {self.output}"]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Shown {self.collection.name}: {counted(len(self.collection), 'picture')}, {self._classes()}>"

    def _classes(self) -> str:
        return counted(len(self.collection.class_names), "class", "classes")

    def _table(self) -> str:
        """The pictures of each class, and of each split if the data has some; class names are cut to NAME columns."""
        collection, splits = self.collection, self._splits()
        counts = [collection.class_counts(collection.indices(split)) for split in splits]
        longest = min(NAME, text_width() // 2)
        rows: list[list[object]] = [
            [cut(name, longest), *(int(count[c]) for count in counts)] for c, name in enumerate(collection.class_names)
        ]
        rows.append(["all", *(int(count.sum()) for count in counts)])
        return columns(rows, ["class", *(split or "pictures" for split in splits)])

    def _repr_png_(self) -> bytes | None:
        return None if self.figure is None else self.figure.png()

    def _splits(self) -> tuple[str | None, ...]:
        return self.collection.given_splits or (None,)

    def _shapes(self) -> str:
        if len(self.shapes) <= 4:
            return ", ".join(f"{shape(size)} ({count:,})" for size, count in self.shapes.most_common())
        heights, widths = sorted(size[0] for size in self.shapes), sorted(size[1] for size in self.shapes)
        return (
            f"{len(self.shapes):,} different, height {heights[0]} to {heights[-1]}, width {widths[0]} to "
            f"{widths[-1]}; most common {shape(self.shapes.most_common(1)[0][0])}"
        )


def run(options: Options, on_event: Listener) -> Shown:
    """Returns what it prints. The drawing is written under a free name to tellapart-out/ unless --output is given.

    If the current folder is inside the data, it is written next to the data. Raises UsageError and DataError for data
    that cannot be opened.
    """
    from tellapart.data.passed_over import passed_over

    check_drawing(options.output)
    if options.set and options.augment is None:
        raise UsageError("--set without --augment", "the recipe to change", "add --augment auto or --augment RECIPE")
    collection = open_data_of(options, on_event)
    shapes, bad = _shapes(collection, on_event)
    figure: PictureGrid | None = None
    if options.augment is not None and options.pictures != 0:
        figure = _augmented(collection, options, on_event)
    elif options.pictures != 0:
        figure = _draw(collection, options.pictures or PICTURES)
    output = _write(figure, collection, options.output, on_event) if figure else None
    return Shown(collection, shapes, bad, figure, output, tuple(passed_over(collection)))


def _write(figure: PictureGrid, collection: Collection, output: Path | None, on_event: Listener) -> Path | None:
    """Write the drawing and return its path; None, with a note, if there is no place for it outside the data."""
    try:
        folder = outside(collection) if output is None else None
    except PermissionError as error:
        on_event(Note(f"no drawing written: cannot write to {error.filename} ({error.strerror})", warning=True))
        return None
    return write_plot(figure, output, f"{collection.name}-pictures", on_event, folder)


def _wrapped(words: str) -> list[str]:
    return textwrap.wrap(words, text_width(), subsequent_indent="  ", break_on_hyphens=False)


def _bad(item: Skipped) -> str:
    """A picture that cannot be read, in one line, with its name cut."""
    return f"{cut(item.key, max(20, text_width() - 4 - columns_of(item.reason)))}: {item.reason}"


def _shapes(collection: Collection, on_event: Listener) -> tuple[Counter[tuple[int, int, int]], list[Skipped]]:
    from tellapart.data.collection import ArrayPictures, Skipped
    from tellapart.parallel import each

    pictures = collection.pictures
    if isinstance(pictures, ArrayPictures):
        return Counter({pictures.shape(0): len(pictures)}), []
    shapes: Counter[tuple[int, int, int]] = Counter()
    bad = []

    def shape_or_reason(i: int) -> tuple[int, int, int] | str:
        try:
            return pictures.shape(i)
        except PictureError as error:
            return error.reason

    for i, answer in enumerate(each(shape_or_reason, range(len(collection)))):
        if isinstance(answer, str):
            bad.append(Skipped(collection.keys[i], answer))
        else:
            shapes[answer] += 1
        if i % 256 == 255 or i + 1 == len(collection):
            on_event(Progress("read headers", i + 1, len(collection)))
    return shapes, bad


def _draw(collection: Collection, count: int) -> PictureGrid | None:
    """A drawing of the first pictures; None if none can be read."""
    from tellapart.images.write import within
    from tellapart.plots.pictures import PictureGrid

    pictures: list[Any] = []
    titles: list[str] = []
    for i in _order(collection, count):
        if len(pictures) == count:
            break
        try:
            pictures.append(within(collection.read(i, (DRAWN, DRAWN)), DRAWN))
            titles.append(collection.label(i))
        except PictureError:  # `bad` has it if its header is damaged; training reports others
            continue
    return PictureGrid(pictures, titles) if pictures else None


def _augmented(collection: Collection, options: Options, on_event: Listener) -> PictureGrid:
    """Some training pictures as the recipe's network sees them: preprocessed, then augmented for EPOCHS epochs.

    Split, recipe, preprocessing and mirroring are decided as `train` decides them.
    """
    import numpy as np

    from tellapart.data.feeding import prepare_pictures
    from tellapart.data.split_table import make_splits
    from tellapart.plots.pictures import PictureGrid
    from tellapart.recipes.choose import choose_mirror, choose_preparation, choose_recipe
    from tellapart.recipes.find import find_recipe
    from tellapart.training.augmented import augmented

    try:
        train = make_splits(collection).indices("train")
    except DataError as error:  # train may still work, for instance without a validation or test split
        train = collection.indices("train" if "train" in collection.given_splits else None)
        on_event(
            Note(f"note: decided on all pictures, since the default split cannot be made ({error.given})", warning=True)
        )
    name = options.augment
    if name == AUTO:
        name, reason = choose_recipe(collection, train)
        on_event(Note(f"recipe: {name} ({reason})"))
    changes = changes_of(find_recipe(name).recipe, options.set)
    chosen = find_recipe(name).changed(changes, "--set") if changes else find_recipe(name)
    preprocessing, _ = choose_preparation(chosen.recipe, collection, train)
    recipe = chosen.for_data(len(train), preprocessing.shape)
    wanted = MIRRORED if recipe.augmentation.flip == "auto" else options.pictures or AUGMENTED
    sample = np.unique(np.linspace(0, len(train) - 1, wanted).astype(int))
    data = prepare_pictures(collection, train[sample], preprocessing, on_event)
    recipe, mirroring = choose_mirror(recipe, data.pixels, data.labels, collection.class_names)
    if mirroring:
        on_event(Note(mirroring))
    on_event(Note(f"augmentation: {recipe.augmentation}"))
    order = np.random.default_rng(0).permutation(len(data))[: options.pictures or AUGMENTED]
    shown = data.pixels[order]
    names = [collection.class_names[data.labels[i]] for i in order]
    return PictureGrid.by_epoch(names, shown, augmented(recipe, shown, EPOCHS))


def _order(collection: Collection, count: int) -> Iterator[int]:
    """Indices of the first pictures; if those are of one class, as in class folders, classes take turns."""
    if len(set(collection.labels[:count].tolist())) > 1:
        return iter(range(len(collection)))
    import numpy as np

    members = [np.flatnonzero(collection.labels == c) for c in range(len(collection.class_names))]
    rounds = zip_longest(*(of_class[:count] for of_class in members))
    return (int(i) for indices in rounds for i in indices if i is not None)
