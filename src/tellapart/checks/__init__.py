"""What may be wrong with a collection: one file a check, found by listing this folder.

A check is a module whose docstring's first line says what it looks for, with `POSITION`, a number that orders the page,
`TITLE`, and

    def find(checked: Checked) -> list[Finding]      nothing is changed; None where what it needs is not there
"""
