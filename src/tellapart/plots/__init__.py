"""What is drawn. Each module knows the drawings of one subject; plot.py what all of them are."""
