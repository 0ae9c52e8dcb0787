"""List the recipes, or show one: its card and every field."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tellapart.progress import Listener
from tellapart.text import columns
from tellapart.verbs import Record, argument


class Options(Record):
    """What may be asked of recipes."""

    name: str | None = argument(None, description="A recipe to show whole: a name, my.toml or my.py.")


@dataclass(frozen=True)
class RecipeList:
    """Recipes by name, each with its card; `fields` only where one was asked for, with what `followed` the data."""

    cards: dict[str, str]
    fields: dict[str, Any] | None = None
    followed: dict[str, list[Any]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """For machines: the fields as the recipe has them, and the values of those that follow the data."""
        if self.fields is None:
            return {"recipes": self.cards}
        return {"recipes": self.cards, "fields": self.fields, "follow_the_data": self.followed}

    def __str__(self) -> str:
        if self.fields is None:
            rows = [[name, card.splitlines()[0].removeprefix(f"{name} - ")] for name, card in self.cards.items()]
            return columns(rows)
        return "\n\n".join([*self.cards.values(), columns(self._rows(self.fields), ["field", "value", "meaning"])])

    def _rows(self, fields: dict[str, Any]) -> list[list[str]]:
        from tellapart.recipes.augmentation import Augmentation
        from tellapart.recipes.recipe import Recipe

        rows = []
        for name, value in fields.items():
            if isinstance(value, dict):
                for key, inner in value.items():
                    words = Augmentation.model_fields[key].description or ""
                    rows.append([f"{name}.{key}", self._shown(f"{name}.{key}", inner), words])
            else:
                rows.append([name, self._shown(name, value), Recipe.model_fields[name].description or ""])
        return rows

    def _shown(self, name: str, value: Any) -> str:
        if values := self.followed.get(name):
            between = " or " if len(values) == 2 else " to "
            return f"{values[0]}{between}{values[-1]}, by the data" if len(values) > 1 else str(values[0])
        return "none" if value is None else str(value)


def run(options: Options, on_event: Listener) -> RecipeList:
    """List. Raises RecipeError for a name that is no recipe."""
    from tellapart.recipes import find

    if options.name is None:
        return RecipeList({name: find.card(name) for name in find.names()})
    found = find.find_recipe(options.name)
    text = find.card(options.name) if options.name in find.names() else f"{found.recipe.name} - from {options.name}"
    return RecipeList({found.recipe.name: text}, found.recipe.changes(), found.followed())
