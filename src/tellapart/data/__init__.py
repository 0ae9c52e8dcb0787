"""Labelled pictures: the collection, where it comes from, its splits and duplicates, and how it is fed to networks."""
