"""What a source contains besides the pictures of its collection is named."""

import gzip
import tarfile
import zipfile

import tellapart
from tellapart.data.passed_over import passed_over
from tellapart.files import OUTPUT_FOLDER
from tests.conftest import make_collection, write_folder
from tests.photos import encoded, photo


def test_a_clean_folder_passes_nothing_over(tmp_path):
    assert passed_over(tellapart.open(write_folder(tmp_path / "data"))) == []
    assert passed_over(make_collection()) == []
    assert passed_over(tellapart.open("digits")) == []


def test_other_files_and_folders_without_pictures(tmp_path):
    home = write_folder(tmp_path / "data")
    (home / "readme.txt").write_text("about")
    (home / "across" / "labels.md").write_text("a")
    (home / "empty" / "inside").mkdir(parents=True)
    (home / "down" / "nothing").mkdir()
    (home / ".hidden").mkdir()
    assert passed_over(tellapart.open(home)) == [
        "passed over: 2 files that are not pictures (across/labels.md, readme.txt)",
        "passed over: 2 folders without pictures to read (down/nothing/, empty/)",
    ]
    for k in range(4):
        (home / f"note{k}.txt").write_text("about")
    words = "passed over: 6 files that are not pictures (across/labels.md, note0.txt, note1.txt, ...)"
    assert passed_over(tellapart.open(home))[0] == words


def test_what_a_note_of_the_collection_names_is_not_repeated(tmp_path):
    home = write_folder(tmp_path / "data")
    (home / "across" / "tool.exe").write_text("x")
    (home / "loose.png").write_bytes(encoded(photo(), "PNG"))
    collection = tellapart.open(home)
    assert len(collection.notes) == 2
    assert passed_over(collection) == []


def test_tables_that_the_collection_names_are_not_repeated(tmp_path):
    home = write_folder(tmp_path / "data")
    (home / "across" / "metadata.jsonl").write_text('{"file_name": "000.png", "width": 9}\n')
    collection = tellapart.open(home)
    assert "not used: across/metadata.jsonl" in collection.inferred
    assert (collection.notes, passed_over(collection)) == ((), [])


def test_pictures_in_subfolders_of_their_class_folder(tmp_path):
    home = write_folder(tmp_path / "data")
    (home / "down" / "b").mkdir()
    (home / "down" / "b" / "c.png").write_bytes(encoded(photo(), "PNG"))
    words = "1 picture lies in a subfolder of its class folder, such as down/b/c.png"
    assert passed_over(tellapart.open(home)) == [words]
    (home / "across" / "x" / "y").mkdir(parents=True)
    (home / "across" / "x" / "y" / "z.png").write_bytes(encoded(photo(), "PNG"))
    words = "2 pictures lie in subfolders of their class folder, such as across/x/y/z.png"
    assert passed_over(tellapart.open(home)) == [words]


def test_split_folders_inside_class_folders_are_not_subfolders(tmp_path):
    for name in ("cats", "dogs"):
        for split in ("train", "test"):
            (tmp_path / name / split).mkdir(parents=True)
            (tmp_path / name / split / "1.png").write_bytes(encoded(photo(), "PNG"))
    assert passed_over(tellapart.open(tmp_path)) == []


def test_pictures_that_a_table_does_not_list(tmp_path):
    home = write_folder(tmp_path / "data", 6)
    rows = "\n".join(f"{path.relative_to(home)},x" for path in sorted(home.rglob("*.png"))[:4])
    (home / "labels.csv").write_text(f"file_name,label\n{rows}\n")
    collection = tellapart.open(home)
    assert "skipped: squares (2 pictures not in the table)" in collection.inferred
    assert (collection.notes, passed_over(collection)) == ((), [])


def test_a_table_whose_files_are_in_folders_named_like_the_labels(tmp_path):
    """It is not a collection of class folders. Names that only end like a listed one are not listed."""
    home = write_folder(tmp_path / "data", 6)
    names = sorted(path.relative_to(home).as_posix() for path in home.rglob("*.png"))
    (home / "squares" / "more").mkdir()
    (home / "squares" / "more" / "x000.png").write_bytes(encoded(photo(), "PNG"))
    (home / "more").mkdir()
    (home / "more" / "across").mkdir()
    (home / "more" / "across" / "000.png").write_bytes(encoded(photo(), "PNG"))
    rows = "\n".join(f"{name},{name.split('/')[0]}" for name in names[:5])
    (home / "labels.csv").write_text(f"file_name,label\n{rows}\n")
    collection = tellapart.open(home)
    words = "labels.csv lists 5 pictures of 8; 1 in the same folders is not used (squares/005.png)"
    assert (collection.notes, passed_over(collection)) == ((words,), [])
    for folder in ("more", "squares"):
        assert f"skipped: {folder} (1 picture not in the table)" in collection.inferred


def test_a_table_with_absolute_names_and_names_with_dots(tmp_path):
    home = write_folder(tmp_path / "data", 6)
    names = sorted(path.relative_to(home).as_posix() for path in home.rglob("*.png"))
    written = [str(home / names[0]), f"./{names[1]}", f"across/../{names[2]}", *names[3:5]]
    (home / "labels.csv").write_text("file_name,label\n" + "".join(f"{name},x\n" for name in written))
    collection = tellapart.open(home)
    words = f"labels.csv lists 5 pictures of 6; 1 in the same folders is not used ({names[5]})"
    assert (collection.notes, passed_over(collection)) == ((words,), [])


def test_classes_with_other_names(tmp_path):
    collection = tellapart.open(write_folder(tmp_path / "data")).with_class_names(["a", "b", "c"])
    assert passed_over(collection) == []


def test_an_archive_is_not_opened_again(tmp_path, monkeypatch):
    """It may take minutes to unpack, and as much disk."""
    home = write_folder(tmp_path / "data", 6)
    with tarfile.open(tmp_path / "data.tar.gz", "w:gz") as archive:
        archive.add(home, "data")
    opened, real = [], gzip.open
    monkeypatch.setattr("gzip.open", lambda *arguments: opened.append(1) or real(*arguments))
    collection = tellapart.open(tmp_path / "data.tar.gz")
    assert opened == [1]
    assert passed_over(collection) == []
    assert opened == [1]


def test_an_archive(tmp_path):
    home = write_folder(tmp_path / "data", 6)
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        for path in home.rglob("*.png"):
            archive.write(path, f"data/{path.relative_to(home)}")
        archive.writestr("data/about.txt", "about")
    assert passed_over(tellapart.open(tmp_path / "data.zip")) == [
        "passed over: 1 file that is not a picture (data/about.txt)"
    ]


def test_the_folder_for_outputs_is_never_a_class(tmp_path):
    home = write_folder(tmp_path / "data")
    (home / OUTPUT_FOLDER).mkdir()
    (home / OUTPUT_FOLDER / "data-pictures.png").write_bytes(encoded(photo(), "PNG"))
    collection = tellapart.open(home)
    assert collection.class_names == ("across", "down", "squares")
    assert passed_over(collection) == []
