"""Reading what a client sends: bounded in size, depth and time, then checked field by field."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from http import HTTPStatus
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.requests import Request

from app.gateway.access.large_bodies import LargeBody
from app.gateway.errors import ApiError, BadRequestError

MOST_BODY_BYTES: Final = 4 << 20
"""Of any body; longer than the longest context by far."""
MOST_PICTURED_BYTES: Final = 32 << 20
"""Of one that pictures may come in."""
READ_TIMEOUT_S: Final = 30.0
DEEPEST: Final = 32
"""Levels of JSON: our own fields need five."""

Body = TypeVar("Body", bound=BaseModel)


async def read_body(request: Request, kind: type[Body], large: LargeBody | None = None) -> Body:
    """Return the body of a request, checked. Raises `ApiError` with the field that is wrong.

    With `large` it may be of `MOST_PICTURED_BYTES`.

    Only JSON that says so is read: a page of the web can send other kinds to an address of this
    computer without asking first, and JSON it cannot (Fetch standard, CORS-safelisted headers).
    """
    kind_sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind_sent != "application/json":
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "gateway.not_json_type")
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            content = await _read(request.stream(), large)
    except TimeoutError:
        raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "gateway.body_too_slow") from None
    return checked(parsed(content), kind)


async def _read(stream: AsyncIterable[bytes], large: LargeBody | None) -> bytes:
    most = MOST_BODY_BYTES if large is None else MOST_PICTURED_BYTES
    parts: list[bytes] = []
    size = 0
    async for part in stream:
        size += len(part)
        if size > most:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            raise ApiError(status, "gateway.body_too_large", most=most)
        if large is not None and size > MOST_BODY_BYTES:
            large.take()
        parts.append(part)
    return b"".join(parts)


def parsed(content: bytes) -> dict[str, Any]:
    """Return a JSON object. Raises `ApiError` for anything else, and for one nested too deeply."""
    try:
        value = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        reason = str(error)
        raise BadRequestError("gateway.not_json", reason=reason) from None
    if not isinstance(value, dict):
        raise BadRequestError("gateway.not_an_object")
    if _deeper_than(value, DEEPEST):
        raise BadRequestError("gateway.too_deep", deepest=DEEPEST)
    return value


def checked(value: dict[str, Any], kind: type[Body]) -> Body:
    """Return the fields as their types. Raises `ApiError` that names the first wrong one."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise _wrong(error, value) from None


def _wrong(error: ValidationError, value: dict[str, Any]) -> ApiError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    deepest = max(found, key=lambda each: len(each["loc"]))  # of a union what came furthest
    where = _place(deepest["loc"], value)
    if deepest["type"] == "extra_forbidden":
        return BadRequestError("gateway.unknown_parameter", parameter=where, name=where)
    if deepest["type"] == "missing":
        return BadRequestError("gateway.missing_parameter", parameter=where, name=where)
    reason = deepest["msg"]
    return BadRequestError("gateway.invalid_value", parameter=where, name=where, reason=reason)


def _place(location: tuple[int | str, ...], value: object) -> str:
    """Return where in a body something is wrong, without pydantic's names of a union's members."""
    parts: list[str] = []
    for part in location:
        if isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        elif isinstance(value, dict) and (part in value or part == location[-1]):
            value = value.get(part)
        else:
            continue
        parts.append(str(part))
    return ".".join(parts)


def _deeper_than(value: object, levels: int) -> bool:
    """Tell whether lists and objects are nested deeper; never goes deeper itself."""
    if not isinstance(value, dict | list):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_deeper_than(each, levels - 1) for each in inside)
