"""Folders of small pictures in the layout of a pattern with {alternatives}."""

from itertools import pairwise

import numpy as np
from PIL import Image


def expand(pattern):
    """Every name that a pattern with {alternatives} stands for."""
    start = pattern.find("{")
    if start < 0:
        return [pattern]
    depth, cuts = 0, [start]
    for end in range(start, len(pattern)):
        depth += {"{": 1, "}": -1}.get(pattern[end], 0)
        if depth == 0 or (depth == 1 and pattern[end] == ","):
            cuts.append(end)
        if depth == 0:
            break
    choices = [pattern[a + 1 : b] for a, b in pairwise(cuts)]
    return [name for choice in choices for name in expand(pattern[:start] + choice + pattern[end + 1 :])]


def pictures(root, *patterns, count=3):
    """Write small pictures, several for each folder or, if the name has a *, one for each of its numbers."""
    shade = 0
    for name in (name for pattern in patterns for name in expand(pattern)):
        for i in range(count):
            shade += 1
            path = root / (
                name.replace("*", str(i)) if "*" in name else f"{name.rpartition('/')[0]}/{i}_{name.rpartition('/')[2]}"
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            kind = {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF", "ppm": "PPM"}.get(path.suffix[1:].lower(), "PNG")
            noise = np.random.default_rng(shade).integers(0, 255, (6, 6 + shade % 5, 3), np.uint8)
            Image.fromarray(noise).save(path, kind)
    return root
