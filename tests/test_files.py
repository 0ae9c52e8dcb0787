import json
import os
import stat

import pytest

from tellapart.errors import UsageError
from tellapart.files import next_numbered_folder, plain_name, replacing, sha256, sha256_of_file, write_json, write_text


def test_a_file_is_replaced_wholly_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    write_json(path, {"rows": [[1, 2], [3.5, -4e-9]], "words": ["[1,  2]", "[\n1,\n2]"], "none": []})
    assert json.loads(path.read_text()) == {
        "rows": [[1, 2], [3.5, -4e-9]],
        "words": ["[1,  2]", "[\n1,\n2]"],
        "none": [],
    }
    assert "[1, 2],\n" in path.read_text()
    write_json(path, {"é": 1})
    assert path.read_text(encoding="utf-8") == '{\n  "é": 1\n}\n'
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_are_those_of_any_new_file(tmp_path):
    write_text(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode)


def test_numbered_folders_are_never_taken_twice(tmp_path):
    names = [next_numbered_folder(tmp_path / "runs", "a-b").name for _ in range(3)]
    assert names == ["a-b-001", "a-b-002", "a-b-003"]
    (tmp_path / "runs" / "a-b-1000").mkdir()
    assert next_numbered_folder(tmp_path / "runs", "a-b").name == "a-b-1001"
    assert next_numbered_folder(tmp_path / "runs", "a").name == "a-001"
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot create the folder"):
        next_numbered_folder(tmp_path / "file", "a")


def test_names_and_hashes(tmp_path):
    assert plain_name("a b/c:d.é") == "a-b-c-d"
    assert plain_name("...") == "unnamed"
    (tmp_path / "a").write_bytes(b"abc")
    assert (
        sha256_of_file(tmp_path / "a")
        == sha256(b"abc")
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
