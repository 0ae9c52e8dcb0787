"""Layers at the machine's speed, while training only: the same sums by other operations, where the backend has them."""

from __future__ import annotations

from typing import Any

from tellapart.recipes.backend import convolution, fused_batch_norm, has_accelerator, keras
from tellapart.recipes.build import layers_of


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer in one operation.

    Keras writes it out as a dozen operations in float32, each of which goes through memory once more. The numbers are
    the same, but for the running variance, which is that of a sample (divided by n - 1, as the fused operation does).
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Like Keras's; [n, height, width, channels] in and out."""
        assert fused_batch_norm is not None  # or `fuse` would not have made this
        training = bool(training and self.trainable)
        outputs, mean, variance = fused_batch_norm(
            inputs, self.gamma, self.beta, self.moving_mean, self.moving_variance, self.epsilon, training
        )
        if training:
            for kept, seen in ((self.moving_mean, mean), (self.moving_variance, variance)):
                kept.assign(kept * self.momentum + seen * (1 - self.momentum))
        return outputs


class SmallConvolution(keras.layers.Conv2D):
    """Keras's layer with another way to its kernel's gradient, see `tellapart.recipes.backend.convolution`."""

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Like Keras's; [n, height, width, channels] in, [n, height, width, filters] out."""
        height, width = inputs.shape[1:3]
        if convolution is None or keras.backend.standardize_dtype(inputs.dtype) != "bfloat16" or height * width > SMALL:
            return super().convolution_op(inputs, kernel)
        return convolution(inputs, kernel)


SMALL = 64
"""Pictures, and maps, of at most so many pixels: of larger ones the usual way is the faster one."""


def fuse(network: keras.Model) -> None:
    """Let those layers of the network that can be train by other operations; `unfuse` undoes it."""
    processor = convolution is not None and not has_accelerator()
    for layer in layers_of(network):
        # The same object with the same variables: what the network saves, and where, does not change.
        if fused_batch_norm is not None and type(layer) is keras.layers.BatchNormalization:
            if not layer.renorm and not layer.synchronized and _is_of_pictures(layer):
                layer.__class__ = FusedBatchNormalization
        elif processor and type(layer) is keras.layers.Conv2D and _is_simple(layer):
            layer.__class__ = SmallConvolution


def unfuse(network: keras.Model) -> None:
    """Make every layer Keras's own again."""
    for layer in layers_of(network):
        if type(layer) in (FusedBatchNormalization, SmallConvolution):
            layer.__class__ = type(layer).__base__


def _is_simple(layer: keras.layers.Conv2D) -> bool:
    odd = all(size % 2 for size in layer.kernel_size)
    once = (layer.strides, layer.dilation_rate, layer.groups) == ((1, 1), (1, 1), 1)
    return odd and once and layer.padding == "same" and layer.data_format == "channels_last"


def _is_of_pictures(layer: keras.layers.BatchNormalization) -> bool:
    return layer.input_spec is not None and layer.input_spec.ndim == 4 and layer.axis in (-1, 3)
