"""Measure the source tree: who imports whom, how long functions and files are, where the wording of an error decides.

Needs the standard library only, so that `scripts/shape` runs without tellapart. Names are those of files, relative to
`src/tellapart`: `data/formats/idx.py`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "tellapart"
LEAF_FOLDERS = (
    "data/formats",
    "data/datasets",
    "checks",
    "networks/backbones",
    "recipes/library",
    "report/sections",
    "serve/routes",
    "verbs",
)
"""Folders where adding one thing is adding one file, which knows no other of these files."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Import:
    """One module that a file imports: its dotted name, the line, and whether only the type checker reads that line."""

    module: str
    line: int
    for_types: bool


@dataclass(frozen=True)
class Measured:
    """A function: where it is, its lines without its docstring, its arguments without `self` and `cls`."""

    name: str
    lines: int
    arguments: int


@cache
def files(source: Path = SOURCE) -> tuple[Path, ...]:
    """All Python files of the package, in order."""
    return tuple(sorted(source.rglob("*.py")))


def short(path: Path, source: Path = SOURCE) -> str:
    """The name of a file relative to the package."""
    return path.relative_to(source).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path, source: Path = SOURCE) -> list[Import]:
    """What a file imports, anywhere in it: also inside functions and for the type checker only."""
    for_types = {
        id(inner)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.If) and ast.unparse(node.test).split(".")[-1] == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    collected: list[Import] = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            collected += [Import(alias.name, node.lineno, id(node) in for_types) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, path, source)
            collected += [Import(f"{base}.{alias.name}", node.lineno, id(node) in for_types) for alias in node.names]
    return collected


def _base(node: ast.ImportFrom, path: Path, source: Path) -> str:
    """The package that `from ... import` names, also a relative one."""
    if not node.level:
        return node.module or ""
    package = [source.name, *path.relative_to(source).parent.parts]
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def target(module: str, source: Path = SOURCE) -> Path | None:
    """The file of a dotted name: of the module itself, or of the one that has it as a name; None outside."""
    first, *rest = module.split(".")
    if first != source.name:
        return None
    while True:
        path = source.joinpath(*rest)
        for candidate in (path.with_suffix(".py") if rest else path, path / "__init__.py"):
            if candidate.is_file():
                return candidate
        if not rest:
            return None
        rest = rest[:-1]


@cache
def graph(source: Path = SOURCE) -> dict[str, tuple[str, ...]]:
    """For each file, the files of the package that it imports."""
    edges = {}
    for path in files(source):
        targets = {target(one.module, source) for one in imports(path, source)} - {None, path}
        edges[short(path, source)] = tuple(sorted(short(one, source) for one in targets if one))
    return edges


def circles(edges: dict[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Groups of files that import each other, directly or by way of others (Tarjan 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    groups: list[tuple[str, ...]] = []

    def visit(name: str) -> None:
        number[name] = lowest[name] = len(number)
        path.append(name)
        for other in edges.get(name, ()):
            if other not in number:
                visit(other)
                lowest[name] = min(lowest[name], lowest[other])
            elif other in path:
                lowest[name] = min(lowest[name], number[other])
        if lowest[name] == number[name]:
            group = path[path.index(name) :]
            del path[path.index(name) :]
            if len(group) > 1:
                groups.append(tuple(sorted(group)))

    for name in edges:
        if name not in number:
            visit(name)
    return sorted(groups)


def is_leaf(name: str) -> bool:
    """Whether a file is a leaf: in a leaf folder, and not a helper (`_name.py`) or the folder's `__init__.py`."""
    folder, _, file = name.rpartition("/")
    return folder in LEAF_FOLDERS and not file.startswith("_")


def leaf_imports(edges: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """Pairs of leaves of which the first imports the second."""
    return [(name, other) for name, others in edges.items() if is_leaf(name) for other in others if is_leaf(other)]


@cache
def functions(source: Path = SOURCE) -> tuple[Measured, ...]:
    """All functions and methods, also those inside others."""
    return tuple(
        Measured(f"{short(path, source)}:{node.lineno} {node.name}", _lines(node), _arguments(node))
        for path in files(source)
        for node in ast.walk(tree(path))
        if isinstance(node, Function)
    )


def _lines(node: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if ast.get_docstring(node, clean=False) is not None:
        lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
    return lines


def _arguments(node: Function) -> int:
    named = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    count = len(named) + len(node.args.kwonlyargs) + bool(node.args.vararg) + bool(node.args.kwarg)
    return count - (named[:1] in (["self"], ["cls"]))


WORDING = {"given", "expected", "action"}
DECIDING = {
    "startswith",
    "endswith",
    "removeprefix",
    "removesuffix",
    "find",
    "index",
    "count",
    "partition",
    "rpartition",
}
COMPARING = (ast.In, ast.NotIn, ast.Eq, ast.NotEq)


def decided_by_words(path: Path, source: Path = SOURCE) -> Iterator[tuple[str, int]]:
    """Functions of a file, each with a line, where what an error says is searched or compared."""
    for function in ast.walk(tree(path)):
        if isinstance(function, Function):
            errors = _errors(function)
            named: set[str] = set()
            for _ in range(2):  # a name may be made from another
                named |= {name for name, value in _assigned(function) if _worded(value, errors, named)}
            for node in _own(function):
                if _decides(node, errors, named):
                    yield f"{short(path, source)} {function.name}", node.lineno


def _own(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function without those of the functions inside it."""
    waiting: list[ast.AST] = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function):
            waiting += ast.iter_child_nodes(node)


def _errors(function: Function) -> set[str]:
    """Names that hold an exception: caught, or arguments that are annotated as one."""
    caught = {node.name for node in _own(function) if isinstance(node, ast.ExceptHandler) and node.name}
    arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    return caught | {
        one.arg
        for one in arguments
        if one.annotation and ast.unparse(one.annotation).strip("'\"").endswith(("Error", "Exception"))
    }


def _assigned(function: Function) -> Iterator[tuple[str, ast.AST]]:
    for node in _own(function):
        if isinstance(node, ast.Assign):
            for goal in node.targets:
                yield from ((inner.id, node.value) for inner in ast.walk(goal) if isinstance(inner, ast.Name))
        elif isinstance(node, ast.NamedExpr):
            yield node.target.id, node.value


def _worded(node: ast.AST, errors: set[str], named: set[str]) -> bool:
    """Whether an expression holds the wording of an error: `x.given`, `str(error)`, `error.args`, f"{error}"."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and inner.attr in WORDING:
            return True
        if isinstance(inner, ast.Name) and inner.id in named:
            return True
        if isinstance(inner, ast.Attribute) and inner.attr == "args" and _is_error(inner.value, errors):
            return True
        if isinstance(inner, ast.Call) and ast.unparse(inner.func) in ("str", "repr"):
            made_of = [one for one in inner.args if _is_error(one, errors)]
            if made_of:
                return True
        if isinstance(inner, ast.FormattedValue) and _is_error(inner.value, errors):
            return True
    return False


def _is_error(node: ast.AST, errors: set[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in errors


def _decides(node: ast.AST, errors: set[str], named: set[str]) -> bool:
    if isinstance(node, ast.Compare) and any(isinstance(operator, COMPARING) for operator in node.ops):
        return any(_worded(side, errors, named) for side in (node.left, *node.comparators))
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if node.func.attr in DECIDING:
        return _worded(node.func.value, errors, named)
    pattern = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
    return pattern and any(_worded(one, errors, named) for one in node.args)


@dataclass(frozen=True)
class Limit:
    """One measure of the tree: its value, the most that is allowed, and the names of what is above that."""

    title: str
    value: int
    most: int
    offenders: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether the value is within the limit."""
        return self.value <= self.most

    def __str__(self) -> str:
        lines = [f"{self.title:<44}{self.value:>6,}   at most {self.most:,}{'' if self.kept else '   TOO MANY'}"]
        return "\n".join([*lines, *([] if self.kept else [f"    {name}" for name in self.offenders])])


def limits() -> list[Limit]:
    """All measures of the tree, each with its limit."""
    measured = sorted(functions(), key=lambda one: -one.lines)
    lines = [one.lines for one in reversed(measured)]
    longest = tuple(f"{one.name} ({one.lines} lines)" for one in measured if one.lines > 60)
    many = tuple(f"{one.name} ({one.arguments})" for one in measured if one.arguments >= 8)
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in _all_files()}
    large = tuple(f"{path.relative_to(ROOT)} ({size})" for path, size in sizes.items() if size > 400)
    ignores = tuple(
        f"{short(path)}:{number}"
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "# type: ignore" in line
    )
    round_trips = tuple(" <-> ".join(group) for group in circles(graph()))
    pairs = tuple(f"{name} -> {other}" for name, other in leaf_imports(graph()))
    return [
        Limit("lines of a function, median", lines[len(lines) // 2], 6),
        Limit("lines of a function, 90th percentile", lines[len(lines) * 9 // 10], 20),
        Limit("lines of the longest function", lines[-1], 60, longest),
        Limit("functions with 8 arguments or more", len(many), 0, many),
        Limit("lines of the largest file", max(sizes.values()), 400, large),
        Limit("type: ignore", len(ignores), 10, ignores),
        Limit("circles of files that import each other", len(round_trips), 0, round_trips),
        Limit("imports from leaf to leaf", len(pairs), 0, pairs),
    ]


def _all_files() -> list[Path]:
    return [path for folder in ("src", "tests", "benchmarks") for path in sorted((ROOT / folder).rglob("*.py"))]
