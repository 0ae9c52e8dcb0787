"""Read untrusted model files: checks before anything is loaded, and readers in restricted processes."""
