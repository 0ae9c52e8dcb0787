"""Photo-like pictures, their files, and class folders of them."""

import io

import numpy as np
from PIL import Image


def photo(seed=0, side=96, channels=3):
    """Soft shapes, as photos have, with some detail."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (7, 9, channels)).astype(np.uint8)
    image = Image.fromarray(coarse[:, :, 0] if channels == 1 else coarse).resize(
        (side + 32, side), Image.Resampling.BICUBIC
    )
    pixels = np.asarray(image).reshape(side, side + 32, channels).astype(int)
    return np.clip(pixels + generator.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8)


def encoded(pixels, format="JPEG", **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=format, **options)
    return buffer.getvalue()


def folder(path, count=24, splits=("",)):
    for k in range(count):
        place = path / splits[k % len(splits)] / ("cats", "dogs")[k // len(splits) % 2]
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{k:03d}.jpg").write_bytes(encoded(photo(k)))
    return path
