"""`GET /v1/receipts/{id}`: who computed an answer, what they signed and what audits found."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from app.core.errors import LedgerError
from app.core.identifiers import RequestId
from app.gateway.access.callers import Caller
from app.gateway.context import GatewayContext
from app.gateway.errors import ApiError, from_rack
from app.ledger.views.request_record import read_request_record

_IDENTIFIER: Final = re.compile(r"(?:chatcmpl-|cmpl-)?([0-9a-f]{12})")


async def receipts(context: GatewayContext, caller: Caller, request: Request) -> ASGIApp:
    """Return what the ledger has of an answer, by its identifier or that of its request."""
    del caller
    given = str(request.path_params["identifier"])
    found = _IDENTIFIER.fullmatch(given)
    name = RequestId(found[1]) if found else None
    try:
        transactions = (
            await asyncio.to_thread(read_request_record, context.settings.ledger, name)
            if name
            else []
        )
    except LedgerError as error:
        raise from_rack(error) from None
    if not transactions:
        raise ApiError(HTTPStatus.NOT_FOUND, "gateway.receipt_not_found", identifier=given)
    running = next((e for e in context.control.snapshot().requests if e.identifier == name), None)
    return JSONResponse(
        {
            "id": name,
            "object": "shardloom.receipts",
            "state": running.state if running else None,
            "verified": running.verified if running else None,
            "transactions": transactions,
        }
    )
