"""Which models there are, and having the one on the rack that is asked for."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from app.core.errors import ShardloomError
from app.gateway.access.callers import Caller
from app.gateway.context import GatewayContext
from app.gateway.errors import ApiError, from_rack
from app.rack.commands import UseModel
from app.rack.snapshot import ModelChoice, Phase, RackSnapshot

_NOT_READY = frozenset({Phase.STARTING, Phase.FAILED, Phase.STOPPED})
RETRY_WHEN_READY_S = 5.0


class _ModelConflictError(ApiError):
    """Another model than the one that is asked for is on the rack, and stays there."""

    def __init__(self, what: str, /, *, running: str, model: str) -> None:
        status = HTTPStatus.CONFLICT
        super().__init__(status, what, parameter="model", running=running, model=model)


def is_ready(rack: RackSnapshot) -> bool:
    """Tell whether the rack takes requests."""
    return rack.model is not None and rack.phase not in _NOT_READY


async def require_model(context: GatewayContext, name: str) -> str:
    """Return the name of the model on the rack, which is the one asked for.

    Raises `ApiError` where there is no such model, or it cannot be loaded now.
    """
    rack = context.control.snapshot()
    if not is_ready(rack) or rack.model is None:
        raise ApiError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "gateway.rack_not_ready",
            retry_after_s=RETRY_WHEN_READY_S,
            phase=rack.phase,
        )
    if rack.model.name != name:
        _require_known(context, name)
        await _load(context, rack.model.name, name)
    return name


def _require_known(context: GatewayContext, name: str) -> None:
    known = [model.name for model in context.control.models()]
    if name not in known:
        raise ApiError(
            HTTPStatus.NOT_FOUND,
            "gateway.model_not_found",
            parameter="model",
            model=name,
            models=", ".join(known),
        )


async def _load(context: GatewayContext, running: str, name: str) -> None:
    if not context.settings.load_models:
        raise _ModelConflictError("gateway.model_not_loaded", running=running, model=name)
    rack = context.control.snapshot()
    busy = any(not each.state.ended for each in rack.requests)
    if busy or context.queue.running or context.queue.waiting:
        raise _ModelConflictError("gateway.model_busy", running=running, model=name)
    turn = await context.queue.turn("", context.settings.places)  # nobody else's meanwhile
    try:
        await asyncio.shield(asyncio.wrap_future(context.control.do(UseModel(name))))
    except ShardloomError as error:
        raise from_rack(error) from None
    finally:
        turn.release()


async def list_models(context: GatewayContext, caller: Caller, request: Request) -> ASGIApp:
    """`GET /v1/models`: all that are imported, the one on the rack marked."""
    del caller, request
    models = [_listed(context, model) for model in context.control.models()]
    return JSONResponse({"object": "list", "data": models})


async def show_model(context: GatewayContext, caller: Caller, request: Request) -> ASGIApp:
    """`GET /v1/models/{name}`."""
    del caller
    name = str(request.path_params["name"])
    _require_known(context, name)
    found = next(each for each in context.control.models() if each.name == name)
    return JSONResponse(_listed(context, found))


def _listed(context: GatewayContext, model: ModelChoice) -> dict[str, Any]:
    running = context.control.snapshot().model
    return {
        "id": model.name,
        "object": "model",
        "created": context.opened_s,
        "owned_by": "shardloom",
        "x_shardloom": {
            "loaded": running is not None and running.name == model.name,
            "tasks": list(model.tasks),
            "quantization": model.quantization,
            "layers": model.layers,
            "weight_bytes": model.weight_bytes,
        },
    }
