"""Fast batch normalisation: one fused operation during training, if the backend has it."""

from __future__ import annotations

from typing import Any

from tellapart.networks.backend import fused_batch_norm, keras
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


def fuse(network: keras.Model) -> None:
    """Make the network's batch normalisations of pictures fused, if that is possible; `unfuse` undoes it."""
    if fused_batch_norm is None:
        return
    for layer in layers_of(network):
        plain = type(layer) is keras.layers.BatchNormalization
        if plain and not layer.renorm and not layer.synchronized and _is_of_pictures(layer):
            # The object and its variables stay the same, so the saved file does too.
            layer.__class__ = FusedBatchNormalization


def unfuse(network: keras.Model) -> None:
    """Make every batch normalisation Keras's own layer again."""
    for layer in layers_of(network):
        if type(layer) is FusedBatchNormalization:
            layer.__class__ = keras.layers.BatchNormalization


def _is_of_pictures(layer: keras.layers.BatchNormalization) -> bool:
    return layer.input_spec is not None and layer.input_spec.ndim == 4 and layer.axis in (-1, 3)
