"""Return the counters in the text format of Prometheus."""

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from tellapart.serve.service import service_of

PATH, METHODS = "/metrics", ("GET",)


async def answer(request: Request) -> Response:
    """The counters of all processes of the service."""
    return Response(service_of(request).metrics.text(), media_type=CONTENT_TYPE_LATEST)
