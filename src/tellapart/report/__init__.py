"""What a run looks like: its plots, and the page about it."""
