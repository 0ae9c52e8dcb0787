"""doctor: the facts of a bug report, also where something is broken."""

import json
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import pytest

import tellapart
from tellapart.progress import silent
from tellapart.verbs import doctor


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("KERAS_BACKEND", "TELLAPART_DATA"):
        monkeypatch.delenv(name, raising=False)


def test_what_a_bug_report_begins_with(monkeypatch):
    monkeypatch.setenv("TELLAPART_SOMETHING", "1")
    found = tellapart.doctor(on_event=silent)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["program"]["tellapart"] == tellapart.__version__
    assert values["program"]["environment"]["TELLAPART_SOMETHING"] == "1"
    assert values["libraries"]["keras"].startswith("3.")
    assert values["machine"]["cores"] >= 1
    assert values["backend"] == {"name": "tensorflow", "devices": None}
    assert values["disk"]["runs"]["free"] > 0
    assert values["data sets"]["digits"] == "comes with scikit-learn"
    assert repr(found).endswith(", 0 problems>")
    assert found._repr_html_().startswith("<pre>program\n")
    text = str(found)
    for words in ("\nlibraries\n", "  numpy ", "not looked up; --backend starts Keras", " free, 0 runs", "digits"):
        assert words in text


def test_no_heavy_library_is_imported():
    code = (
        "import sys, tellapart; tellapart.doctor(on_event=print); "
        "print(sorted({'keras', 'tensorflow', 'matplotlib', 'onnxruntime', 'sklearn', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['PIL']\n"


def test_a_missing_library_is_a_problem(monkeypatch):
    from importlib.metadata import version

    def without(package):
        if package in ("polars", "tensorflow", "tensorflow-cpu", "jax", "torch"):
            raise PackageNotFoundError(package)
        return version(package)

    monkeypatch.setattr(doctor, "version", without)
    found = tellapart.doctor(on_event=silent)
    assert found.exit_code == 1
    text = str(found)
    assert "polars" in text
    assert "problem: the library polars is missing: install tellapart again" in text
    assert "problem: no backend of Keras is installed: pip install tensorflow" in text
    assert "problem: the backend tensorflow is not installed" in text


def test_a_broken_part_does_not_stop_the_others(monkeypatch):
    def broken():
        raise OSError("the disk is gone")

    monkeypatch.setattr("tellapart.data.datasets.cache_folder", broken)
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    found = tellapart.doctor(on_event=silent)
    assert "the section 'caches' could not be determined (OSError: the disk is gone)" in found.problems
    assert "KERAS_BACKEND=theano is not a backend of Keras: use tensorflow, jax or torch" in found.problems
    assert found.to_dict()["machine"]["cores"] >= 1
    assert found.exit_code == 1


def test_a_full_disk_and_a_folder_that_is_not_there(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "SCARCE", 10**18)
    monkeypatch.setenv("TELLAPART_DATA", str(tmp_path / "nowhere"))
    problems = tellapart.doctor(on_event=silent).problems
    assert any(problem.startswith("the disk of runs has only ") for problem in problems)
    assert f"TELLAPART_DATA={tmp_path / 'nowhere'} is not a folder" in problems


def test_the_caches_have_their_sizes(monkeypatch, tmp_path):
    (tmp_path / "cache" / "prepared").mkdir(parents=True)
    (tmp_path / "cache" / "prepared" / "a.pixels").write_bytes(bytes(2_500_000))
    (tmp_path / "cache" / "measured.json").write_text('{"bfloat16: P, recipe": 1.62}')
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TELLAPART_KEEP_PICTURES", "0")
    found = tellapart.doctor(on_event=silent)
    assert found.to_dict()["caches"]["prepared pictures"] == {"bytes": 2_500_000, "files": 1, "on": False}
    assert "2.5 MB in 1 file; off by TELLAPART_KEEP_PICTURES=0" in str(found)
    assert "measured in 1 training: 1.6 to 1.6 times as fast" in " ".join(str(found).split())


def test_the_backend_is_started_on_request():
    values = tellapart.doctor(backend=True, on_event=silent).to_dict()["backend"]
    assert values["version"].startswith("tensorflow 2.")
    assert "CPU:0" in values["devices"]
