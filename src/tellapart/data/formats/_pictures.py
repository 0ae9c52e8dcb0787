"""Picture files of a tree as the pictures of a collection, and pictures of a collection as PNG files."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

from tellapart.data.collection import Collection, EncodedPictures
from tellapart.data.tree import Tree


def picture_files(tree: Tree, names: Sequence[str]) -> EncodedPictures:
    """Return the pictures that are the files `names` of a tree; each is read when it is asked for."""
    return EncodedPictures(
        len(names),
        lambda i: tree.read(names[i]),
        lambda i: tree.size(names[i]),
        lambda i: tree.describe(names[i]),
        lambda i: tree.stamp(names[i]),
        lambda i, count: tree.start(names[i], count),
    )


def png(collection: Collection, i: int) -> bytes:
    """Encode picture i of a collection as PNG, which is lossless."""
    pixels = collection.read(i)
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()
