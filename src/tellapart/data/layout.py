"""The layout of a source as far as the caller gives it; everything else is inferred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypedDict

from tellapart.errors import UsageError
from tellapart.text import quoted

TAB, ESCAPED = "\t", r"\t"

NAMED = {"tab": TAB, ESCAPED: TAB, "comma": ",", "semicolon": ";", "bar": "|", "space": " "}
"""Names of the characters between columns that can be typed instead of them."""


class Said(TypedDict, total=False):
    """The options that describe a layout, see Layout."""

    label: str | None
    image_column: str | None
    images: str | None
    split_column: str | None
    delimiter: str | None


@dataclass(frozen=True)
class Layout:
    """What the caller gives about a source; None for what is to be inferred.

    Attributes:
        class_names: The class names in label order.
        label: Where labels come from: `parent` or `grandparent` (folders), a column of the table, or a regular
            expression for the path relative to the source, whose first group is the label.
        image_column: The column of the table that names the picture files.
        images: The folder that the names in that column are relative to.
        split_column: The column of the table with the splits.
        delimiter: The character between the columns of a text table.
    """

    class_names: Sequence[str] | None = None
    label: str | None = None
    image_column: str | None = None
    images: str | None = None
    split_column: str | None = None
    delimiter: str | None = None

    @property
    def said(self) -> dict[str, str]:
        """What was given besides the class names, by the names of the attributes."""
        names = (item.name for item in fields(self) if item.name != "class_names")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def as_options(self) -> str:
        """Return the description as it is typed: `--label breed and --images jpg`."""
        return " and ".join(
            f"--{name.replace('_', '-')} {quoted(value.replace(TAB, ESCAPED))}" for name, value in self.said.items()
        )


def separator(text: str | None) -> str | None:
    r"""Return the character that `tab`, `\t` or a character itself stands for. Raises UsageError for other texts."""
    if text is None:
        return None
    found = NAMED.get(text.strip().lower() or text, text)
    if len(found) != 1 or found in '\r\n"':
        raise UsageError(
            f"--delimiter {quoted(text)}: is not the character between two columns",
            f"one character, or {', '.join(NAMED)}",
            "leave the option out to see what is inferred",
        )
    return found


INFERRED = Layout()
"""Nothing was given: everything is inferred."""
