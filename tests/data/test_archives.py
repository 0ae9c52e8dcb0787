import errno
import io
import os
import tarfile
import zipfile

import pytest
from PIL import Image

import tellapart
from tellapart.data import archives
from tellapart.data.archives import open_tree
from tellapart.errors import DataError


def zipped(path, members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def tarred(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("name", ("../a.png", "/a.png", "b/../../a.png", "..\\a.png"))
@pytest.mark.parametrize("make", (zipped, tarred))
def test_names_that_lead_outside_are_refused(make, name, tmp_path):
    path = make(tmp_path / "a.bin", [(name, b"x")])
    with pytest.raises(DataError, match="names without an absolute path"):
        open_tree(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("make", (zipped, tarred))
def test_double_names_are_refused(make, tmp_path):
    with pytest.raises(DataError, match="contains two files with the same name"):
        open_tree(make(tmp_path / "a.bin", [("a", b"x"), ("a", b"y")]))


def test_bombs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNPACKED", 10**6)
    zeros = b"\0" * (2 * 10**6)
    with pytest.raises(DataError, match="unpacks to 2,000,000 bytes or more"):
        open_tree(zipped(tmp_path / "a.zip", [("a", zeros)]))
    with pytest.raises(DataError, match="unpacks to"):
        open_tree(tarred(tmp_path / "a.tar.gz", [("a", zeros)], "w:gz"))


def test_links_in_a_tar_are_passed_over(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        info = tarfile.TarInfo("real")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    assert open_tree(path).names == ("real",)


@pytest.mark.parametrize("suffix", ("zip", "tar", "tar.gz", "tar.xz"))
def test_damaged_archives(suffix, tmp_path):
    members = [(f"{i}", os.urandom(5000)) for i in range(4)]
    path = tmp_path / f"a.{suffix}"
    if suffix == "zip":
        zipped(path, members)
    else:
        tarred(path, members, {"tar": "w", "tar.gz": "w:gz", "tar.xz": "w:xz"}[suffix])
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(DataError, match="the archive is damaged"):
        tree = open_tree(path)
        for name in tree.names:
            tree.read(name)


def test_an_encrypted_zip(tmp_path):
    path = zipped(tmp_path / "a.zip", [("a", b"x")])
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="is encrypted"):
        open_tree(path)


def test_a_folder_with_one_archive_is_that_archive(tmp_path):
    zipped(tmp_path / "a.zip", [("cat/1.png", b"x")])
    assert open_tree(tmp_path).names == ("cat/1.png",)


def test_missing_members(tmp_path):
    for path in (zipped(tmp_path / "a.zip", [("a", b"x")]), tarred(tmp_path / "a.tar", [("a", b"x")])):
        tree = open_tree(path)
        assert tree.exists("a")
        assert not tree.exists("b")
        with pytest.raises(DataError, match="b: is not in the archive"):
            tree.read("b")


def test_sparse_members_are_passed_over(tmp_path):
    path = tmp_path / "a.tar"
    info = tarfile.TarInfo("real.txt")
    info.size = 1
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        sparse = tarfile.TarInfo("sparse.png")
        sparse.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": str(2**44)}
        sparse.size = 1
        archive.addfile(sparse, io.BytesIO(b"x"))
        archive.addfile(info, io.BytesIO(b"x"))
    assert open_tree(path).names == ("real.txt",)


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for i in range(4):
            folder = tarfile.TarInfo(f"{i}")
            folder.type = tarfile.DIRTYPE
            archive.addfile(folder)
    with pytest.raises(DataError, match="contains 4 files or more"):
        open_tree(path)
    with pytest.raises(DataError, match="contains 4 files or more"):
        open_tree(zipped(tmp_path / "a.zip", [(f"{i}", b"") for i in range(4)]))


def test_no_space_to_unpack(tmp_path, monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    path = tarred(tmp_path / "a.tar.gz", [("a", b"x" * 100)], "w:gz")
    monkeypatch.setattr(archives.tempfile, "TemporaryFile", Full)
    with pytest.raises(DataError, match=r"has no space to unpack .*No space left(.|\n)*set TMPDIR"):
        open_tree(path)


@pytest.mark.parametrize("names", (("./a/0.png", "./b/1.png"), ("photos\\a\\0.png", "photos\\b\\1.png")))
def test_zips_of_other_programs(names, tmp_path):
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, "PNG")
    path = zipped(tmp_path / "a.zip", [(name, buffer.getvalue()) for name in names])
    collection = tellapart.open(path)
    assert collection.class_names == ("a", "b")
    assert collection.read(1).shape == (4, 4, 1)
    assert list(collection.keys) == ["a/0.png", "b/1.png"]


@pytest.mark.parametrize("method", (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
def test_a_temporary_failure_to_read_a_zip_is_not_reported_as_damage(tmp_path, monkeypatch, method):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("a", bytes(range(256)) * 40)
    tree = open_tree(tmp_path / "a.zip")

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "open", fail)
        with pytest.raises(DataError, match=r"cannot be read \(Input/output error\)"):
            tree.read("a")
    assert len(tree.read("a")) == 10240
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[60:70] = bytes(10)
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(DataError, match="the archive is damaged"):
        open_tree(tmp_path / "b.zip").read("a")
