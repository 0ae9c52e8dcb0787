"""What the owner keeps: one file that holds network, preparation and class names, and predicts."""
