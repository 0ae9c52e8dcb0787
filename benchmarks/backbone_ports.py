"""Compare the backbones with the networks of timm and torchvision that their weights are from.

    python benchmarks/backbone_ports.py [--python PYTHON] [--layouts FOLDER]

Makes an environment with timm, torchvision and torch (from PyPI), unless PYTHON has them. There, each network gets
random weights, has the statistics of its normalisations from random pictures, and answers these. The backbone gets the
same weights by its `layer_weights`, and must answer the same: the largest difference is printed, relative to the
largest feature. Both compute in float64: in float32, rounding alone makes up to 0.001 in so deep a network with random
weights. Pictures have 64 and 75 pixels: even and odd sizes are padded differently. --layouts also writes the names and
shapes of each reference's weights, which tests/networks/backbones/layouts has.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np

REFERENCES = {
    "convnext-atto": "convnext_atto",
    "convnext-femto": "convnext_femto",
    "convnext-tiny": "convnext_tiny",
    "efficientnet-lite0": "tf_efficientnet_lite0",
    "efficientnet-lite1": "tf_efficientnet_lite1",
    "efficientnet-lite2": "tf_efficientnet_lite2",
    "efficientnet-v2-b0": "tf_efficientnetv2_b0",
    "efficientnet-v2-b2": "tf_efficientnetv2_b2",
    "mobilenet-v4-medium": "mobilenetv4_conv_medium",
    "mobilenet-v4-small": "mobilenetv4_conv_small",
    "resnet-50": "torchvision resnet50",
}
"""Of the backbones here; those of keras.applications are compared in tests/networks/backbones."""

SIDES = (64, 75)
TOLERANCE = 1e-4


def pictures(side: int) -> np.ndarray:
    """Random pixels uint8 [8, side, side, 3]."""
    return np.random.default_rng(side).integers(0, 256, (8, side, side, 3), np.uint8)


def write(folder: Path) -> None:
    """Write the weights and the features of each reference to `folder`; runs in the environment with timm."""
    import timm
    import torch
    import torchvision

    torch.manual_seed(0)
    for name, reference in REFERENCES.items():
        if reference == "torchvision resnet50":
            network = torchvision.models.resnet50()
            network.fc = torch.nn.Identity()
        else:
            network = timm.create_model(reference, pretrained=False)
            network.reset_classifier(0)
        state = {key: randomised(key, value) for key, value in network.state_dict().items()}
        network.load_state_dict(state)
        network.double()
        calibrate(network, torch.from_numpy(prepared(name, pictures(SIDES[0]))))
        state = network.state_dict()
        arrays = {f"weights/{key}": value.numpy() for key, value in state.items()}
        with torch.no_grad():
            for side in SIDES:
                arrays[f"features/{side}"] = network(torch.from_numpy(prepared(name, pictures(side)))).numpy()
        np.savez(folder / f"{name}.npz", **arrays)


def calibrate(network, batch) -> None:
    """Set the statistics of all batch normalisations to those of pictures, so that these make a difference."""
    import torch

    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    network.train()
    with torch.no_grad():
        network(batch)
    network.eval()


def randomised(key: str, value):  # torch is not known here
    """The initial weights, which are random for kernels only, with random ones for all others."""
    import torch

    if (value.ndim == 1 and key.endswith("weight")) or key.endswith("gamma"):
        return torch.rand(value.shape) * 0.5 + 0.5  # larger ones let rounding errors grow with the depth
    return torch.randn(value.shape) * 0.1 if value.ndim == 1 else value


def prepared(name: str, pixels: np.ndarray) -> np.ndarray:
    """Pixels as the reference takes them, float [n, 3, height, width]: what timm's transforms would give."""
    if name.startswith("efficientnet-lite"):
        values = (pixels.astype(np.float64) - 127) / 128  # as TensorFlow has it; timm's 127.5 is an approximation
    else:
        values = (pixels / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    return values.transpose(0, 3, 1, 2)


def write_layouts(folder: Path, target: Path) -> None:
    """Write the names and shapes of the weights in `folder`, one array a line: `conv_stem.weight 32 3 3 3`."""
    target.mkdir(parents=True, exist_ok=True)
    for name in REFERENCES:
        kept = np.load(folder / f"{name}.npz")
        names = [key for key in kept.files if key.startswith("weights/") and not key.endswith("num_batches_tracked")]
        lines = [" ".join([key.removeprefix("weights/"), *map(str, kept[key].shape)]) for key in names]
        (target / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def differences(folder: Path) -> dict[str, float]:
    """For each backbone, the largest difference of a feature, relative to the largest feature."""
    from tellapart.networks import backbones
    from tellapart.networks.backend import keras

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    result = {}
    for name in REFERENCES:
        kept = np.load(folder / f"{name}.npz")
        arrays = {key.removeprefix("weights/"): kept[key] for key in kept.files if key.startswith("weights/")}
        module, largest = backbones.load(name), 0.0
        weights = module.layer_weights(arrays)
        for side in SIDES:
            network = module.network((side, side, 3))
            for layer, own in weights.items():
                network.get_layer(layer).set_weights(own)
            expected, got = kept[f"features/{side}"], network.predict(pictures(side).astype(np.float64), verbose=0)
            assert expected.std(axis=0).mean() > 1e-2, f"{name}: all pictures give about the same features"
            largest = max(largest, float(np.abs(got - expected).max() / np.abs(expected).max()))
        result[name] = largest
    return result


def environment(folder: Path) -> Path:
    """The Python of a new environment with timm."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "timm", "torchvision", "torch"], check=True)
    return python


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, help="a Python that has timm and torchvision")
    parser.add_argument("--layouts", type=Path, help="a folder for the names and shapes of all weights")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = options.python or environment(folder / "environment")
        code = "import sys; from pathlib import Path; import backbone_ports; backbone_ports.write(Path(sys.argv[1]))"
        subprocess.run([python, "-c", code, folder], check=True, cwd=Path(__file__).parent)
        if options.layouts:
            write_layouts(folder, options.layouts)
        found = differences(folder)
    for name, difference in found.items():
        print(f"{name:24} {REFERENCES[name]:28} {difference:.1e}")
    if max(found.values()) > TOLERANCE:
        sys.exit(f"a backbone differs by more than {TOLERANCE:g}")


if __name__ == "__main__":
    main()
