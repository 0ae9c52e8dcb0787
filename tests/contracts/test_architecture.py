"""The plan of the house, held by tests: who imports whom, where libraries live, what start-up loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tellapart

HOUSE = Path(tellapart.__file__).parent
ORDER = [
    "errors",
    "files",
    "progress",
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
    "evaluation",
    "explanation",
    "report",
    "export",
    "serve",
    "verbs",
    "scale",
    "studio",
    "cli",
    "__main__",
]
STRANGERS = ({"evaluation", "explanation"}, {"report", "export", "serve"})
HOMES = {
    "keras": {"networks", "recipes", "training", "classifier", "explanation", "export"},
    "tensorflow": {"networks"},
    "tf2onnx": {"classifier", "export"},
    "onnxruntime": {"classifier"},
    "PIL": {"images", "data"},  # data: formats write pictures
    "typer": {"cli"},
    "rich": {"cli"},
    "polars": {"data"},
    "sklearn": {"data", "evaluation"},
    "requests": {"data"},
    "matplotlib": {"plots"},
}
FILES = sorted(HOUSE.rglob("*.py"))


def room(path: Path) -> str:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return parts[0]


def imports(path: Path) -> list[tuple[str, bool]]:
    """Modules that a file imports, anywhere in it, and whether only the type checker reads the line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in for_types) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(f"{node.module}.{alias.name}", id(node) in for_types) for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_imports_point_up(path):
    if path == HOUSE / "__init__.py":
        return  # the door opens onto every room
    mine = room(path)
    for name, _ in imports(path):
        if name.startswith("tellapart."):
            theirs = name.split(".")[1]
            assert ORDER.index(theirs) <= ORDER.index(mine), f"{path.name} imports {name} from further down"
            for pair in STRANGERS:
                assert theirs == mine or not {theirs, mine} <= pair, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_libraries_stay_at_home(path):
    for name, only_types in imports(path):
        home = HOMES.get(name.split(".")[0])
        assert only_types or home is None or room(path) in home, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HOUSE)))
def test_every_file_says_what_it_knows(path):
    first = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
    assert len(first) > 15


def modules_after(code: str) -> set[str]:
    shown = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(shown.stdout.split())


@pytest.mark.parametrize(
    "arguments",
    (["--help"], ["train", "--help"], ["recipes"], ["recipes", "quick"], ["formats"], ["datasets"], ["show", "--help"]),
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
