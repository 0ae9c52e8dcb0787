"""Pictures that belong together: frames of films, in several layouts."""

import numpy as np
from PIL import Image

import tellapart

CLASSES = ("bus", "car", "tram")
SIDE, TRACKS, FRAMES = 24, 18, 10


def scene(rng):
    """A picture of a few large fields, unlike all others."""
    fields = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    return Image.fromarray(fields).resize((48, 48), Image.Resampling.BICUBIC)


def frame(photo, rng):
    """The same scene a moment later: moved a little, in other light, with noise."""
    left, top = rng.uniform(0, 6, 2)
    crop = photo.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=(left, top, left + 42, top + 42))
    light = np.asarray(crop, float) * rng.uniform(0.8, 1.2) + rng.normal(0, 5, (SIDE, SIDE, 3))
    return np.clip(light, 0, 255).astype(np.uint8)


def bursts(seed=0, tracks=TRACKS, frames=FRAMES):
    """Pixels, labels and tracks of films, one after the other."""
    rng = np.random.default_rng(seed)
    photos = [scene(rng) for _ in range(tracks)]
    pixels = np.stack([frame(photo, rng) for photo in photos for _ in range(frames)])
    track = np.repeat(np.arange(tracks), frames)
    return pixels, track * 3 // tracks, track


def independent(seed=0, count=TRACKS * FRAMES):
    pixels, labels, _ = bursts(seed, count, 1)
    return pixels, labels


def as_folder(folder, pixels, labels, name, exif=None):
    for i, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        path = folder / CLASSES[label] / name(i)
        path.parent.mkdir(parents=True, exist_ok=True)
        more = {} if exif is None else {"exif": exif(i)}
        Image.fromarray(picture).save(path, **more)
    return tellapart.open(folder)


NAMES = {
    "GTSRB": lambda i: f"{i // FRAMES:05d}_{i % FRAMES:05d}.png",
    "a folder for each film": lambda i: f"film{i // FRAMES}/{i % FRAMES}.png",
    "film and frame without a separator": lambda i: f"v{i // FRAMES:02d}f{i % FRAMES:03d}.png",
    "subject, view and number": lambda i: f"s-{i // FRAMES}-front-{i % FRAMES}.png",
    "Roboflow's augmented copies": lambda i: f"IMG_{i // FRAMES}_jpg.rf.{i * 7919 % 65521:04x}.png",
    "dots": lambda i: f"clip.{i // FRAMES}.{i % FRAMES}.png",
}
