"""Checks for problems in a collection: one file per check, found by listing this folder.

A check is a module. The first line of its docstring says what it finds; the check page shows that line. It has
`POSITION`, a number that orders the page, `TITLE`, and

    def find(checked: Checked) -> list[Finding]

`find` changes nothing. It returns None instead of a list if the collection lacks what the check needs.
"""
