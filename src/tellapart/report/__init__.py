"""The report of a run, its model card, and the check page of a collection."""
