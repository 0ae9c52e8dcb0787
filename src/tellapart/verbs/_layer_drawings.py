"""Drawings of what the layers of a network make of a picture: its filters, feature maps, and kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tellapart.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier
    from tellapart.plots.plot import Plot


def draw_layers(classifier: Classifier, picture: np.ndarray) -> Plot:
    """The filters of the first layer, and the strongest feature maps of every layer. Raises UsageError without any."""
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
    rows = [("the picture", [as_drawn(picture / 255)])]
    shown = [as_drawn(kernels[..., k], around_grey=True) for k in range(min(8, kernels.shape[3]))]
    rows.append((f"{name}: filters", shown))
    rows += [(f"{maps.layer}\n{len(maps.maps)} of {maps.channels}", list(maps.maps)) for maps in feature_maps(
        classifier.network, picture)]  # fmt: skip
    return MapRows(rows)


def as_drawn(values: np.ndarray, around_grey: bool = False) -> np.ndarray:
    """Values float [height, width, channels] for drawing: three channels as colours 0..1, others as their mean.

    With `around_grey` the values of a filter are scaled so that 0 becomes grey.
    """
    import numpy as np

    if values.shape[2] != 3:
        return np.asarray(values.mean(axis=2))
    return values / max(2 * np.abs(values).max(), 1e-9) + 0.5 if around_grey else values


def draw_convolved(classifier: Classifier, picture: np.ndarray, wanted: str) -> Plot:
    """A picture and its response to a kernel, named or by the number of a filter. Raises UsageError for another."""
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
