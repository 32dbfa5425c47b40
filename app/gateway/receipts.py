"""`GET /v1/receipts/{id}`: who computed an answer, what they signed and what audits found.

`/proof` behind it gives the file that convinces whoever has the ledger's public key. An identifier
is random and told to nobody but who asked: whoever names it may read what it stands for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from app.core.errors import BadInputError, LedgerError
from app.core.identifiers import RequestId
from app.gateway.access.callers import Caller
from app.gateway.context import GatewayContext
from app.gateway.errors import ApiError, from_rack
from app.ledger.views.request_record import read_request_record
from app.models.library import Library
from app.rack.events.request_events import Ended, StageAudited, StateChanged
from app.rack.records.proof_file import UNKNOWN_REQUEST, make_proof

_IDENTIFIER: Final = re.compile(r"(?:chatcmpl-|cmpl-)?([0-9a-f]{12})")
_Read = TypeVar("_Read")


async def receipts(context: GatewayContext, caller: Caller, request: Request) -> ASGIApp:
    """Return what the ledger has of an answer, by its identifier or that of its request."""
    del caller
    name = _named(request)
    transactions = await _read(context, lambda: read_request_record(context.settings.ledger, name))
    if not transactions:
        raise _not_found(request)
    told = {"id": name, "object": "shardloom.receipts", **_standing(context, name)}
    return JSONResponse({**told, "transactions": transactions})


async def proof(context: GatewayContext, caller: Caller, request: Request) -> ASGIApp:
    """Return the proof file of an answer; 409 until phones have cosigned a head over it."""
    del caller
    name, home = _named(request), context.settings.home
    try:
        store = Library(home.folder).store
        return JSONResponse(await _read(context, lambda: make_proof(home, store, name)))
    except ApiError as error:
        if error.fact.code == UNKNOWN_REQUEST:
            raise _not_found(request) from None
        raise ApiError(HTTPStatus.CONFLICT, error.fact) from None


async def _read(context: GatewayContext, read: Callable[[], _Read]) -> _Read:
    try:
        async with context.reading:
            return await asyncio.to_thread(read)
    except LedgerError as error:
        raise from_rack(error) from None


def _standing(context: GatewayContext, name: RequestId) -> dict[str, Any]:
    """Return how a request stands by its own events, which are there before any snapshot is.

    Nothing is known of one that was asked for before the rack was opened.
    """
    told: dict[str, Any] = {"state": None, "verified": None, "audits": []}
    try:
        stream = context.control.follow(name)
    except BadInputError:
        return told
    for event in stream.read():
        match event.what:
            case Ended(ended):
                told |= {"state": ended.state, "verified": ended.verified}
            case StateChanged(state, _):
                told["state"] = state
            case StageAudited(serial, outcome, _):
                told["audits"].append({"serial": serial, "outcome": outcome})
            case _:
                pass
    stream.close()
    return told


def _named(request: Request) -> RequestId:
    found = _IDENTIFIER.fullmatch(str(request.path_params["identifier"]))
    if found is None:
        raise _not_found(request)
    return RequestId(found[1])


def _not_found(request: Request) -> ApiError:
    given = str(request.path_params["identifier"])
    return ApiError(HTTPStatus.NOT_FOUND, "gateway.receipt_not_found", identifier=given)
