"""The HTTP service: models in, an ASGI application out. See `app.py` for how a request goes through it."""
