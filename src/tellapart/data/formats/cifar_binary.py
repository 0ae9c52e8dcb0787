"""The CIFAR binary version: `data_batch_1.bin` ... `test_batch.bin`, or `train.bin` and `test.bin` with two labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.formats._blocks import Block, from_blocks
from tellapart.data.formats._match import Match
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import split_in_file_name
from tellapart.data.tree import Tree
from tellapart.errors import DataError

PIXELS = 3 * 32 * 32


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match files with the published names, unless pictures are in several folders of the tree."""
    if not _files(tree):
        return Match.NONE
    return Match.CERTAIN if len(tree.picture_folders) < 2 else Match.STRAY


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. Of two label bytes (CIFAR-100: coarse, fine) the second is used."""
    names = layout.class_names or _class_names(tree)
    blocks: list[Block] = []
    for name in _files(tree):
        labels = 1 if "batch" in name.rsplit("/", 1)[-1] else 2
        data = tree.read(name)
        if not data or len(data) % (labels + PIXELS):
            raise DataError(
                f"{tree.describe(name)}: has {len(data):,} bytes; it is cut short, or in another format",
                f"a multiple of {labels + PIXELS:,} bytes: {labels} for labels and {PIXELS:,} pixels per picture",
                "download it again",
            )
        table = np.frombuffer(data, np.uint8).reshape(-1, labels + PIXELS)
        pixels = table[:, labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        blocks.append((split_in_file_name(name) or "train", pixels, table[:, labels - 1]))
    return from_blocks(tree, blocks, names)


def write(collection: Collection, folder: Path) -> None:
    """Write `data_batch_1.bin`, `test_batch.bin` and the class names. Raises DataError unless all are 32 x 32 RGB."""
    for split, name in (("train", "data_batch_1.bin"), ("test", "test_batch.bin")):
        indices = collection.indices(split)
        pixels = np.stack([collection.read(i) for i in indices])
        if pixels.shape[1:] != (32, 32, 3):
            raise DataError(f"{collection.name}: pictures of {pixels.shape[1:]}", "32 x 32 RGB", "use another format")
        labels = collection.labels[indices].astype(np.uint8)[:, np.newaxis]
        rows = np.hstack([labels, pixels.transpose(0, 3, 1, 2).reshape(-1, PIXELS)])
        (folder / name).write_bytes(rows.tobytes())
    (folder / "batches.meta.txt").write_text("\n".join(collection.class_names) + "\n", encoding="utf-8")


def _files(tree: Tree) -> list[str]:
    def is_batch(base: str) -> bool:
        return base.endswith(".bin") and base.startswith(("data_batch_", "test_batch", "train.", "test."))

    return [name for name in tree.names if is_batch(name.rsplit("/", 1)[-1])]


def _class_names(tree: Tree) -> list[str] | None:
    for name in tree.names:
        if name.endswith(("fine_label_names.txt", "batches.meta.txt")):
            return [line.strip() for line in tree.lines(name) if line.strip()]
    return None
