"""Single pictures, without labels: decode them, and bring them to the size and colour that a network needs."""
