"""The only place that starts Keras and knows its backends: import `keras` from here."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Hold back what TensorFlow's C++ writes to stderr while it starts; show it after all if the start fails."""
    try:
        real = os.dup(2)
    except OSError:  # no stderr at all: nothing to hold back
        yield
        return
    with tempfile.TemporaryFile() as held, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sys.stderr.flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(real, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(real, 2)
            os.close(real)


def _start() -> None:
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # its default; said, TensorFlow does not announce it
    for noisy in ("tensorflow", "absl", "tf2onnx", "jax"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    with quiet_start():
        import keras  # noqa: F401


_start()

import keras  # noqa: E402

NAME: str = keras.backend.backend()
"""tensorflow, jax or torch."""


JIT: str | bool = False if NAME == "tensorflow" else "auto"
"""For `compile(jit_compile=...)`: XLA makes convolutions on the CPU several times slower in TensorFlow."""


def describe() -> str:
    """Backend and version, for the record: `tensorflow 2.21.0`."""
    module = __import__(NAME)
    return f"{NAME} {module.__version__}"


def place() -> str:
    """Backend, version and kind of device, which times that were measured depend on."""
    return f"{describe()} on an accelerator" if has_accelerator() else describe()


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and the backend; with the same seed, data and machine a training repeats."""
    with quiet_start():  # which seeds TensorFlow too, wherever it is installed, and so starts it
        keras.utils.set_random_seed(seed)


def make_deterministic() -> None:
    """Let every operation give the same bits for the same input, whatever that costs; for the rest of the process."""
    if NAME == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif NAME == "torch":
        import torch  # where a user has it

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without which products on CUDA are refused
        torch.use_deterministic_algorithms(True)
    elif "--xla_gpu_deterministic_ops" not in os.environ.get("XLA_FLAGS", ""):  # on processors XLA always is
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true"


def has_accelerator() -> bool:
    """Whether steps are computed on a device with memory of its own."""
    if NAME == "jax":
        import jax

        return bool(jax.default_backend() != "cpu")
    if NAME == "torch":
        import torch

        return bool(torch.cuda.is_available() or torch.backends.mps.is_available())
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"))


@contextlib.contextmanager
def exactly() -> Iterator[None]:
    """Float32 as it is written: accelerators otherwise round what they multiply to 10 bits (TensorFloat-32)."""
    if NAME == "jax":
        import jax

        with jax.default_matmul_precision("float32"):
            yield
    elif NAME == "torch":
        import torch

        kinds = (torch.backends.cudnn, torch.backends.cuda.matmul)
        allowed = [kind.allow_tf32 for kind in kinds]
        for kind in kinds:
            kind.allow_tf32 = False
        try:
            yield
        finally:
            for kind, before in zip(kinds, allowed, strict=True):
                kind.allow_tf32 = before
    else:
        import tensorflow as tf

        before = tf.config.experimental.tensor_float_32_execution_enabled()
        tf.config.experimental.enable_tensor_float_32_execution(False)
        try:
            yield
        finally:
            tf.config.experimental.enable_tensor_float_32_execution(before)


def gradient(function: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """The gradient of a function from a tensor to a number, at `x` float [...]; the same shape."""
    if NAME == "jax":
        import jax

        return np.asarray(jax.grad(function)(x))
    if NAME == "torch":
        import torch

        place = torch.tensor(x, requires_grad=True)
        function(place).backward()
        result: np.ndarray = place.grad.detach().cpu().numpy()
        return result
    import tensorflow as tf

    place = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(place)
        value = function(place)
    return np.asarray(tape.gradient(value, place))


def feed(batches: Any) -> Any:
    """What `fit` takes for a keras.utils.PyDataset: itself or, with TensorFlow, the same batches as a tf.data.Dataset.

    Keras makes one as well, but leaves tf.data's tuning of itself on. Its thread sleeps for up to a minute between two
    looks, and the end of every epoch waits for it to end; often it misses the call and sleeps on (TensorFlow 2.21). On
    CIFAR-10 one epoch in three took 82 s in place of 50. What goes wrong while a batch is made is kept as its `fault`.
    """
    if NAME != "tensorflow":
        return batches
    import tensorflow as tf

    kinds = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in batches[0])

    def each() -> Iterator[Any]:
        try:
            for i in range(len(batches)):
                yield batches[i]
        except Exception as error:  # of which tf.data tells as of an unknown one
            batches.fault = error
            raise

    made = tf.data.Dataset.from_generator(each, output_signature=kinds)
    options = tf.data.Options()
    options.autotune.enabled = False
    made = made.apply(tf.data.experimental.assert_cardinality(len(batches)))
    return made.prefetch(2).with_options(options)


def _fused_batch_norm(
    x: Any, gamma: Any | None, beta: Any | None, mean: Any, variance: Any, epsilon: float, training: bool
) -> tuple[Any, Any, Any]:
    """Normalised `x` [n, height, width, channels], and the mean and the variance that it was normalised with."""
    import tensorflow as tf

    channels = x.shape[-1]
    # In bfloat16 the operation is several times slower where channels do not fill vectors of 16.
    inner = x if x.dtype == tf.float32 or channels % 16 == 0 else tf.cast(x, tf.float32)
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inner,
        scale=tf.ones(channels) if gamma is None else tf.convert_to_tensor(gamma),
        offset=tf.zeros(channels) if beta is None else tf.convert_to_tensor(beta),
        mean=tf.zeros(0) if training else tf.convert_to_tensor(mean),
        variance=tf.zeros(0) if training else tf.convert_to_tensor(variance),
        epsilon=epsilon,
        is_training=training,
    )
    return tf.cast(outputs, x.dtype), mean, variance


fused_batch_norm = _fused_batch_norm if NAME == "tensorflow" else None
"""One operation for a batch normalisation over all but the channels; None where the backend fuses by itself."""

__all__ = [
    "JIT",
    "NAME",
    "describe",
    "exactly",
    "feed",
    "fused_batch_norm",
    "gradient",
    "has_accelerator",
    "keras",
    "make_deterministic",
    "place",
    "quiet_start",
    "set_seed",
]
