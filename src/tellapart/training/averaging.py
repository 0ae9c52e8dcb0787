"""Averaged weights: validation sees the moving average of the weights, training the weights themselves."""

from __future__ import annotations

from typing import Any

from tellapart.networks.backend import keras


class Averaged(keras.callbacks.Callback):
    """Swaps the averaged weights in for validation and between epochs, and out for training.

    Keras's SwapEMAWeights does so too, but leaves the averaged weights in the network at the end of a `fit`, so that a
    training in several fits would continue from the wrong weights.
    """

    averages_inside = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self._swap(False)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self._swap(True)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self._swap(True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self._swap(False)

    def _swap(self, averages: bool) -> None:
        if self.averages_inside == averages:
            return
        self.averages_inside = averages
        optimizer = self.model.optimizer
        pairs = zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
        for variable, average in pairs:
            value = keras.ops.convert_to_numpy(variable)
            variable.assign(average)
            average.assign(value)
