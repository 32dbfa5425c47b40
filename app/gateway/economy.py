"""`GET /v1/economy`: proposals, quotes, transactions, treasury; `POST .../statements` adds to it.

`GET /v1/economy/receipts` compares the journal with the receipts that phones keep.

What is posted is what a keeper signed, with the signature: whoever may use this address brings it,
and the ledger's rules say whether it counts.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from http import HTTPStatus

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from app.core.errors import LedgerError, ShardloomError
from app.gateway.access.callers import Caller
from app.gateway.context import GatewayContext
from app.gateway.errors import ApiError, from_rack
from app.gateway.openai.bodies import read_body
from app.ledger.rules.governance.statement import MOST_BYTES
from app.rack.commands import CompareReceipts, SubmitStatement


class Statement(BaseModel):
    """A signed statement, as `shardloom ledger ... --out` writes it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    data: str = Field(max_length=MOST_BYTES)
    signature: str = Field(pattern="^[0-9a-f]{128}$")
    key: str = Field(pattern="^[0-9a-f]{64}$")


async def economy(context: GatewayContext, caller: Caller, request: Request) -> ASGIApp:
    """Return how the economy stands; amounts in micro-credits."""
    del caller, request
    ledger = context.control.snapshot().ledger
    if ledger is None:
        raise from_rack(LedgerError("ledger.not_open"))
    told = {"object": "shardloom.economy", "treasury": ledger.treasury, **asdict(ledger.economy)}
    return JSONResponse(told)


async def statements(context: GatewayContext, caller: Caller, request: Request) -> ASGIApp:
    """Journal a signed statement; return the proposal or phone that it is about."""
    caller.begin()
    body = await read_body(request, Statement)
    command = SubmitStatement(body.data, body.signature, body.key)
    try:
        about = await asyncio.wrap_future(context.control.do(command))
    except LedgerError as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, error.fact) from None
    except ShardloomError as error:
        raise from_rack(error) from None
    return JSONResponse({"object": "shardloom.statement", "about": about}, status_code=201)


async def kept_receipts(context: GatewayContext, caller: Caller, request: Request) -> ASGIApp:
    """Ask every phone which receipts it keeps; return what differs from the journal."""
    del request
    caller.begin()
    try:
        found = await asyncio.wrap_future(context.control.do(CompareReceipts()))
    except ShardloomError as error:
        raise from_rack(error) from None
    told = {"object": "shardloom.receipts", "even": found.even, **asdict(found)}
    return JSONResponse(told)
