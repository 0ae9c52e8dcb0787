"""The sections of the report: one file per section, found by listing this folder.

A section is a module with `POSITION`, a number that orders the page, `TITLE`, and

    def render(facts: Facts) -> str

It returns HTML made with `html(...)` and `picture(...)`, or an empty string to leave the section out.
"""
