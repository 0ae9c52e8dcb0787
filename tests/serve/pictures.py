"""Picture files for requests."""

import io

from PIL import Image


def png(pixels):
    """The bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(buffer, "png")
    return buffer.getvalue()
