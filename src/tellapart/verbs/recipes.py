"""List the recipes, or show one of them with all its fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tellapart.progress import Listener
from tellapart.text import columns
from tellapart.verbs import Record, argument


class Options(Record):
    """The options of recipes."""

    name: str | None = argument(None, description="A recipe to show with all its fields: a name, my.toml or my.py.")


@dataclass(frozen=True)
class RecipeList:
    """Recipes by name, each with its description.

    For a single recipe also `fields`, its values, and `followed`, the possible values of those that depend on the data.
    """

    cards: dict[str, str]
    fields: dict[str, Any] | None = None
    followed: dict[str, list[Any]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The descriptions and, for a single recipe, its fields, for machines."""
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
            return f"{values[0]}{between}{values[-1]}, depending on the data" if len(values) > 1 else str(values[0])
        return "none" if value is None else str(value)


def run(options: Options, on_event: Listener) -> RecipeList:
    """Returns a list that prints as a table. Raises RecipeError for an unknown recipe."""
    from tellapart.recipes import find

    if options.name is None:
        return RecipeList({name: find.card(name) for name in find.names()})
    chosen = find.find_recipe(options.name)
    recipe = chosen.recipe
    text = find.card(options.name) if options.name in find.names() else f"{recipe.name} - from {options.name}"
    return RecipeList({recipe.name: text}, recipe.changes(), chosen.followed())
