"""Say that the process lives."""

from starlette.requests import Request
from starlette.responses import JSONResponse

PATH, METHODS, OPEN = "/livez", ("GET",), True


async def answer(request: Request) -> JSONResponse:
    """Always 200."""
    return JSONResponse({"live": True})
