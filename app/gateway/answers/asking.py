"""Starting requests on the rack from an event loop, and never leaving one behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from app.core.errors import ShardloomError
from app.core.identifiers import RequestId
from app.gateway.errors import ApiError, from_rack
from app.rack.commands import Ask, Cancel
from app.rack.control import RackAccess

ANSWER_TIMEOUT_S: Final = 60.0
"""For taking requests in; longer than the longest prompt takes to be read."""


async def ask_all(control: RackAccess, asks: Sequence[Ask]) -> tuple[RequestId, ...]:
    """Start requests and return their names, or start none of them.

    Raises `ApiError` with the rack's reason, or where it does not answer, as one that was closed.
    Who is cancelled meanwhile leaves no request behind.
    """
    asked: list[Future[RequestId]] = []
    try:
        asked.extend(control.do(ask) for ask in asks)
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            return tuple([await asyncio.shield(asyncio.wrap_future(each)) for each in asked])
    except ShardloomError as error:
        _take_back(control, asked)
        raise from_rack(error) from None
    except (TimeoutError, RuntimeError):
        _take_back(control, asked)
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "gateway.rack_closed") from None
    except asyncio.CancelledError:
        _take_back(control, asked)
        raise


def cancel(control: RackAccess, request: RequestId) -> None:
    """Stop a request; a rack that is closed has done so."""
    with suppress(RuntimeError):
        control.do(Cancel(request))


def _take_back(control: RackAccess, asked: Sequence[Future[RequestId]]) -> None:
    """Cancel each request that was started, or will be."""

    def cancel_started(started: Future[RequestId]) -> None:
        if not started.cancelled() and started.exception() is None:
            cancel(control, started.result())

    for each in asked:
        each.add_done_callback(cancel_started)
