import os

import pytest

from tellapart.data import formats
from tellapart.data import tree as trees
from tellapart.data.archives import open_tree
from tellapart.data.tree import FolderTree
from tellapart.errors import DataError, PictureError


def test_a_folder_hides_hidden_files_and_ends_in_a_loop_of_links(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.txt").write_text("x")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "y").write_text("y")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "z").write_text("z")
    tree = open_tree(tmp_path)
    assert tree.names == ("a/x.txt",)
    assert tree.read("a/x.txt") == b"x"
    assert tree.size("a/x.txt") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_fifos_are_not_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="the folder is empty"):
        open_tree(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    tree = FolderTree(tmp_path)
    assert tree.names == ("pipe.png",), "what is called a picture is named when it is read"
    with pytest.raises(DataError, match="not a file"):
        tree.read("pipe.png")
    with pytest.raises(DataError, match="is neither a file nor a folder"):
        open_tree(tmp_path / "pipe.png")


def test_an_empty_file(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        open_tree(tmp_path / "a.csv")


def test_links_to_a_sibling_are_followed_and_loops_end(tmp_path):
    (tmp_path / "test" / "cat").mkdir(parents=True)
    (tmp_path / "test" / "cat" / "1.png").write_text("x")
    (tmp_path / "val").symlink_to(tmp_path / "test")
    assert open_tree(tmp_path).names == ("test/cat/1.png", "val/cat/1.png")


def test_a_hidden_file_can_be_named(tmp_path):
    (tmp_path / ".x.csv").write_text("label\n")
    assert open_tree(tmp_path / ".x.csv").names == (".x.csv",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_a_device_that_a_table_names_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "list.csv").write_text("file_name,label\npipe.png,a\n/dev/zero,b\n")
    collection = formats.read(open_tree(tmp_path / "list.csv"))
    for i in range(2):
        with pytest.raises(PictureError, match="not a file"):
            collection.read(i)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_entered(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a").chmod(0o444)
    try:
        with pytest.raises(DataError, match="cannot be read"):
            open_tree(tmp_path)
    finally:
        (tmp_path / "a").chmod(0o755)


def test_hidden_folders_are_not_searched(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    (tmp_path / "a.txt").write_text("x")
    looked = []
    scan = os.scandir
    monkeypatch.setattr(trees.os, "scandir", lambda path: looked.append(str(path)) or scan(path))
    assert open_tree(tmp_path).names == ("a.txt",)
    assert looked == [str(tmp_path)]
