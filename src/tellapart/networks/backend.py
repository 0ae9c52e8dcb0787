"""Start Keras and hide the differences between its backends: import `keras` from here only."""

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

from tellapart.errors import UsageError


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Hold back what TensorFlow's C++ code writes to stderr at start-up; print it if the start fails."""
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
    os.environ.setdefault(
        "TF_ENABLE_ONEDNN_OPTS", "1"
    )  # the default; set explicitly, TensorFlow does not print a notice about it
    for noisy in ("tensorflow", "absl", "tf2onnx", "jax"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    with quiet_start():
        import keras  # noqa: F401


_start()

import keras  # noqa: E402

NAME: str = keras.backend.backend()
"""tensorflow, jax or torch."""


JIT: str | bool = False if NAME == "tensorflow" else "auto"
"""For `compile(jit_compile=...)`: with XLA, TensorFlow's convolutions are several times slower on a CPU."""


def describe() -> str:
    """Backend and version, for the record: `tensorflow 2.21.0`."""
    module = __import__(NAME)
    return f"{NAME} {module.__version__}"


def place() -> str:
    """Backend, version and kind of device: measured times are valid for these only."""
    return f"{describe()} on an accelerator" if has_accelerator() else describe()


def set_seed(seed: int) -> None:
    """Seed Python, NumPy and the backend; with the same seed, data and machine a training repeats."""
    with quiet_start():  # which seeds TensorFlow too, wherever it is installed, and so starts it
        keras.utils.set_random_seed(seed)


def make_deterministic() -> None:
    """Make every operation bit-for-bit reproducible, even where that is slower, for the rest of the process."""
    if NAME == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    elif NAME == "torch":
        import torch  # optional

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # CUDA refuses matrix products without it
        torch.use_deterministic_algorithms(True)
    elif "--xla_gpu_deterministic_ops" not in os.environ.get("XLA_FLAGS", ""):  # on a CPU, XLA is always deterministic
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_deterministic_ops=true"


def devices() -> list[str]:
    """The names of the devices that the backend can compute on."""
    if NAME == "jax":
        import jax

        return [str(device) for device in jax.devices()]
    if NAME == "torch":
        import torch

        return ["cpu", *(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))]
    import tensorflow as tf

    return [device.name.removeprefix("/physical_device:") for device in tf.config.list_physical_devices()]


_cpu_only = False
"""Whether `use_device` has chosen the CPU."""


def use_device(device: str) -> None:
    """Compute on the "cpu", or make sure that there is a "gpu". Raises UsageError if that is not possible."""
    global _cpu_only
    if device == "gpu" and _cpu_only:
        raise UsageError(
            "--device gpu: this process has chosen the CPU before", "one device for each process", "start a new one"
        )
    if device == "gpu" and not has_accelerator():
        raise UsageError(
            f"--device gpu: {describe()} sees no GPU",
            "a GPU that the backend can use",
            "on Linux with an NVIDIA GPU: pip install 'tellapart[gpu]' and set KERAS_BACKEND=jax",
        )
    if device == "cpu" and has_accelerator():
        _leave_accelerator()
        _cpu_only = True


def _leave_accelerator() -> None:
    if NAME == "jax":
        import jax

        jax.config.update("jax_default_device", jax.devices("cpu")[0])
        return
    if NAME == "tensorflow":
        import tensorflow as tf

        with contextlib.suppress(RuntimeError):  # TensorFlow has used the GPU already
            tf.config.set_visible_devices([], "GPU")
            return
    raise UsageError(
        f"--device cpu: {describe()} has started on a GPU",
        "a device that is chosen before the backend starts",
        "start again with CUDA_VISIBLE_DEVICES=-1, or with KERAS_TORCH_DEVICE=cpu on a Mac",
    )


def has_accelerator() -> bool:
    """Whether training steps run on a device with its own memory (GPU or TPU)."""
    if _cpu_only:
        return False
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
    """Compute float32 products in full precision; accelerators may otherwise round factors to 10 bits (TF32)."""
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
    """The gradient at `x` float [...] of a function from a tensor to a scalar; the same shape as `x`."""
    if NAME == "jax":
        import jax

        return np.asarray(jax.grad(function)(x))
    if NAME == "torch":
        import torch

        tensor = torch.tensor(x, requires_grad=True)
        function(tensor).backward()
        return np.asarray(tensor.grad.detach().cpu().numpy())
    import tensorflow as tf

    tensor = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        value = function(tensor)
    return np.asarray(tape.gradient(value, tensor))


def feed(batches: Any) -> Any:
    """The input of `fit` for a keras.utils.PyDataset: itself or, on TensorFlow, the same batches as a tf.data.Dataset.

    Keras would make a tf.data.Dataset too, but with autotuning. The autotuning thread sleeps for up to a minute at a
    time, and the end of every epoch waits for it; often it misses the wake-up call (TensorFlow 2.21). On CIFAR-10, one
    epoch in three took 82 s instead of 50 s. An exception in making a batch is kept as the attribute `fault`.
    """
    if NAME != "tensorflow":
        return batches
    import tensorflow as tf

    kinds = tuple(tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in batches[0])

    def each() -> Iterator[Any]:
        try:
            for i in range(len(batches)):
                yield batches[i]
        except Exception as error:  # tf.data reports it as an unknown error
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
    """`x` [n, height, width, channels] normalised, and the mean and variance that were used, each [channels]."""
    import tensorflow as tf

    channels = x.shape[-1]
    # In bfloat16 the operation is several times slower unless channels are a multiple of 16.
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
"""Batch normalisation over all axes but the channels, in one operation; None where the backend fuses by itself."""

__all__ = [
    "JIT",
    "NAME",
    "describe",
    "devices",
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
    "use_device",
]
