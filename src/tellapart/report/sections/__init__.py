"""The sections of the report: one file a section, found by listing this folder.

A section is a module with `POSITION`, a number that orders the page, `TITLE`, and

    def render(facts: Facts) -> str      made with `html(...)` and `picture(...)`; empty where there is nothing to say
"""
