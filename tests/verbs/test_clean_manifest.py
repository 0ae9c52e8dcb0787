"""The clean manifest of check, and the command that writes it."""

import csv
import errno
import os
import shlex
import sys

import pytest

import tellapart
from tellapart.errors import UsageError
from tellapart.progress import Note, silent
from tests.photos import folder


def test_the_clean_manifest_opens_and_leaves_the_bad_ones_out(dirty, tmp_path):
    (tmp_path / "lists").mkdir()
    manifest = tmp_path / "lists" / "clean.csv"
    tellapart.check(dirty, skip_labels=True, write_manifest=manifest, on_event=silent)
    rows = list(csv.DictReader(manifest.read_text().splitlines()))
    assert len(rows) == 40
    assert rows[0]["file_name"].startswith("../photos/cats/")
    collection = tellapart.open(manifest)
    assert len(collection) == 40
    assert collection.class_names == ("cats", "dogs")
    assert collection.read(0).shape == (96, 128, 3)


def test_the_clean_manifest_keeps_the_other_columns(tmp_path):
    home = folder(tmp_path / "photos", 40)
    files = sorted(path.relative_to(tmp_path).as_posix() for path in home.rglob("*.jpg"))
    rows = [f"{name},{name.split('/')[1]},p{i % 5}" for i, name in enumerate(files)]
    (tmp_path / "all.csv").write_text("\n".join(["file_name,label,patient", *rows]) + "\n")
    tellapart.check(
        tmp_path / "all.csv", skip_labels=True, write_manifest=tmp_path / "clean.csv", output=tmp_path / "p.html",
        on_event=silent,
    )  # fmt: skip
    kept = list(csv.DictReader((tmp_path / "clean.csv").read_text().splitlines()))
    assert {row["patient"] for row in kept} == {"p0", "p1", "p2", "p3", "p4"}


def test_the_clean_manifest_is_never_a_file_of_the_data(tmp_path):
    home = folder(tmp_path / "photos", 12)
    listed = "\n".join(f"photos/{path.relative_to(home).as_posix()},x" for path in home.rglob("*.jpg"))
    (tmp_path / "all.csv").write_text(f"file_name,label\n{listed}\n")
    before = (tmp_path / "all.csv").read_text()
    with pytest.raises(
        UsageError, match=r"--write-manifest .*all.csv: already exists, and may hold the only copy of some labels"
    ):
        tellapart.check(tmp_path / "all.csv", write_manifest=tmp_path / "all.csv", on_event=silent)
    with pytest.raises(
        UsageError, match=r"--write-manifest .*all.csv: already exists, and may hold the only copy of some labels"
    ):
        tellapart.check(home, write_manifest=tmp_path / "all.csv", on_event=silent)
    assert (tmp_path / "all.csv").read_text() == before


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links need a right on Windows")
def test_a_clean_manifest_behind_a_link(tmp_path):
    home = folder(tmp_path / "photos", 12)
    (tmp_path / "deep" / "real").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "deep" / "real")
    tellapart.check(
        home, skip_labels=True, write_manifest=tmp_path / "link" / "clean.csv", output=tmp_path / "p.html",
        on_event=silent,
    )  # fmt: skip
    collection = tellapart.open(tmp_path / "link" / "clean.csv")
    assert collection.read(0).size


def test_what_the_clean_manifest_leaves_out_is_counted(dirty, tmp_path):
    notes = []
    found = tellapart.check(
        dirty, skip_labels=True, write_manifest=tmp_path / "clean.csv", on_event=notes.append
    )  # fmt: skip
    assert f"clean manifest: {tmp_path / 'clean.csv'} (leaves out 2 of 42 pictures)" in str(found)
    assert {name: found.to_dict()[name] for name in ("left_out", "moved")} == {"left_out": 2, "moved": 0}
    assert not any("are left out" in note.text for note in notes if isinstance(note, Note))
    for i in range(30):
        (dirty / "cats" / f"cut{i}.jpg").write_bytes(b"\xff\xd8cut")
    tellapart.check(dirty, skip_labels=True, write_manifest=tmp_path / "second.csv", on_event=notes.append)
    assert any("manifest: 31 of 51 pictures of cats are left out" in n.text for n in notes if isinstance(n, Note))


def test_a_clean_manifest_that_would_mislead_is_refused_before_the_work(dirty, tmp_path, monkeypatch):
    monkeypatch.setattr("tellapart.data.inspect.inspect", lambda *_: pytest.fail("pictures were read"))
    with pytest.raises(UsageError, match="is inside the data, which would be read from it from then on"):
        tellapart.check(dirty, write_manifest=dirty / "clean.csv", on_event=silent)
    with pytest.raises(UsageError, match=r"clean.parquet: must end in .csv or .tsv"):
        tellapart.check(dirty, write_manifest=tmp_path / "clean.parquet", on_event=silent)


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="their file names are Unicode")
def test_a_clean_manifest_of_names_that_no_table_can_hold(dirty, tmp_path):
    (dirty / "cats" / "000.jpg").rename(dirty / "cats" / os.fsdecode(b"caf\xe9.jpg"))
    with pytest.raises(UsageError, match=r"a table cannot hold 1 file name \(photos/cats/caf.udce9.jpg\)"):
        tellapart.check(dirty, write_manifest=tmp_path / "clean.csv", on_event=silent)


def test_a_clean_manifest_of_tabs(dirty, tmp_path):
    tellapart.check(dirty, skip_labels=True, write_manifest=tmp_path / "clean.tsv", on_event=silent)
    assert len(tellapart.open(tmp_path / "clean.tsv")) == 40


def test_the_command_writes_the_manifest_that_was_announced(dirty, tmp_path):
    """Also for a path that the shell would take apart, and with the options of the check."""
    home = tmp_path / "my photos; rm 'x'"
    dirty.rename(home)
    found = tellapart.check(home, group=r"(\d)\d", skip_labels=True, seed=3, on_event=silent)
    command = found.clean.command
    words = shlex.split(command)
    assert words[:3] == ["tellapart", "check", str(home)]
    assert words[3:] == ["--group", r"(\d)\d", "--skip-labels", "--seed", "3", "--write-manifest", words[-1]]
    written = tellapart.check(
        words[2], group=words[4], skip_labels=True, seed=int(words[7]), write_manifest=words[-1], on_event=silent
    )
    assert written.left_out == found.left_out == 2
    assert len(tellapart.open(tmp_path / words[-1])) == 40
    again = tellapart.check(home, skip_labels=True, on_event=silent)
    assert again.clean.command.endswith("-clean-2.csv")


def test_a_manifest_that_cannot_be_written_is_not_announced(dirty, tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tellapart.verbs._clean_manifest.write_text", full)
    page = tmp_path / "page.html"
    with pytest.raises(UsageError, match=r"--write-manifest .*clean.csv: cannot be written \(No space left on device"):
        tellapart.check(dirty, skip_labels=True, write_manifest=tmp_path / "clean.csv", output=page, on_event=silent)
    assert not page.exists() or "It was written" not in page.read_text(encoding="utf-8")
