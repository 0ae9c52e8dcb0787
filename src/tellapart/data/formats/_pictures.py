"""Picture files of a tree as the pictures of a collection, and pictures of a collection as PNG files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from tellapart.data.collection import Collection, EncodedPictures
from tellapart.data.tree import Tree


@dataclass(frozen=True)
class PictureFiles(EncodedPictures):
    """Pictures that are the files `names` of a tree; `tables` are the files that list them, if any do."""

    tree: Tree = field(kw_only=True)
    names: Sequence[str] = field(kw_only=True)
    tables: Sequence[str] = ()


def picture_files(tree: Tree, names: Sequence[str], tables: Sequence[str] = ()) -> PictureFiles:
    """Return the pictures that are the files `names` of a tree; each is read when it is asked for.

    `tables` are the files of the tree that list them, if any do.
    """
    return PictureFiles(
        len(names),
        lambda i: tree.read(names[i]),
        lambda i: tree.size(names[i]),
        lambda i: tree.describe(names[i]),
        lambda i: tree.stamp(names[i]),
        lambda i, count: tree.start(names[i], count),
        tree=tree,
        names=names,
        tables=tables,
    )


def png(collection: Collection, i: int) -> bytes:
    """Encode picture i of a collection as PNG, which is lossless."""
    pixels = collection.read(i)
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()
