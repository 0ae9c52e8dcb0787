"""Keras networks: the backend, layers, blocks, and the allow-list for networks from untrusted files."""
