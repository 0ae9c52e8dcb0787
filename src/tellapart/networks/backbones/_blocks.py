"""Parts that several backbones are made of. Each layer is a built-in one and is named after its block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def pixels(shape: tuple[int, int, int]) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input of a network, and its three channels: grey pictures have the same one three times."""
    from tellapart.networks.backend import keras

    inputs = keras.Input(shape, name="pixels")
    if shape[2] == 3:
        return inputs, inputs
    return inputs, keras.layers.Concatenate(name="stem_channels")([inputs, inputs, inputs])


MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the red, green and blue values 0..1 of ImageNet's pictures, as most networks trained with PyTorch have them."""


def scaled(x: keras.KerasTensor, mean: float, deviation: float) -> keras.KerasTensor:
    """(x - mean) / deviation, with pixels 0..255."""
    from tellapart.networks.backend import keras

    return keras.layers.Rescaling(1 / deviation, offset=-mean / deviation, name="stem_scale")(x)


def standardised(x: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels 0..255 minus the mean of ImageNet's pictures, divided by their deviation, for each channel."""
    from tellapart.networks.backend import keras

    offset = [-mean / deviation for mean, deviation in zip(MEAN, DEVIATION, strict=True)]
    scale = [1 / (255 * deviation) for deviation in DEVIATION]
    return keras.layers.Rescaling(scale, offset=offset, name="stem_scale")(x)


def pooled(x: keras.KerasTensor) -> keras.KerasTensor:
    """The mean over all positions."""
    from tellapart.networks.backend import keras

    return keras.layers.GlobalAveragePooling2D(name="head_pool")(x)


@dataclass(frozen=True)
class Convolutions:
    """Convolutions with batch normalisation and an activation, as one family of networks has them.

    `padding` is `same` for networks from TensorFlow, where an odd pixel is added at the end, and `symmetric` for those
    from PyTorch, which add it on both sides. The two differ only for a stride of 2.
    """

    activation: str
    epsilon: float
    padding: str = "same"

    def full(
        self, x: keras.KerasTensor, name: str, filters: int, kernel: int = 1, stride: int = 1, active: bool = True
    ) -> keras.KerasTensor:
        """A convolution, its normalisation `name_norm`, and unless not `active`, its activation."""
        from tellapart.networks.backend import keras

        x, padding = self._padded(x, name, kernel, stride)
        layer = keras.layers.Conv2D(filters, kernel, strides=stride, padding=padding, use_bias=False, name=name)
        return self.normal(layer(x), name, active)

    def depthwise(
        self, x: keras.KerasTensor, name: str, kernel: int, stride: int = 1, active: bool = True
    ) -> keras.KerasTensor:
        """A depthwise convolution, its normalisation `name_norm`, and unless not `active`, its activation."""
        from tellapart.networks.backend import keras

        x, padding = self._padded(x, name, kernel, stride)
        layer = keras.layers.DepthwiseConv2D(kernel, strides=stride, padding=padding, use_bias=False, name=name)
        return self.normal(layer(x), name, active)

    def normal(self, x: keras.KerasTensor, name: str, active: bool = True) -> keras.KerasTensor:
        """Batch normalisation and activation of the layer `name`."""
        from tellapart.networks.backend import keras

        x = keras.layers.BatchNormalization(epsilon=self.epsilon, name=f"{name}_norm")(x)
        return keras.layers.Activation(self.activation, name=f"{name}_{self.activation}")(x) if active else x

    def _padded(self, x: keras.KerasTensor, name: str, kernel: int, stride: int) -> tuple[keras.KerasTensor, str]:
        from tellapart.networks.backend import keras

        if stride == 1 or kernel == 1 or self.padding == "same":
            return x, "same"
        return keras.layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x), "valid"
