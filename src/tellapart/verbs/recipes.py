"""List the recipes, or show one: its card and every field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tellapart.progress import Listener
from tellapart.text import columns
from tellapart.verbs import Record, argument


class Options(Record):
    """What may be asked of recipes."""

    name: str | None = argument(None, description="A recipe to show whole: a name, my.toml or my.py.")


@dataclass(frozen=True)
class Listed:
    """Recipes by name, each with its card; `fields` only where one was asked for."""

    cards: dict[str, str]
    fields: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {"recipes": self.cards} if self.fields is None else {"recipes": self.cards, "fields": self.fields}

    def __str__(self) -> str:
        if self.fields is None:
            rows = [[name, card.splitlines()[0].removeprefix(f"{name} - ")] for name, card in self.cards.items()]
            return columns(rows)
        return "\n\n".join([*self.cards.values(), columns(_rows(self.fields), ["field", "value", "meaning"])])


def run(options: Options, on_event: Listener) -> Listed:
    """List. Raises RecipeError for a name that is no recipe."""
    from tellapart.recipes import find

    if options.name is None:
        return Listed({name: find.card(name) for name in find.names()})
    found = find.find_recipe(options.name)
    text = find.card(options.name) if options.name in find.names() else f"{found.recipe.name} - from {options.name}"
    return Listed({found.recipe.name: text}, found.recipe.changes())


def _rows(fields: dict[str, Any]) -> list[list[str]]:
    from tellapart.recipes.recipe import Augmentation, Recipe

    rows = []
    for name, value in fields.items():
        if isinstance(value, dict):
            meanings = {f"{name}.{key}": info.description for key, info in Augmentation.model_fields.items()}
            rows += [[f"{name}.{key}", str(inner), meanings[f"{name}.{key}"] or ""] for key, inner in value.items()]
        else:
            rows.append(
                [name, "as the data" if value is None else str(value), Recipe.model_fields[name].description or ""]
            )
    return rows
