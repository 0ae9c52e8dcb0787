"""Nothing in an untrusted model file is run, nothing outside it is opened, and no memory is allocated for it."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

import tellapart
from tellapart.classifier.classifier import load_classifier
from tellapart.classifier.sandbox import hdf5
from tellapart.errors import ModelFileError
from tellapart.progress import silent
from tests import hostile_models

ROOT = str(Path(__file__).parent.parent)

CHILD = """
import json, sys, tempfile
from pathlib import Path
from tellapart.classifier import network  # starts Keras, which opens many files, before the watch starts
from tellapart.classifier.classifier import load_classifier
from tellapart.classifier.sandbox.keras_file import read_keras_file
from tellapart.errors import ModelFileError
answers, seen, current = {}, {}, [None]
OWN = (sys.prefix, sys.base_prefix, "/proc/self", "/dev/null", tempfile.gettempdir() + "/tmp")  # temporary files
WATCHED = {"socket.__new__", "socket.connect", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.rename",
           "os.symlink", "pickle.find_class", "marshal.loads", "ctypes.dlopen"}
SANDBOXED = ("hdf5_reader.py", "onnx_trial.py")
def watch(event, arguments):
    if current[0] is None:
        return
    text = str(arguments[:2])
    if event == "open":
        path = str(arguments[0])
        if path != str(current[0]) and not path.isdigit() and not path.startswith(OWN) and not path.endswith(".py"):
            seen.setdefault(current[0].name, []).append(f"open {path}")
    elif event in WATCHED or (event == "subprocess.Popen" and not any(name in text for name in SANDBOXED)):
        seen.setdefault(current[0].name, []).append(f"{event} {text[:200]}")
sys.path.insert(0, sys.argv[4])
from tests.memory import forget_peak, peak
read_keras_file(Path(sys.argv[2])).network()  # imports everything now
load_classifier(sys.argv[3]).network
sys.addaudithook(watch)
before = forget_peak()
for path in sorted(Path(sys.argv[1]).iterdir()):
    current[0] = path
    try:
        if path.name.startswith("own-"):
            load_classifier(path).network
        else:
            read_keras_file(path).network()
        answers[path.name] = None
    except ModelFileError as error:
        answers[path.name] = str(error)
    current[0] = None
grown = peak() - before
print(json.dumps({"answers": answers, "seen": seen, "grown": grown}))
"""


@pytest.fixture(scope="module")
def observed(tmp_path_factory, stripes_run):
    folder = tmp_path_factory.mktemp("hostile")
    files = folder / "files"
    files.mkdir()
    for name, data in (*hostile_models.keras_files(folder), *hostile_models.hdf5_files()):
        (files / name).write_bytes(data)
    list(hostile_models.own_files(files, stripes_run.model_path))
    good = tmp_path_factory.mktemp("good") / "good.keras"
    good.write_bytes(hostile_models.archive(hostile_models.sequential()))
    command = [sys.executable, "-c", CHILD, str(files), str(good), str(stripes_run.model_path), ROOT]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


def test_every_one_of_them_is_refused_with_a_reason(observed):
    folder, found = observed
    answers = found["answers"]
    assert len(answers) == len(list((folder / "files").iterdir())) >= 75
    assert [name for name, words in answers.items() if words is None] == []
    for name, words in answers.items():
        first, expected, action = words.split("\n")
        assert str(folder / "files" / name) in first, words
        assert "refused (" in first or "damaged (" in first or "cannot be" in first or "is not valid" in first, words
        assert expected.startswith("  expected: ")
        assert action.startswith("  to do: ")


def test_nothing_was_opened_started_or_written(observed):
    folder, found = observed
    assert found["seen"] == {}
    assert not (folder / "canary").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["files"]


def test_memory_stayed_small(observed):
    assert observed[1]["grown"] < 500_000  # KiB


@pytest.mark.parametrize(
    "name, words",
    (
        ("lambda.keras", "keras.layers.Lambda is not on the list of allowed layers"),
        ("system.keras", "os.system is not on the list"),
        ("custom-object.keras", "registered as package>Dense"),
        ("name-upwards.keras", "../../x is not a valid layer name"),
        ("parameter-bomb.keras", "it has more than 500,000,000 parameters"),
        ("activation-bombs.keras", "bytes of outputs for a picture"),
        ("not-reached.keras", "the output does not depend on aside"),
        ("circle.keras", "waits for itself"),
        ("called-with-nothing.keras", "its network is refused (last is called without inputs)"),
        ("called-with-a-list.keras", "its network is refused (a layer is called with {'config': [1]})"),
        ("own-onnx-tag.keras", "it has an unexpected field 536870916 of type 2"),
        ("own-onnx-other-format.keras", "it has an unexpected field 0"),
        ("zip-bomb.keras", "model.weights.h5 unpacks to 314,572,800 bytes"),
        ("pickle.keras", "it is a Python pickle, which can run any program"),
        ("h5-external.h5", "/model_weights is a soft or external link"),
        ("h5-outside.h5", "/x is stored in another file, or in chunks"),
        ("h5-packed.h5", "/x is stored in another file, or in chunks"),
        ("h5-declared.h5", "/x declares 40,000,000,000 bytes and stores 0"),
        ("own-onnx-outside.keras", "its weights are in another file"),
        ("own-onnx-fields.keras", "it has more than 1,000,000 fields"),
        ("own-onnx-bomb.keras", "it enlarges pictures beyond 8,192"),
    ),
)
def test_the_reason_is_the_right_one(observed, name, words):
    assert words in observed[1]["answers"][name]


def test_the_same_files_without_their_trick_open(tmp_path):
    from tellapart.classifier.sandbox.keras_file import read_keras_file

    good = tmp_path / "good.keras"
    good.write_bytes(hostile_models.archive(hostile_models.sequential()))
    assert read_keras_file(good).network().count_params() == 130


def test_prediction_does_not_start_keras_and_is_as_careful(tmp_path, stripes_run):
    for name, path in hostile_models.own_files(tmp_path, stripes_run.model_path):
        if "onnx" in name or "ood" in name:
            with pytest.raises(Exception, match=r"refused|damaged") as caught:
                load_classifier(path)
            assert type(caught.value).__name__ == "ModelFileError"
        else:  # the Keras network is not read, and the ONNX copy is sound
            load_classifier(path)


def test_the_reader_takes_little_memory(tmp_path):
    """Measured from a small process: right after a fork, the system counts the parent's memory for the child."""
    code = (
        "import resource, subprocess, sys\n"
        "data = open(sys.argv[2], 'rb').read()\n"
        "done = subprocess.run([sys.executable, '-I', sys.argv[1]], input=data, capture_output=True)\n"
        "print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, done.stderr.decode())\n"
    )
    for name, data in hostile_models.hdf5_files():
        if name.endswith(".h5"):
            (tmp_path / name).write_bytes(data)
            command = [sys.executable, "-c", code, str(hdf5.READER), str(tmp_path / name)]
            status, peak, words = subprocess.run(command, capture_output=True, text=True).stdout.split(" ", 2)
            assert status == ("0" if name in ("h5-lambda.h5", "h5-missing.h5") else "3"), (name, words)
            assert int(peak) < 300_000, name  # KiB


@pytest.mark.parametrize("program", ("hdf5_reader.py", "onnx_trial.py", "onnx_session.py", "restricted.py"))
def test_the_sandboxed_programs_are_independent(program):
    source = hdf5.READER.with_name(program).read_text()
    assert "import tellapart" not in source
    assert "from tellapart" not in source


def test_a_name_within_a_file_is_not_taken_for_a_library_that_is_missing(tmp_path):
    def fill(file):
        file.create_group("layers")["ImportError"] = h5py.SoftLink("/nowhere")

    (tmp_path / "a.h5").write_bytes(hostile_models.hdf5(fill))
    with pytest.raises(ModelFileError, match="ImportError is a soft or external link"):
        tellapart.adopt(tmp_path / "a.h5", classes=["a", "b"], on_event=silent)
