"""Explain a prediction: heat maps over the picture, the nearest training pictures, or the layers of the network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tellapart.errors import TellapartError, UsageError, did_you_mean
from tellapart.progress import Listener, Note
from tellapart.verbs import Record, argument, check_drawing, write_plot
from tellapart.verbs._options import Model, Picture, Source

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier, Prediction
    from tellapart.explanation.neighbours import Neighbour
    from tellapart.plots.plot import Plot


class Options(Record):
    """The options of explain."""

    model: Model = argument(description="A .keras file that tellapart wrote, or a run folder.")
    picture: Picture = argument(description="A picture file.")
    label: str | None = Field(None, description="The class to explain; default: the predicted one.")
    layers: bool = Field(
        False, description="Draw the filters of the first layer and the feature maps of every layer instead."
    )
    kernel: str | None = Field(
        None,
        description="Convolve the picture with a kernel instead: vertical-edges, horizontal-edges, diagonal-edges, "
        "outlines, blur, sharpen, or the number, from 0, of a filter of the first layer.",
    )
    data: Source = Field(None, description="Where the training pictures are; default: where they were in training.")
    output: Path | None = Field(None, description="The PNG file to draw into; default: <picture>-explained.png here.")


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why the model predicted what it did.

    `label` is the class that is explained. Maps are float32 [height, width] in 0..1 over the preprocessed picture:
    `heat` from the network's gradients, None without convolutions; `covering` from covering regions of the picture;
    `agreement` is their rank correlation, -1..1. `plot` draws everything; its file is `output`.
    """

    prediction: Prediction
    label: str
    picture: np.ndarray
    heat: np.ndarray | None
    covering: np.ndarray | None
    agreement: float | None
    layers: tuple[str, ...]
    neighbours: list[Neighbour]
    plot: Plot
    output: Path | None

    def to_dict(self) -> dict[str, Any]:
        """For machines: positions are shares of the picture's height and width."""
        explained: dict[str, Any] = self.prediction.to_dict() | {"explained": self.label, "layers": list(self.layers)}
        for name, values in (("heat", self.heat), ("covering", self.covering)):
            if values is not None:
                explained[name] = {"highest_at": _peak(values), "map": values.round(3).tolist()}
        explained |= {"agreement": self.agreement, "neighbours": [near.to_dict() for near in self.neighbours]}
        if self.heat is None and self.covering is None:
            explained["drawn"] = self.plot.to_dict()
        return explained | {"output": str(self.output) if self.output else None}

    def __str__(self) -> str:
        lines = [f"{self.prediction.source}: {self.prediction}"]
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
        return "\n".join([*lines, f"drawn: {self.output}"] if self.output else lines)

    def _words(self, values: np.ndarray) -> str:
        peak = _peak(values)
        if peak is None:
            return f"finds no evidence for {self.label}"
        return f"points at {peak['down']:.0%} down, {peak['right']:.0%} to the right"

    def _repr_html_(self) -> str:
        return self.plot.svg()


def run(options: Options, on_event: Listener) -> Explanation:
    """Explain. Raises ModelFileError, PictureError, UsageError."""
    from tellapart.classifier.classifier import load_classifier
    from tellapart.images.read import read_picture

    check_drawing(options.output, options.picture)
    if options.layers and options.kernel is not None:
        raise UsageError("--layers and --kernel", "one of them", "")
    classifier = load_classifier(options.model)
    name = str(options.picture) if isinstance(options.picture, (str, Path)) else "picture"
    picture = classifier.preprocessing(read_picture(options.picture, name, classifier.preprocessing.least))
    prediction = classifier.predict(picture)
    assert not isinstance(prediction, list)
    prediction = replace(prediction, source=name)
    label = options.label or prediction.label
    if label not in classifier.class_names:
        raise UsageError(
            f"--label {label}: the model does not have this class",
            f"one of {', '.join(classifier.class_names[:20])}",
            did_you_mean(label, classifier.class_names),
        )
    if options.kernel is not None:
        plot = _convolved(classifier, picture, options.kernel)
        made = Explanation(prediction, label, picture, None, None, None, (), [], plot, None)
    elif options.layers:
        made = Explanation(prediction, label, picture, None, None, None, (), [], _layers(classifier, picture), None)
    else:
        made = _why(classifier, prediction, picture, label, options, on_event)
    stem = Path(name).stem if isinstance(options.picture, (str, Path)) else name
    return replace(made, output=write_plot(made.plot, options.output, f"{stem}-explained", on_event))


def _why(
    classifier: Classifier,
    prediction: Prediction,
    picture: np.ndarray,
    label: str,
    options: Options,
    on_event: Listener,
) -> Explanation:
    import numpy as np

    from tellapart.explanation.heat import HeatMaps, agreement, occlusion
    from tellapart.plots.pictures import PictureGrid, overlay

    position = classifier.class_names.index(label)
    heat: np.ndarray | None = None
    layers: tuple[str, ...] = ()
    try:
        maps = HeatMaps(classifier.network)
        heat, layers = maps(picture[None], np.array([position]))[0], maps.layers
    except LookupError as error:
        on_event(Note(f"gradients: none ({error}); covering regions of the picture still works", warning=True))
    covering = occlusion(classifier.probabilities, picture, position)
    agreed = agreement(heat, covering) if heat is not None and heat.any() and covering.any() else None
    near = _neighbours(classifier, picture, options.data, on_event)
    shown = [(picture, "as the network sees it")]
    shown += [] if heat is None else [(overlay(picture, heat), f"evidence for {label}")]
    shown += [(overlay(picture, covering), "drop when covered")]
    shown += [(one.picture, f"{one.label} {one.similarity:.2f}") for one in near]
    plot = PictureGrid([pixels for pixels, _ in shown], [title for _, title in shown], columns=3)
    return Explanation(prediction, label, picture, heat, covering, agreed, layers, near, plot, None)


def _neighbours(classifier: Classifier, picture: np.ndarray, source: Any, on_event: Listener) -> list[Neighbour]:
    """The nearest training pictures; none, with a note, if they cannot be found."""
    import numpy as np

    from tellapart.data.feeding import prepare_pictures
    from tellapart.data.source import open_collection
    from tellapart.evaluation.unseen import Provenance, own_data
    from tellapart.explanation.neighbours import PICTURES, nearest

    if not classifier.runtime.has_features:
        return []
    record = classifier.record
    try:
        source = own_data(classifier, fetched=False) if source is None else source
        collection = open_collection(source, record.trained_names, on_event)
        split_table = Provenance(classifier, collection).split_table
    except TellapartError as error:
        on_event(
            Note(f"nearest training pictures: none ({error.given}); --data names where they are now", warning=True)
        )
        return []
    if split_table is None:
        on_event(Note(f"nearest training pictures: none ({source} has changed since training)", warning=True))
        return []
    indices = split_table.indices("train")
    chosen = np.sort(np.random.default_rng(0).permutation(indices)[:PICTURES])
    train = prepare_pictures(collection, chosen, classifier.preprocessing, on_event, "read training pictures")
    keys = [collection.keys[int(i)] for i in train.indices]
    labels = [collection.label(int(i)) for i in train.indices]
    return nearest(classifier, picture, train, keys, labels)


def _layers(classifier: Classifier, picture: np.ndarray) -> Plot:
    from tellapart.explanation.layers import feature_maps, first_filters
    from tellapart.plots.inside import MapRows

    filters = first_filters(classifier.network)
    if filters is None:
        raise UsageError(
            f"{classifier.source}: its network has no convolution, so there are no filters or feature maps to draw",
            "a network with convolutions, such as quick or lenet train",
            "leave --layers out: covering regions of the picture works with any network",
        )
    name, kernels = filters
    rows = [("the picture", [_as_drawn(picture / 255)])]
    shown = [_as_drawn(kernels[..., k], around_grey=True) for k in range(min(8, kernels.shape[3]))]
    rows.append((f"{name}: filters", shown))
    rows += [(f"{maps.layer}\n{len(maps.maps)} of {maps.channels}", list(maps.maps)) for maps in feature_maps(
        classifier.network, picture)]  # fmt: skip
    return MapRows(rows)


def _as_drawn(values: np.ndarray, around_grey: bool = False) -> np.ndarray:
    """Values float [height, width, channels] for drawing: three channels as colours 0..1, others as their mean.

    With `around_grey` the values of a filter are scaled so that 0 becomes grey.
    """
    import numpy as np

    if values.shape[2] != 3:
        return np.asarray(values.mean(axis=2))
    return values / max(2 * np.abs(values).max(), 1e-9) + 0.5 if around_grey else values


def _convolved(classifier: Classifier, picture: np.ndarray, wanted: str) -> Plot:
    import numpy as np

    from tellapart.explanation.kernels import KERNELS, convolve
    from tellapart.plots.inside import KernelResponse

    if wanted in KERNELS:
        kernel = np.array(KERNELS[wanted], float)
    else:
        kernel = _filter(classifier, wanted, tuple(KERNELS))
    return KernelResponse(
        picture, kernel, convolve(kernel, picture), wanted if wanted in KERNELS else f"filter {wanted}"
    )


def _filter(classifier: Classifier, wanted: str, names: tuple[str, ...]) -> np.ndarray:
    from tellapart.explanation.layers import first_filters

    filters = first_filters(classifier.network)
    count = 0 if filters is None else filters[1].shape[3]
    if filters is None or not wanted.isdecimal() or int(wanted) >= count:
        or_number = f", or a number below {count}" if count else ""
        raise UsageError(
            f"--kernel {wanted}: is not a kernel", f"{', '.join(names)}{or_number}", did_you_mean(wanted, names)
        )
    kernel = filters[1][:, :, :, int(wanted)]
    return kernel if kernel.shape[2] == 3 else kernel.mean(axis=2)


def _peak(values: np.ndarray) -> dict[str, float] | None:
    """Where a map is highest; None if it is 0 everywhere."""
    import numpy as np

    if not values.any():
        return None

    row, column = np.unravel_index(int(values.argmax()), values.shape)
    return {"down": float((row + 0.5) / values.shape[0]), "right": float((column + 0.5) / values.shape[1])}
