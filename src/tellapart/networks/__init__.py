"""Keras networks: the backend, layers, blocks, and what a saved network may contain."""
