"""All addresses and what stands before each: the key, the host's name, and every error's shape."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from math import ceil
from typing import Any, Final

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.errors import ShardloomError
from app.gateway.access.callers import Caller
from app.gateway.context import GatewayContext, is_loopback
from app.gateway.economy import economy, kept_receipts, statements
from app.gateway.errors import ApiError, ClientGoneError, error_body, from_rack
from app.gateway.openai import endpoints, models
from app.gateway.receipts import proof, receipts

Endpoint = Callable[[GatewayContext, Caller, Request], Awaitable[ASGIApp]]
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_CLIENT_CLOSED: Final = 499
"""nginx's status for a client that did not wait; nobody reads it but the metrics."""
_HOST: Final = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]]*)(?::[0-9]*)?")
"""A host's name and its port (RFC 9110, section 7.2), in small letters."""
_log = logging.getLogger("shardloom.gateway")


def build_application(context: GatewayContext) -> Starlette:
    """Return the application; it keeps nothing but what the context holds."""

    def guarded(path: str, method: str, endpoint: Endpoint) -> Route:
        return Route(path, _Guarded(context, endpoint, path), methods=[method])

    return Starlette(
        routes=[
            guarded("/v1/models", "GET", models.list_models),
            guarded("/v1/models/{name:path}", "GET", models.show_model),
            guarded("/v1/chat/completions", "POST", endpoints.chat),
            guarded("/v1/completions", "POST", endpoints.completions),
            guarded("/v1/embeddings", "POST", endpoints.embeddings),
            guarded("/v1/receipts/{identifier}", "GET", receipts),
            guarded("/v1/receipts/{identifier}/proof", "GET", proof),
            guarded("/v1/economy", "GET", economy),
            guarded("/v1/economy/statements", "POST", statements),
            guarded("/v1/economy/receipts", "GET", kept_receipts),
            guarded("/metrics", "GET", _metrics),
            Route("/healthz", _healthy),
            Route("/readyz", _Readiness(context)),
        ],
        middleware=_middleware(context.settings.host),
        exception_handlers={HTTPException: _http_error},
    )


class _Guarded:
    """An endpoint that only callers with a key reach; it answers with a status whatever happens."""

    def __init__(self, context: GatewayContext, endpoint: Endpoint, route: str) -> None:
        self._context = context
        self._endpoint = endpoint
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counting(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._context.metrics.answered(self._route, message["status"])
                self._context.activity.answered(message["status"])
            await send(message)

        response = await self._response(Request(scope, receive))
        await response(scope, receive, counting)

    async def _response(self, request: Request) -> ASGIApp:
        key = ""
        try:
            caller = self._context.callers.admit(request)
            key = caller.name
            return await self._endpoint(self._context, caller, request)
        except ApiError as error:
            return self._refuse(error, key)
        except ShardloomError as error:
            return self._refuse(from_rack(error), key)
        except (ClientGoneError, ClientDisconnect):
            return Response(status_code=_CLIENT_CLOSED)
        except Exception:  # noqa: BLE001 - logged; an HTTP request has an answer
            _log.exception("%s failed", self._route)
            failed = ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "gateway.internal")
            return self._refuse(failed, key)

    def _refuse(self, error: ApiError, key: str) -> ASGIApp:
        self._context.activity.refused(self._route, error, key)
        return error_response(error)


class _Readiness:
    """`GET /readyz`: 200 where a request would be taken now."""

    def __init__(self, context: GatewayContext) -> None:
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rack = self._context.control.snapshot()
        ready = models.is_ready(rack)
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        response = JSONResponse({"ready": ready, "phase": rack.phase}, status)
        await response(scope, receive, send)


async def _healthy(_request: Request) -> Response:
    """`GET /healthz`: the address answers."""
    return JSONResponse({"status": "ok"})


async def _metrics(context: GatewayContext, _caller: Caller, _request: Request) -> ASGIApp:
    """`GET /metrics`."""
    return Response(context.metrics.text(), media_type=_METRICS_TYPE)


def error_response(error: ApiError) -> JSONResponse:
    """Return an error as OpenAI's clients read it."""
    headers = {}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(ceil(error.retry_after_s))
    if error.status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(error_body(error), error.status, headers)


async def _http_error(_request: Request, error: Exception) -> Response:
    """Return what starlette refuses by itself: unknown paths and methods."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    wrong_method = status == HTTPStatus.METHOD_NOT_ALLOWED
    what = "gateway.wrong_method" if wrong_method else "gateway.not_found"
    return error_response(ApiError(HTTPStatus(status), what))


class _OwnNames:
    """Answers only requests that name this computer as loopback does; others are told so."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = _HOST.fullmatch(Headers(scope=scope).get("host", "").lower())
        if found is not None and found["name"] in self._names:
            await self._app(scope, receive, send)
        else:
            refusal = error_response(ApiError(HTTPStatus.BAD_REQUEST, "gateway.wrong_host"))
            await refusal(scope, receive, send)


def _middleware(host: str) -> list[Middleware]:
    """Return what stands before all routes.

    On loopback only its own names are answered to: a page whose name was made to lead here (DNS
    rebinding) would else count as a client of this computer. Elsewhere keys guard the address.
    """
    if not is_loopback(host):
        return []
    names = frozenset({host.lower(), "127.0.0.1", "localhost", "[::1]"})
    return [Middleware(_OwnNames, names=names)]
