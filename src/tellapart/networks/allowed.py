"""The layers that a network from an untrusted file may contain, and the valid values of their options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tellapart.networks.spec import NotAllowedError, short

Check = Callable[[Any], Any]
"""Returns the value in the form the constructor takes, or raises NotAllowedError."""


def whole(least: int, most: int) -> Check:
    """A check for whole numbers from `least` to `most`, both included."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise NotAllowedError(f"{short(value)}, not a whole number from {least} to {most}")
        return value

    return check


def _number(least: float, most: float) -> Check:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
            raise NotAllowedError(f"{short(value)}, not a number from {least:g} to {most:g}")
        return value

    return check


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise NotAllowedError(f"{short(value)}, not true or false")
    return value


def _one_of(*choices: Any) -> Check:
    def check(value: Any) -> Any:
        if not isinstance(value, (str, int, type(None))) or value not in choices:
            raise NotAllowedError(f"{short(value)}, not one of {', '.join(map(str, choices))}")
        return value

    return check


def _some(check: Check, most: int = 3) -> Check:
    """A check for one value, or a list of at most `most` values; paddings nest such lists once."""

    def checked(value: Any, depth: int = 0) -> Any:
        if isinstance(value, (list, tuple)):
            if len(value) > most or depth > 1:
                raise NotAllowedError(f"{short(value)}, a list of more than {most}")
            return tuple(checked(item, depth + 1) for item in value)
        return check(value)

    return checked


def _maybe(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


ACTIVATIONS = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "swish", "mish", "softplus",
    "softsign", "sigmoid", "hard_sigmoid", "hard_silu", "hard_swish", "tanh", "hard_tanh", "exponential",
    "softmax", "log_softmax",
)  # fmt: skip


def activation_named(value: Any) -> Any:
    """The name of an activation; some Keras versions write it as a record with that name inside."""
    if not isinstance(value, Mapping):
        return value
    return value["config"] if isinstance(value.get("config"), str) else value.get("class_name")


def _activation(value: Any) -> str | None:
    result: str | None = _one_of(None, *ACTIVATIONS)(activation_named(value))
    return result


_SIZES = _some(whole(0, 4096))
_STEPS = _some(whole(1, 512))
_CHANNELS = whole(1, 65_536)
_FORMAT = _one_of(None, "channels_last")
_PADDING = _one_of("valid", "same")
_REAL = _number(-1e9, 1e9)
_LAST = _some(_one_of(-1, 1, 2, 3), 1)
"""The channel axis, which has to be the last one; Keras 2 counts it from the front. tellapart.networks.cost knows the
shapes and checks that it is the last.
"""

_CONVOLUTION = {
    "kernel_size": _STEPS, "strides": _STEPS, "padding": _PADDING, "data_format": _FORMAT, "dilation_rate": _STEPS,
    "activation": _activation, "use_bias": _flag,
}  # fmt: skip
_POOLING = {"pool_size": _STEPS, "strides": _maybe(_STEPS), "padding": _PADDING, "data_format": _FORMAT}
_POOLED = {"data_format": _FORMAT, "keepdims": _flag}
_NORMAL = {"epsilon": _number(0, 1), "center": _flag, "scale": _flag}

LAYERS: dict[str, dict[str, Check]] = {
    "Rescaling": {"scale": _some(_REAL, 4), "offset": _some(_REAL, 4)},
    "Conv2D": _CONVOLUTION | {"filters": _CHANNELS, "groups": _CHANNELS},
    "Conv2DTranspose": _CONVOLUTION | {"filters": _CHANNELS, "output_padding": _maybe(_SIZES), "groups": _one_of(1)},
    "DepthwiseConv2D": _CONVOLUTION | {"depth_multiplier": whole(1, 1024), "groups": _one_of(1)},
    "SeparableConv2D": _CONVOLUTION | {
        "filters": _CHANNELS, "depth_multiplier": whole(1, 1024), "groups": _one_of(1),
    },
    "Dense": {"units": whole(1, 1_000_000), "activation": _activation, "use_bias": _flag},
    "MaxPooling2D": _POOLING,
    "AveragePooling2D": _POOLING,
    "GlobalMaxPooling2D": _POOLED,
    "GlobalAveragePooling2D": _POOLED,
    "BatchNormalization": _NORMAL | {"axis": _LAST, "momentum": _number(0, 1)},
    "LayerNormalization": _NORMAL | {"axis": _LAST, "rms_scaling": _flag},
    "GroupNormalization": _NORMAL | {"axis": _LAST, "groups": whole(-1, 65_536)},
    "Normalization": {
        "axis": _maybe(_LAST), "mean": _maybe(_some(_REAL, 4)), "variance": _maybe(_some(_REAL, 4)),
        "invert": _flag,
    },
    "Activation": {"activation": _activation},
    "ReLU": {"max_value": _maybe(_REAL), "negative_slope": _REAL, "threshold": _REAL},
    "LeakyReLU": {"negative_slope": _REAL, "alpha": _REAL},
    "PReLU": {"shared_axes": _maybe(_some(whole(1, 3)))},
    "ELU": {"alpha": _REAL},
    "Softmax": {"axis": _some(_one_of(-1), 1)},
    "Flatten": {"data_format": _FORMAT},
    "Reshape": {"target_shape": _some(whole(-1, 2**24), 4)},
    "Permute": {"dims": _some(whole(1, 4), 4)},
    "ZeroPadding2D": {"padding": _SIZES, "data_format": _FORMAT},
    "Cropping2D": {"cropping": _SIZES, "data_format": _FORMAT},
    "UpSampling2D": {
        "size": _STEPS, "data_format": _FORMAT, "interpolation": _one_of("nearest", "bilinear", "bicubic"),
    },
    "Resizing": {
        "height": whole(1, 4096), "width": whole(1, 4096), "data_format": _FORMAT, "crop_to_aspect_ratio": _flag,
        "interpolation": _one_of("nearest", "bilinear", "bicubic"), "antialias": _flag, "pad_to_aspect_ratio": _flag,
        "fill_mode": _one_of("constant"), "fill_value": _REAL,
    },
    "CenterCrop": {"height": whole(1, 4096), "width": whole(1, 4096), "data_format": _FORMAT},
    "Dropout": {"rate": _number(0, 1)},
    "SpatialDropout2D": {"rate": _number(0, 1), "data_format": _FORMAT},
    "GaussianNoise": {"stddev": _number(0, 1e6)},
    "GaussianDropout": {"rate": _number(0, 1)},
    "AlphaDropout": {"rate": _number(0, 1)},
    "Identity": {},
    "Add": {}, "Subtract": {}, "Multiply": {}, "Average": {}, "Maximum": {}, "Minimum": {},
    "Concatenate": {"axis": _LAST},
}  # fmt: skip
"""The allowed layers, each with the options that may be given and the check for their values."""

TRAINING_ONLY = (
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness",
    "RandomCrop", "RandomShear", "RandomColorJitter", "RandomHue", "RandomSaturation",
    "RandomErasing", "RandomGrayscale",
    "RandomGaussianBlur", "RandomPerspective", "RandomSharpness", "ActivityRegularization",
)  # fmt: skip
"""Layers that do nothing outside training; an Identity replaces them."""
