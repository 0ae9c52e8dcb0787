"""The trained classifier: one file with the network, its preprocessing and the class names; it predicts."""
