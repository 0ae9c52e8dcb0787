"""The terminal: verbs become commands, records become flags, results become text, progress becomes a bar."""
