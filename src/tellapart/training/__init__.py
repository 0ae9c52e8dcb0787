"""A recipe and a split collection in, trained weights and their history out."""
