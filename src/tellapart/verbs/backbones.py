"""List the pretrained backbones with licence, accuracy and speed, and whether their weights are on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Any

from pydantic import Field

from tellapart.progress import Listener
from tellapart.text import columns, counted, file_size, fitted, listed, percent, terminal_width, wrapped
from tellapart.verbs import Record, argument
from tellapart.verbs._options import BackboneName

HEADER = ("name", "ImageNet", "weights", "size", "pictures/s", "licence", "features", "source")


class Options(Record):
    """The options of backbones."""

    name: BackboneName = argument(None, description="A backbone to describe.")
    fetch: BackboneName = Field(
        None, description="Download the weights of this backbone, unless they are on this machine; the only use of the "
        "network. An interrupted download resumes."
    )  # fmt: skip
    measure: bool = Field(
        False, description="Measure how many pictures per second each backbone processes here; takes some seconds each."
    )


@dataclass(frozen=True)
class BackboneRow:
    """A backbone, as `tellapart backbones` lists it.

    `accuracy` 0..1 is the published top-1 accuracy on ImageNet-1k at `side` pixels. `size` is that of the weights file
    in bytes, or None. `source` says where the weights are on this machine, or is None; then `ways` are commands to get
    them. `files` says which files have them, and where to put one. `speed` is in pictures of `side` pixels per second
    on this machine, or None if it was not measured.
    """

    name: str
    card: str
    title: str
    features: int
    parameters: int
    side: int
    sides: tuple[int, ...]
    accuracy: float
    licence: str
    commercial: bool
    credit: str
    size: int | None
    source: str | None
    path: str | None
    ways: tuple[str, ...]
    files: str
    speed: float | None

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, for machines."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}

    @property
    def about(self) -> str:
        """What it is, in one line."""
        return self.card.split("\n")[0].removeprefix(f"{self.name} - ")

    @property
    def use(self) -> str:
        """The licence, marked if it is for non-commercial use only."""
        return self.licence if self.commercial else f"{self.licence} (non-commercial)"


@dataclass(frozen=True, repr=False)
class BackboneList:
    """The backbones, by name. A single one is described in full."""

    rows: tuple[BackboneRow, ...]
    single: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The rows by name, for machines."""
        return {row.name: row.to_dict() for row in self.rows}

    def __str__(self) -> str:
        width = terminal_width()
        if self.single:
            return _description(self.rows[0], width)
        table = fitted([_cells(row) for row in self.rows], HEADER, width)
        return "\n".join([table, *(wrapped(line, width) for line in self._notes())])

    def _notes(self) -> Iterable[str]:
        """What to do about missing weights and missing measurements."""
        missing = [row.name for row in self.rows if row.source is None]
        if missing:
            yield f"not on this machine: {listed(missing)}; 'tellapart backbones NAME' says how to get the weights"
        if any(row.speed is None for row in self.rows):
            yield "pictures/s is measured on this machine with 'tellapart backbones --measure'"

    def __repr__(self) -> str:
        here = sum(row.source is not None for row in self.rows)
        return f"<BackboneList: {counted(len(self.rows), 'backbone')}, the weights of {here} on this machine>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def _cells(row: BackboneRow) -> list[str]:
    return [
        row.name,
        percent(row.accuracy),
        "missing" if row.source is None else "here",
        _size(row),
        _speed(row),
        row.use,
        f"{row.features:,}",
        row.source or "-",
    ]


def _size(row: BackboneRow) -> str:
    """The size of the weights file; if it was not published, that of the parameters in float32."""
    return f"about {file_size(4 * row.parameters)}" if row.size is None else file_size(row.size)


def _speed(row: BackboneRow) -> str:
    return "-" if row.speed is None else f"{row.speed:,.0f}"


def _description(row: BackboneRow, width: int | None) -> str:
    get = f"missing; to get them: {'; or '.join([*row.ways, row.files])}"
    facts = [
        ("ImageNet", f"{percent(row.accuracy)} (top-1, {row.side} x {row.side} pixels)"),
        ("pictures/s", _speed(row) if row.speed is not None else "not measured; add --measure"),
        ("features", f"{row.features:,}"),
        ("parameters", f"{row.parameters:,}"),
        ("sizes", f"{', '.join(map(str, row.sides))} pixels"),
        ("licence", f"{row.use}; {row.credit}"),
        ("weights", get if row.source is None else f"in {row.source}: {row.path}"),
        ("file size", _size(row)),
    ]
    longest = max(len(name) for name, _ in facts)
    lines = columns(facts).splitlines()
    return "\n".join([row.card, "", *(wrapped(line, width, " " * (longest + 2)) for line in lines)])


def run(options: Options, on_event: Listener) -> BackboneList:
    """Returns the list, or one backbone. Uses the network only with `fetch`, and Keras only with `measure`.

    Raises UsageError for a name that does not exist, WeightsError and DownloadError if weights cannot be fetched.
    """
    from tellapart.networks import backbones
    from tellapart.pretrained import speed, weights

    if options.fetch is not None:
        weights.fetch(options.fetch, on_event)
    single = options.name or options.fetch
    names = backbones.names() if single is None else (single,)
    for name in names:
        backbones.load(name)  # an unknown name is reported before anything is measured
        if options.measure:
            speed.measure(name, on_event)
    return BackboneList(tuple(_row(name, on_event) for name in names), single is not None)


def _row(name: str, on_event: Listener) -> BackboneRow:
    from tellapart.networks import backbones
    from tellapart.networks.backbones import Backbone
    from tellapart.pretrained import speed, weights

    known: Backbone = backbones.load(name).BACKBONE
    found = weights.at_hand(name, on_event, named=True)
    size = found.path.stat().st_size if found else next((file.size for file in known.files if file.size), None)
    return BackboneRow(
        name=name,
        card=backbones.card(name),
        title=known.title,
        features=known.features,
        parameters=known.parameters,
        side=known.side,
        sides=known.sides,
        accuracy=known.accuracy,
        licence=known.licence,
        commercial=known.commercial,
        credit=known.credit,
        size=size,
        source=found.source if found else None,
        path=str(found.path) if found else None,
        ways=() if found else tuple(weights.ways_to_get(name)),
        files=weights.where_to_put(name),
        speed=speed.remembered(name),
    )
