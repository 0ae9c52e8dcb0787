"""Predict the pictures of a request: a form with files, JSON with base64, or the bytes of one file."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from tellapart.errors import PictureError
from tellapart.serve.bodies import pictures_of
from tellapart.serve.engine import Answer
from tellapart.serve.hosted import Hosted
from tellapart.serve.refusal import Refusal
from tellapart.serve.service import arrival, service_of

PATH, METHODS = "/predict", ("POST",)

PARAMETERS = frozenset(("model", "top"))


async def answer(request: Request) -> JSONResponse:
    """The predictions in the order of the pictures, as `tellapart predict --json` prints them.

    A single picture that cannot be read is refused (422); among several it has `error` instead of a prediction.
    """
    service = service_of(request)
    model, top = service.models.find(request.query_params.get("model")), _top(request)
    pictures, several = await pictures_of(request, service.limits)
    answers = await service.predict(request, model, pictures, arrival(request))
    if not several and isinstance(answers[0], PictureError):
        raise Refusal(422, f"{answers[0].source}: {answers[0].reason}", "unreadable")
    return JSONResponse(content_of(model, answers, top, request.scope["tellapart.id"]))


def content_of(model: Hosted, answers: list[Answer], top: int | None, request_id: str) -> dict[str, Any]:
    """The JSON of an answer."""
    return {
        "model": model.name,
        "version": model.version,
        "request_id": request_id,
        "predictions": [
            {"source": one.source, "error": one.reason} if isinstance(one, PictureError) else one.to_dict(top)
            for one in answers
        ],
    }


def _top(request: Request) -> int | None:
    """How many classes to name; None for all."""
    if unknown := set(request.query_params) - PARAMETERS:
        raise Refusal(400, f"the parameter {min(unknown)!r} is not known; model and top are", "parameter")
    text = request.query_params.get("top")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text) > 0):
        raise Refusal(400, "top is not a whole number above 0", "parameter")
    return int(text)
