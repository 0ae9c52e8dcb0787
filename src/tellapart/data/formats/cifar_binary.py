"""The CIFAR binary version: `data_batch_1.bin` ... `test_batch.bin`, or `train.bin` and `test.bin` with two labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.formats.idx import Block, from_blocks
from tellapart.data.split_names import split_in_file_name
from tellapart.data.tree import Tree, picture_folders
from tellapart.errors import DataError

PIXELS = 3 * 32 * 32


def likeness(tree: Tree) -> int:
    """Files of the published names, which class folders that they lie beside outweigh."""
    return 0 if not _files(tree) else 95 if len(picture_folders(tree)) < 2 else 20


def read(tree: Tree, class_names: Sequence[str] | None = None) -> Collection:
    """See the contract. Of two label bytes (CIFAR-100: coarse, fine) the second counts."""
    names = class_names or _class_names(tree)
    blocks: list[Block] = []
    for name in _files(tree):
        labels = 1 if "batch" in name.rsplit("/", 1)[-1] else 2
        data = tree.read(name)
        if not data or len(data) % (labels + PIXELS):
            raise DataError(
                f"{tree.describe(name)}: has {len(data):,} bytes, cut short or of another format",
                f"a multiple of {labels + PIXELS:,} bytes: {labels} for labels and {PIXELS:,} pixels each",
                "download it again",
            )
        table = np.frombuffer(data, np.uint8).reshape(-1, labels + PIXELS)
        pixels = table[:, labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        blocks.append((split_in_file_name(name) or "train", pixels, table[:, labels - 1]))
    return from_blocks(tree, blocks, names)


def write(collection: Collection, folder: Path) -> None:
    """One `data_batch_1.bin` and `test_batch.bin`; only 32 x 32 RGB fits."""
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
    def fits(base: str) -> bool:
        return base.endswith(".bin") and base.startswith(("data_batch_", "test_batch", "train.", "test."))

    return [name for name in tree.names if fits(name.rsplit("/", 1)[-1])]


def _class_names(tree: Tree) -> list[str] | None:
    for name in tree.names:
        if name.endswith(("fine_label_names.txt", "batches.meta.txt")):
            return [line.strip() for line in tree.lines(name) if line.strip()]
    return None
