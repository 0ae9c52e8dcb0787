"""The contract of a format, for every file in the folder: it reads back what it writes, and explains damaged files."""

import ast
import shutil
import tarfile
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import tellapart
from tellapart.data import datasets, formats
from tellapart.data.archives import open_tree
from tellapart.data.formats import Match
from tellapart.data.layout import Layout
from tellapart.errors import DataError, TellapartError
from tests.conftest import make_collection, write_folder

NEEDS = {"cifar-binary": {"size": 32, "channels": 3}}
ALWAYS_SPLIT = {"cifar-binary", "picture-sheets"}  # their files are named after splits


def write(name: str, folder: Path, splits: bool = True):
    collection = make_collection(splits=splits, **NEEDS.get(name, {}))
    folder.mkdir()
    formats.load(name).write(collection, folder)
    return collection


def pack(folder: Path, kind: str) -> Path:
    path = folder.parent / f"packed.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, file.relative_to(folder))
    else:
        with tarfile.open(path, {"tar": "w", "tar.gz": "w:gz"}[kind]) as archive:
            archive.add(folder, arcname=".")
    return path


def check_same(expected, got):
    """Equal up to the order of pictures, which a format may choose."""
    assert got.class_names == expected.class_names
    assert len(got) == len(expected)

    def rows(collection):
        splits = collection.splits if collection.splits is not None else [""] * len(collection)
        return sorted((str(split), collection.label(i), collection.read(i).tobytes()) for i, split in enumerate(splits))

    assert rows(got) == rows(expected)
    assert got.read(0).dtype == np.uint8
    assert got.pictures.shape(0) == got.read(0).shape


@pytest.mark.parametrize("container", ("folder", "zip", "tar", "tar.gz"))
@pytest.mark.parametrize("name", formats.names())
def test_what_is_written_is_read_back(name, container, tmp_path):
    expected = write(name, tmp_path / "data")
    path = tmp_path / "data" if container == "folder" else pack(tmp_path / "data", container)
    check_same(expected, formats.read(open_tree(path)))


@pytest.mark.parametrize("name", [name for name in formats.names() if name not in ALWAYS_SPLIT])
def test_without_splits(name, tmp_path):
    expected = write(name, tmp_path / "data", splits=False)
    got = formats.read(open_tree(tmp_path / "data"))
    assert got.splits is None
    check_same(expected, got)


@pytest.mark.parametrize("name", formats.names())
def test_class_names_can_be_given(name, tmp_path):
    expected = write(name, tmp_path / "data")
    got = formats.read(open_tree(tmp_path / "data"), Layout(expected.class_names))
    check_same(expected, got)


@pytest.mark.parametrize("name", formats.names())
def test_a_format_matches_its_own_files_best(name, tmp_path):
    write(name, tmp_path / "data")
    tree = open_tree(tmp_path / "data")
    levels = {other: formats.load(other).match(tree) for other in formats.names()}
    assert all(isinstance(level, Match) for level in levels.values())
    assert max(levels, key=levels.get) == name
    assert sorted(levels.values())[-2] < levels[name]


def check_a_stray_file_loses(module, folder: Path) -> None:
    """Fail if one file of a format, next to class folders of pictures, is taken for the data."""
    made = folder / "made"
    made.mkdir()
    module.write(make_collection(splits=True, **NEEDS.get(module.__name__.rsplit(".")[-1].replace("_", "-"), {})), made)
    others = [formats.load(name) for name in formats.names()]
    for number, file in enumerate(path for path in sorted(made.iterdir()) if path.is_file()):
        data = write_folder(folder / f"data{number}")
        shutil.copy(file, data)
        best, level = formats.best_match(open_tree(data), [module, *others])
        assert best is formats.load("class-folders"), f"{file.name} next to class folders is read as {best.__name__}"
        assert level == Match.LAYOUT


@pytest.mark.parametrize("name", formats.names())
def test_a_stray_file_beside_class_folders_loses(name, tmp_path):
    check_a_stray_file_loses(formats.load(name), tmp_path)


def test_a_pair_of_idx_files_beside_class_folders_loses(tmp_path):
    folder = write_folder(tmp_path / "data")
    formats.load("idx").write(make_collection(splits=False), folder)
    assert len(list(folder.glob("*ubyte"))) == 2
    assert tellapart.open(folder).pictures.describe(0).endswith(".png")


def test_a_format_that_is_certain_of_a_stray_file_fails_the_contract(tmp_path):
    def write(collection, folder):
        (folder / "train-log.jsonl").write_text('{"epoch": 1}\n')

    def match(tree, layout, level=Match.CERTAIN):
        return level if any(name.endswith(".jsonl") for name in tree.names) else Match.NONE

    greedy = SimpleNamespace(__name__="jsonl", match=match, write=write)
    with pytest.raises(AssertionError, match=r"train-log\.jsonl next to class folders is read as jsonl"):
        check_a_stray_file_loses(greedy, tmp_path)
    modest = SimpleNamespace(__name__="jsonl", match=lambda tree, layout: match(tree, layout, Match.STRAY), write=write)
    (tmp_path / "modest").mkdir()
    check_a_stray_file_loses(modest, tmp_path / "modest")


def test_of_formats_with_the_same_level_the_first_by_name_reads(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    same = [SimpleNamespace(match=lambda tree, layout: Match.NAMES) for _ in range(2)]
    weaker = SimpleNamespace(match=lambda tree, layout: Match.LAYOUT)
    assert formats.best_match(open_tree(tmp_path), [weaker, *same]) == (same[0], Match.NAMES)
    assert list(formats.names()) == sorted(formats.names())


@pytest.mark.parametrize("package", (formats, datasets))
def test_leaves_import_no_other_leaves(package):
    for path in sorted(Path(package.__file__).parent.glob("[!_]*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                other = module.removeprefix(f"{package.__name__}.")
                assert other == module or other.startswith("_"), f"{path.name} imports {module}"


@pytest.mark.parametrize("harm", ("cut", "emptied", "noise"))
@pytest.mark.parametrize("name", formats.names())
def test_damage_is_reported(name, harm, tmp_path):
    """A file that is cut, emptied or overwritten raises an error, at the latest when its picture is read."""
    write(name, tmp_path / "data")
    for number, file in enumerate(sorted(p for p in (tmp_path / "data").rglob("*") if p.is_file())[:4]):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(tmp_path / "data", copy)
        victim = copy / file.relative_to(tmp_path / "data")
        data = victim.read_bytes()
        noise = np.random.default_rng(number).bytes(len(data))
        victim.write_bytes({"cut": data[: len(data) // 2 - 1], "emptied": b"", "noise": noise}[harm])
        if victim.name in ("classes.txt", "batches.meta.txt"):
            continue  # class names are words; any words will do
        began = time.monotonic()
        with pytest.raises(TellapartError) as caught:
            collection = formats.read(open_tree(copy))
            for i in range(len(collection)):
                collection.read(i)
        assert time.monotonic() - began < 2
        assert str(copy) in caught.value.given
        assert caught.value.expected


def test_a_tree_that_no_format_matches(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=r"contains no labelled pictures in a known format \(notes.txt\)"):
        formats.read(open_tree(tmp_path))


@pytest.mark.parametrize("name", formats.names())
def test_a_format_says_what_it_reads(name):
    assert formats.load(name).__doc__.split("\n")[0].endswith(".")
