"""A tiny picture file, for tests that need many readable files and do not look at them."""

import io

from PIL import Image


def small_png() -> bytes:
    """A grey picture of 4 x 4 pixels."""
    buffer = io.BytesIO()
    Image.new("L", (4, 4), 170).save(buffer, "PNG")
    return buffer.getvalue()
