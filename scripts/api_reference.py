"""What docs/api.md needs beyond mkdocstrings: a Griffe extension, named in mkdocs.yml.

`tellapart.recipes` is a function, which the stub declares, and a package with modules. Griffe keeps one object per
name, so the function would hide the modules. The extension keeps the package, and the function as
`tellapart.recipes()`.
"""

import re

import griffe

FIELDS = re.compile(r"\n\n((?:\w+: .*\n?(?: {4}.*\n?)*)+)\Z")
"""The last paragraph of a verb's docstring: `name: what it is`, with indented continuation lines."""


class ApiReference(griffe.Extension):
    """Keep packages that a function hides, and render the options of the verbs as parameters."""

    def __init__(self) -> None:
        self.modules: list[griffe.Module] = []

    def on_module_instance(self, *, mod: griffe.Module, **_: object) -> None:
        """Remember each module."""
        self.modules.append(mod)

    def on_package(self, *, pkg: griffe.Module, **_: object) -> None:
        """Restore hidden packages when everything is loaded."""
        packages = {mod.path: mod for mod in self.modules if mod.is_init_module}
        for name, member in list(pkg.members.items()):
            if member.is_alias or not member.is_function:
                continue
            if member.docstring and "Args:" not in member.docstring.value:
                member.docstring.value = FIELDS.sub(_arguments, member.docstring.value)
            if hidden := packages.get(f"{pkg.path}.{name}"):
                pkg.members[f"{name}()"] = member
                pkg.members[name] = hidden


def _arguments(paragraph: re.Match[str]) -> str:
    """The paragraph as a section that Griffe's Google style reads."""
    return "\n\nArgs:\n" + re.sub(r"^", "    ", paragraph[1], flags=re.MULTILINE)
