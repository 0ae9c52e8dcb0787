import json

from tellapart.training import measured as memory


def test_numbers_are_kept_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path / "deep"))
    assert memory.recall("a") is None
    memory.remember("a", 1.5)
    memory.remember("b", 2.0)
    assert (memory.recall("a"), memory.recall("b")) == (1.5, 2.0)
    assert json.loads((tmp_path / "deep" / "measured.json").read_text()) == {"a": 1.5, "b": 2.0}


def test_a_broken_file_is_forgotten_and_written_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path))
    for broken in ("{", "[1]", '{"a": "words"}'):
        (tmp_path / "measured.json").write_text(broken)
        assert memory.recall("a") is None
        memory.remember("a", 1.0)
        assert memory.recall("a") == 1.0


def test_nowhere_to_write_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path / "file" / "below"))
    memory.remember("a", 1.0)
    assert memory.recall("a") is None
