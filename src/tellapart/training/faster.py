"""Layers that compute the same as Keras's in less time, which take their places during a training."""

from __future__ import annotations

from typing import Any

from tellapart.networks.backend import NAME, fused_batch_norm, has_accelerator, keras
from tellapart.networks.inside import layers_of


class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer in one operation.

    Keras uses a dozen operations in float32, each of which reads and writes memory. The results are the same, except
    for the running variance, which is that of a sample (divided by n - 1, as the fused operation does).
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Like Keras's; [n, height, width, channels] in and out."""
        assert fused_batch_norm is not None  # otherwise `fuse` does nothing
        training = bool(training and self.trainable)
        outputs, mean, variance = fused_batch_norm(
            inputs, self.gamma, self.beta, self.moving_mean, self.moving_variance, self.epsilon, training
        )
        if training:
            for kept, seen in ((self.moving_mean, mean), (self.moving_variance, variance)):
                kept.assign(kept * self.momentum + seen * (1 - self.momentum))
        return outputs


class PointwiseConv2D(keras.layers.Conv2D):
    """Keras's layer, for a kernel of one pixel, as one matrix product over all places of all pictures.

    On a CPU, TensorFlow computes the gradients of a convolution two to three times as slowly as those of this product.
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """[n, height, width, channels] in, [n, height, width, filters] out."""
        ops = keras.ops
        flat = ops.matmul(ops.reshape(inputs, (-1, inputs.shape[-1])), kernel[0, 0])
        return ops.reshape(flat, (*ops.shape(inputs)[:-1], self.filters))


def speed_up(network: keras.Model) -> None:
    """Exchange layers of the network for faster ones, if the backend has them; `restore` undoes it.

    Objects and variables stay the same, so the saved file does too.
    """
    if NAME != "tensorflow":
        return
    on_cpu = not has_accelerator()
    for layer in layers_of(network):
        if _is_normalisation(layer):
            layer.__class__ = FusedBatchNormalization
        elif on_cpu and _is_pointwise(layer):
            layer.__class__ = PointwiseConv2D


def restore(network: keras.Model) -> None:
    """Make every layer that was exchanged Keras's own again."""
    for layer in layers_of(network):
        if type(layer) in (FusedBatchNormalization, PointwiseConv2D):
            layer.__class__ = type(layer).__base__


def _is_normalisation(layer: keras.Layer) -> bool:
    """Whether it is a batch normalisation of pictures that can be one operation."""
    plain = type(layer) is keras.layers.BatchNormalization and not layer.renorm and not layer.synchronized
    return plain and layer.input_spec is not None and layer.input_spec.ndim == 4 and layer.axis in (-1, 3)


def _is_pointwise(layer: keras.Layer) -> bool:
    """Whether it is a convolution with a kernel of one pixel."""
    if type(layer) is not keras.layers.Conv2D or layer.data_format != "channels_last":
        return False
    return layer.kernel_size == (1, 1) and layer.strides == (1, 1) and layer.groups == 1
