"""The HTTP service: models in, an ASGI application out. See `app.py` for how a request goes through it."""

COUNTERS = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names prometheus_client the folder of several processes; it reads it when it is imported."""
