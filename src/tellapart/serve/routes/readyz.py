"""Say whether new requests should come: models are warm, and the service is not ending."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from tellapart.serve.service import service_of

PATH, METHODS, OPEN = "/readyz", ("GET",), True


async def answer(request: Request) -> JSONResponse:
    """200 or 503."""
    ready = service_of(request).ready
    return JSONResponse({"ready": ready}, 200 if ready else 503)
