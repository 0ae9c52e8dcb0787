"""Read the pictures of a request: forms, JSON with base64, or the bytes of a file; never more than is allowed."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import zlib
from collections.abc import AsyncGenerator
from typing import Any

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from tellapart.serve.engine import Sent
from tellapart.serve.limits import Limits
from tellapart.serve.refusal import Refusal

FORM, JSON = "multipart/form-data", "application/json"

FIELDS = 16
"""Fields of a form that are not files; they are ignored."""

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""The argument of zlib for an encoding; 47 accepts both kinds of deflate that clients send."""


async def body_of(request: Request, limits: Limits) -> bytes:
    """The body of a request, decompressed. Raises Refusal: 408 if it comes too slowly, 413 if it is too large."""
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limits.body:
        raise _too_large(limits)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for part in request.stream():
                size += len(part)
                if size > limits.body:
                    raise _too_large(limits)
                parts.append(part)
    except TimeoutError:
        late = f"the body did not arrive within {limits.body_seconds:g} seconds"
        raise Refusal(408, late, "slow body", close=True) from None
    except ClientDisconnect:
        raise Refusal(499, "the client closed the connection", "gone", close=True) from None
    return _decompressed(b"".join(parts), request.headers.get("content-encoding", ""), limits)


def _decompressed(body: bytes, encoding: str, limits: Limits) -> bytes:
    """The body without its Content-Encoding, up to the size that is allowed."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in _WINDOWS:
        raise Refusal(415, f"the encoding {encoding!r} is not known; gzip and deflate are", "encoding")
    raw = encoding == "deflate" and body[:1] and (body[0] & 0x0F) != 8  # without the header of zlib
    reader = zlib.decompressobj(-15 if raw else _WINDOWS[encoding])
    try:
        whole = reader.decompress(body, limits.body + 1)
    except zlib.error:
        raise Refusal(400, f"the body is not valid {encoding}", "encoding") from None
    if len(whole) > limits.body:
        raise _too_large(limits)
    if not reader.eof:
        raise Refusal(400, f"the {encoding} body ends early", "encoding")
    return whole


async def pictures_of(request: Request, limits: Limits) -> tuple[list[Sent], bool]:
    """The pictures of a request, and whether it was made for several. Raises Refusal.

    A form may have several files; JSON is {"image": base64} or {"images": [base64, ...]}; any other body is one file.
    """
    body = await body_of(request, limits)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        sent = await _files_of(request, body, limits)
        several = len(sent) > 1
    elif kind == JSON:
        sent, several = _images_of(body)
    else:
        sent, several = [Sent("picture", body)], False
    if not sent or not body:
        raise Refusal(400, "the request has no picture: send a file as the body, in a form, or in JSON", "no picture")
    if len(sent) > limits.pictures:
        raise Refusal(413, f"{len(sent)} pictures; {limits.pictures} are allowed in a request", "too many pictures")
    return sent, several


async def _files_of(request: Request, body: bytes, limits: Limits) -> list[Sent]:
    """The files of a form."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(
        request.headers, stream(), max_files=limits.pictures, max_fields=FIELDS, max_part_size=limits.body
    )
    parser.spool_max_size = limits.body + 1  # nothing goes to the disk
    try:
        form = await parser.parse()
        files = [value for _, value in form.multi_items() if not isinstance(value, str)]
        return [Sent(file.filename or "picture", await file.read()) for file in files]
    except MultiPartException as error:
        raise Refusal(400, f"the form cannot be read: {error.message}", "form") from None


def _images_of(body: bytes) -> tuple[list[Sent], bool]:
    """The pictures in a JSON body, and whether they are in a list."""
    content = json_of(body)
    if not isinstance(content, dict) or not ({"image", "images"} & set(content)):
        raise Refusal(400, 'the JSON is not {"image": base64} or {"images": [base64, ...]}', "json")
    if "image" in content:
        return [Sent("picture", from_base64(content["image"], "image"))], False
    if not isinstance(content["images"], list):
        raise Refusal(400, "images is not a list", "json")
    named = ((f"images[{i}]", text) for i, text in enumerate(content["images"]))
    return [Sent(name, from_base64(text, name)) for name, text in named], True


def json_of(body: bytes) -> Any:
    """The content of a JSON body. Raises Refusal (400)."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not valid JSON", "json") from None


def from_base64(text: Any, name: str) -> bytes:
    """The bytes of a base64 text, which may be a data URL. Raises Refusal (400) that says which one is wrong."""
    if not isinstance(text, str):
        raise Refusal(400, f"{name} is not a text in base64", "json")
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(400, f"{name} is not valid base64", "json") from None


def _too_large(limits: Limits) -> Refusal:
    return Refusal(413, f"the body is larger than the {limits.body:,} bytes that are allowed", "large body", close=True)
