"""The plan of the source tree, held by tests: who imports whom, where libraries are used, what start-up loads.

The measures themselves, and the limits that `scripts/shape` prints, are in tests/structure.py.
"""

import ast
import re
import subprocess
import sys
from functools import cache

import pytest

from tellapart import leaves, verbs
from tests import structure
from tests.structure import ROOT, SOURCE, short

ORDER = [
    "errors",
    "files",
    "progress",
    "notebook",
    "cancel",
    "text",
    "leaves",
    "memory",
    "parallel",
    "plots",
    "images",
    "networks",
    "data",
    "checks",
    "recipes",
    "training",
    "classifier",
    "pretrained",
    "evaluation",
    "explanation",
    "labelling",
    "report",
    "export",
    "serve",
    "verbs",
    "scale",
    "studio",
    "cli",
    "__main__",
]
STRANGERS = ({"evaluation", "explanation", "labelling"}, {"report", "export", "serve"})
HOMES = {
    "keras": {"networks", "recipes", "training", "classifier", "pretrained", "explanation", "export"},
    "tensorflow": {"networks"},
    "tf2onnx": {"classifier", "export"},
    "onnxruntime": {"classifier"},
    "PIL": {"images", "data"},  # data: formats write pictures
    "typer": {"cli"},
    "rich": {"cli"},
    "tensorboardX": {"report"},
    "polars": {"data"},
    "sklearn": {"data", "evaluation"},
    "requests": {"data"},
    "starlette": {"serve"},
    "uvicorn": {"serve"},
    "prometheus_client": {"serve"},
    "matplotlib": {"plots"},
}
FOREIGN_WORDS = {
    "classifier/runtime.py _reason": "ONNX Runtime gives the bytes that it asked for in its message only",
    "training/shortage.py ran_out": "TensorFlow, XLA and torch have no common class for a lack of memory",
}
"""Functions that must read the words of another library's error, which has no class of its own; with the reason."""

PATHS = structure.files()
every_file = pytest.mark.parametrize("path", PATHS, ids=short)


def room(path):
    return path.relative_to(SOURCE).with_suffix("").parts[0]


@every_file
def test_imports_point_up(path):
    """Also from files in a room's subfolders, inside functions and under TYPE_CHECKING."""
    if path == SOURCE / "__init__.py":
        return  # the door opens onto every room
    mine = room(path)
    for one in structure.imports(path):
        goal = structure.target(one.module)
        if goal is None:
            continue
        theirs = room(goal)
        assert theirs != "__init__", f"{short(path)}:{one.line} imports the package's door"
        assert ORDER.index(theirs) <= ORDER.index(mine), f"{short(path)}:{one.line} imports {one.module}: further down"
        for rooms in STRANGERS:
            assert theirs == mine or not {theirs, mine} <= rooms, f"{short(path)}:{one.line} imports {one.module}"


def test_every_room_is_in_the_order():
    assert {room(path) for path in PATHS} - {"__init__"} <= set(ORDER)


@every_file
def test_no_file_imports_itself_through_others(path):
    name = short(path)
    assert not [group for group in structure.circles(structure.graph()) if name in group]


@every_file
def test_leaves_import_no_leaves(path):
    """What two leaves need is in a helper `_name.py` of their folder, or in a room further up."""
    name = short(path)
    assert [other for leaf, other in structure.leaf_imports(structure.graph()) if leaf == name] == []


@every_file
def test_libraries_stay_at_home(path):
    for one in structure.imports(path):
        home = HOMES.get(one.module.split(".")[0])
        assert one.for_types or home is None or room(path) in home, f"{short(path)}:{one.line} imports {one.module}"


@every_file
def test_every_file_says_what_it_knows(path):
    first = (ast.get_docstring(structure.tree(path)) or "").split("\n")[0]
    assert len(first) > 15


@every_file
def test_wording_never_decides(path):
    """Decisions are made on classes and data of errors, never on what their messages say."""
    where = [f"{place}:{line}" for place, line in structure.decided_by_words(path) if place not in FOREIGN_WORDS]
    assert where == []


def test_the_list_of_foreign_words_is_short_and_true():
    used = {place for path in PATHS for place, _ in structure.decided_by_words(path)}
    assert set(FOREIGN_WORDS) <= used


@pytest.mark.parametrize("limit", structure.limits(), ids=lambda limit: limit.title)
def test_the_shape_of_the_tree(limit):
    assert limit.kept, str(limit)


def test_the_script_prints_the_shape():
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "shape")], capture_output=True, text=True)
    assert done.stdout.splitlines() == [line for limit in structure.limits() for line in str(limit).splitlines()]
    assert done.returncode == (0 if all(limit.kept for limit in structure.limits()) else 1), done.stderr


def write_package(folder, **texts):
    for name, text in texts.items():
        path = folder / "house" / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "house"


HANDLER = """
def work():
    try:
        pass
    except E as error:
        {body}
"""


def test_circles_are_found_wherever_the_import_is(tmp_path):
    house = write_package(
        tmp_path,
        one="from house import two\n",
        two="def late():\n    from house.room.three import name\n",
        room__three="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..one import name\n",
        four="import house.one\n",
    )
    assert structure.circles(structure.graph(house)) == [("one.py", "room/three.py", "two.py")]


@pytest.mark.parametrize(
    "body",
    (
        "return 'memory' in str(error)",
        "return error.given.startswith('x')",
        "text = str(error).lower()\n        return any(word in text for word in ('a', 'b'))",
        "return f'{error}' == 'x'",
        "return error.args[0].endswith('x')",
        "return re.search('x', str(error))",
        "given = error.expected.removeprefix('x')",
    ),
)
def test_decisions_by_wording_are_found(tmp_path, body):
    house = write_package(tmp_path, one=HANDLER.format(body=body))
    assert [place for place, _ in structure.decided_by_words(house / "one.py", house)] == ["one.py work"]


@pytest.mark.parametrize("body", ("return f'x: {error.given}'", "return 'x' in error.names", "return str(error)[:200]"))
def test_wording_may_be_passed_on(tmp_path, body):
    house = write_package(tmp_path, one=HANDLER.format(body=body))
    assert not list(structure.decided_by_words(house / "one.py", house))


@cache
def documented():
    """The text of README.md and docs, and what of it is code: between backticks, or in a block."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    return "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))


def is_documented(word):
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", documented()) is not None


CHOICES = [
    f"{kind} {name}"
    for kind, package in (
        ("verb", "tellapart.verbs"),
        ("format", "tellapart.data.formats"),
        ("check", "tellapart.checks"),
        ("recipe", "tellapart.recipes.library"),
        ("data set", "tellapart.data.datasets"),
        ("backbone", "tellapart.networks.backbones"),
        ("route", "tellapart.serve.routes"),
    )
    for name in leaves.names(package)
]
FLAGS = [
    f"{verb} --{field.replace('_', '-')}"
    for verb in verbs.names()
    for field, info in verbs.load(verb).Options.model_fields.items()
    if not verbs.is_argument(info)
]


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_is_documented_under_its_typed_name(choice):
    assert is_documented(choice.split()[-1]), f"no page of docs has `{choice.split()[-1]}`"


@pytest.mark.parametrize("flag", [*FLAGS, "every --json", "every --quiet", "every --debug", "program --version"])
def test_every_flag_is_documented_under_its_typed_name(flag):
    assert is_documented(flag.split()[-1]), f"no page of docs has `{flag.split()[-1]}`"


TESTS = sorted((ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(ROOT / "tests").as_posix())
def test_nothing_is_imported_out_of_test_files(path):
    """What several test files need is in a module with a name of its own, such as tests/photos.py."""
    names = [one.module for one in structure.imports(path, ROOT / "tests")]
    assert [name for name in names if name.startswith("tests.") and ".test_" in name] == []


def modules_after(code: str) -> set[str]:
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(shown.stdout.split())


@pytest.mark.parametrize(
    "arguments",
    (
        ["--help"],
        ["train", "--help"],
        ["recipes"],
        ["recipes", "quick"],
        ["formats"],
        ["datasets"],
        ["backbones"],
        ["show", "--help"],
    ),
)
def test_listing_and_help_load_no_keras(arguments):
    code = f"sys.argv = ['tellapart', *{arguments!r}]\nfrom tellapart.cli.main import main\n"
    code += "try: main()\nexcept SystemExit: pass"
    loaded = modules_after(code)
    assert "typer" in loaded
    assert not {"keras", "tensorflow", "sklearn", "onnxruntime", "matplotlib"} & loaded


def test_prediction_loads_no_keras(stripes_run):
    code = (
        "import tellapart, numpy\n"
        f"print(tellapart.load({str(stripes_run.model_path)!r}).predict(numpy.zeros((9, 9), numpy.uint8)))"
    )
    loaded = modules_after(code)
    assert "onnxruntime" in loaded
    assert not {"keras", "tensorflow", "onnx", "scipy", "polars", "typer"} & loaded


def test_importing_the_package_costs_nothing():
    assert not {"numpy", "pydantic", "keras", "PIL"} & modules_after("import tellapart")
