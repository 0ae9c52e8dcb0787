"""Drawings with matplotlib: one module per subject, with their common base class in plot.py."""
