"""The explanations of predictions: of one picture, and of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.errors import PictureError
from tellapart.text import counted, percent, readable, terminal_width, wrapped

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Prediction
    from tellapart.explanation.neighbours import Neighbour
    from tellapart.plots.plot import Plot

NAMED = 6
"""The repr of several explanations names at most this many pictures; a notebook draws at most this many."""


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why the model predicted what it did.

    `label` is the class that is explained. Maps are float32 [height, width] in 0..1 over the preprocessed picture:
    `heat` from the network's gradients, None without convolutions; `covering` from covering regions of the picture;
    `agreement` is their rank correlation, -1..1. `plot` draws everything; its file is `output`. Of many explanations
    only the first have a plot, because each takes megabytes.
    """

    prediction: Prediction
    label: str
    picture: np.ndarray
    heat: np.ndarray | None
    covering: np.ndarray | None
    agreement: float | None
    layers: tuple[str, ...]
    neighbours: list[Neighbour]
    plot: Plot | None
    output: Path | None

    def to_dict(self) -> dict[str, Any]:
        """For machines: positions are shares of the picture's height and width."""
        explained: dict[str, Any] = self.prediction.to_dict() | {"explained": self.label, "layers": list(self.layers)}
        for name, values in (("heat", self.heat), ("covering", self.covering)):
            if values is not None:
                explained[name] = {"highest_at": _peak(values), "map": values.round(3).tolist()}
        explained |= {"agreement": self.agreement, "neighbours": [near.to_dict() for near in self.neighbours]}
        if self.heat is None and self.covering is None and self.plot is not None:
            explained["drawn"] = self.plot.to_dict()
        return explained | {"output": str(self.output) if self.output else None}

    def __str__(self) -> str:
        lines = [self.headline()]
        if self.covering is not None:
            lines.append(f"explained: {self.label}")
            if self.heat is not None:
                lines.append(f"gradients ({', '.join(self.layers)}) {self._words(self.heat)}")
            lines.append(f"covering {self._words(self.covering)}")
        if self.agreement is not None:
            lines.append(f"the two maps agree with a rank correlation of {self.agreement:.2f}")
        if self.neighbours:
            near = "; ".join(f"{one.label} ({one.key}, {one.similarity:.2f})" for one in self.neighbours)
            lines.append(f"nearest training pictures: {near}")
        width = terminal_width()
        lines = [wrapped(line, width) for line in lines]
        return "\n".join([*lines, f"drawn: {self.output}"] if self.output else lines)

    def headline(self) -> str:
        """The picture and its prediction in one line."""
        return f"{readable(self.prediction.source)}: {self.prediction}"

    def _words(self, values: np.ndarray) -> str:
        peak = _peak(values)
        if peak is None:
            return f"finds no evidence for {self.label}"
        return f"points at {percent(peak['down'], digits=0)} down, {percent(peak['right'], digits=0)} to the right"

    def __repr__(self) -> str:
        return f"<Explanation of {self.label!r} in {self.headline()}>"

    def _repr_html_(self) -> str:
        return "" if self.plot is None else self.plot.svg()


@dataclass(frozen=True, eq=False, repr=False)
class Explanations:
    """The explanations of several pictures, in order; `bad` are the errors of those that could not be read."""

    explanations: Sequence[Explanation]
    bad: Sequence[PictureError]

    @property
    def exit_code(self) -> int:
        """1 if a picture could not be read, else 0."""
        return 1 if self.bad else 0

    def __iter__(self) -> Iterator[Explanation]:
        return iter(self.explanations)

    def __len__(self) -> int:
        return len(self.explanations)

    def __getitem__(self, i: int) -> Explanation:
        return self.explanations[i]

    def to_dict(self) -> list[dict[str, Any]]:
        """One object per picture, for machines; pictures that could not be read come last and have `error`."""
        bad = [{"source": error.source, "error": error.reason} for error in self.bad]
        return [explanation.to_dict() for explanation in self.explanations] + bad

    def __str__(self) -> str:
        lines = []
        for explanation in self.explanations:
            other = "" if explanation.label == explanation.prediction.label else f"; explained: {explanation.label}"
            agreed = "" if explanation.agreement is None else f"; agreement of the maps {explanation.agreement:.2f}"
            lines.append(f"{explanation.headline()}{other}{agreed}")
            lines += [f"  drawn: {explanation.output}"] if explanation.output else []
        lines += [f"{readable(error.source)}: {error.reason}" for error in self.bad]
        return "\n".join([*lines, self._summary()])

    def _summary(self) -> str:
        folders = {explanation.output.parent for explanation in self.explanations if explanation.output}
        where = f", drawn in {folders.pop()}" if len(folders) == 1 else ""
        unread = f"; {len(self.bad):,} could not be read" if self.bad else ""
        return f"{counted(len(self.explanations), 'picture')} explained{where}{unread}"

    def __repr__(self) -> str:
        return f"<Explanations: {self._summary()}>"

    def _repr_html_(self) -> str:
        from html import escape

        drawn = "".join(
            f"<p>{escape(explanation.headline())}</p>{explanation._repr_html_()}"
            for explanation in self.explanations[:NAMED]
        )
        return f"<p><b>{escape(self._summary())}</b></p>{drawn}"


def _peak(values: np.ndarray) -> dict[str, float] | None:
    """Where a map is highest; None if it is 0 everywhere."""
    import numpy as np

    if not values.any():
        return None

    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return {"down": float((row + 0.5) / values.shape[0]), "right": float((column + 0.5) / values.shape[1])}
