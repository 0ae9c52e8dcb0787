"""The pages are correct: Python blocks run, commands and flags exist, links lead somewhere."""

import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import tellapart  # noqa: F401  # the blocks import it
from tellapart import leaves
from tellapart.recipes.find import find_recipe

ROOT = Path(__file__).parent.parent
COMMON = {"json", "quiet", "verbose", "debug"}
"""Options of every verb."""
PAGES = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md")), *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(<!-- not run[^\n]*-->\n)?```(\w+)\n(.*?)```", re.DOTALL)


def blocks(page, language, skipped=False):
    matches = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [body for skip, kind, body in matches if kind == language and (skipped or not skip)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for body in blocks(page, "python"):
        exec(compile(body, str(page), "exec"), {"__name__": "block"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist_with_their_flags(page):
    for body in blocks(page, "bash", skipped=True):
        for line in body.splitlines():
            words = shlex.split(line, comments=True)
            if not words or words[0] != "tellapart":
                continue
            options = leaves.load("tellapart.verbs", words[1], "a verb").Options.model_fields
            flags = {word[2:].replace("-", "_") for word in words[2:] if word.startswith("--")}
            assert flags <= {*options, *COMMON}, line
            if "--recipe" in words:
                assert find_recipe(words[words.index("--recipe") + 1])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_flags_in_sentences_exist(page):
    flags = {*COMMON, "help", "version", "install_completion", "show_completion"}
    verbs = leaves.names("tellapart.verbs")
    for name in verbs:
        flags |= set(leaves.load("tellapart.verbs", name, "a verb").Options.model_fields)
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for code in re.findall(r"`([^`]+)`", prose):
        if code.startswith("--") or code.split()[0] in ("tellapart", *verbs):
            named = {flag.replace("-", "_") for flag in re.findall(r"(?<!\S)--([a-z][a-z-]*)", code)}
            assert named <= flags, code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target


def test_the_toml_and_python_recipes_of_the_page_work(tmp_path):
    page = ROOT / "docs" / "recipes.md"
    (tmp_path / "my.toml").write_text(blocks(page, "toml")[0])
    recipe = find_recipe(tmp_path / "my.toml").recipe
    assert (recipe.epochs, recipe.augmentation.zoom, recipe.augmentation.shear) == (40, 0.3, 0.2)
    (tmp_path / "my.py").write_text(blocks(page, "python")[0])
    assert find_recipe(tmp_path / "my.py").recipe.optimizer == "rmsprop"


def test_scripts_named_in_the_readme_are_programs():
    for name in re.findall(r"^(scripts/\w+)", "\n".join(blocks(ROOT / "README.md", "bash")), re.MULTILINE):
        assert (ROOT / name).stat().st_mode & 0o111, name


def test_the_benchmarks_page_is_what_was_measured():
    command = [sys.executable, str(ROOT / "benchmarks" / "results.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_page_has_the_newest_of_each_seed_on_one_machine(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    results = importlib.import_module("_results")

    def line(seed, cores, value):
        return {"machine": {"processor": "P", "cores": cores}, "name": "a", "seed": seed, "value": value}

    measurements = [line(0, 8, 1), line(0, 2, 2), line(1, 2, 3), line(0, 2, 4)]
    assert [kept["value"] for kept in results.current(measurements)] == [3, 4]
