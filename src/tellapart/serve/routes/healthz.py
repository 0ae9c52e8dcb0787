"""Say whether the service is well: live, ready, how much waits, and which versions of which models answer."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from tellapart.serve.service import service_of

PATH, METHODS, OPEN = "/healthz", ("GET",), True


async def answer(request: Request) -> JSONResponse:
    """200 or 503."""
    service = service_of(request)
    content = {
        "live": True,
        "ready": service.ready,
        "queue": service.engine.waiting_pictures,
        "models": {name: model.version for name, model in service.models.items()},
    }
    return JSONResponse(content, 200 if service.ready else 503)
