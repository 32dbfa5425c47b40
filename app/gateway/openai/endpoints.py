"""What each address does: chat, completions, embeddings, models."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from app.gateway.access.callers import Caller
from app.gateway.access.large_bodies import LargeBody
from app.gateway.answering import Answering
from app.gateway.answers.answer import Answer, own_report, usage_of
from app.gateway.context import GatewayContext
from app.gateway.errors import BadRequestError
from app.gateway.openai.bodies import read_body
from app.gateway.openai.forms import offered
from app.gateway.openai.models import require_model
from app.gateway.openai.schema import ChatBody, CompletionBody, EmbeddingBody
from app.gateway.openai.shapes import ChatShape, CompletionShape, Shape, ToolShape
from app.gateway.openai.streaming import ChunkHeader, EventStream, ends_with_client
from app.gateway.openai.translation import chat_asks, completion_asks, embedding_asks
from app.rack.commands import Ask


async def chat(context: GatewayContext, caller: Caller, request: Request) -> ASGIApp:
    """`POST /v1/chat/completions`."""
    with LargeBody(context.large_bodies) as large:
        body = await read_body(request, ChatBody, large)
        return await _write(context, caller, request, body, chat_asks(body), _chat_shape(body))


def _chat_shape(body: ChatBody) -> ChatShape:
    names = tuple(tool.function.name for tool in offered(body))
    return ToolShape(body.logprobs, functions=names) if names else ChatShape(body.logprobs)


async def completions(context: GatewayContext, caller: Caller, request: Request) -> ASGIApp:
    """`POST /v1/completions`."""
    body = await read_body(request, CompletionBody)
    shape = CompletionShape(body.logprobs is not None)
    return await _write(context, caller, request, body, completion_asks(body), shape)


async def _write(
    context: GatewayContext,
    caller: Caller,
    request: Request,
    body: ChatBody | CompletionBody,
    asks: Sequence[Ask],
    shape: Shape,
) -> ASGIApp:
    caller.begin()
    async with ends_with_client(request.receive, context.nursery):
        model = await require_model(context, body.model)
        answering = await Answering.begin(context, caller, asks, len(asks) // body.n)
        created_s = context.clock.wall_ms() // 1000
        identifier = answering.answers[0].request
        usage = body.stream and body.stream_options.include_usage
        envelope = ChunkHeader(shape, model, created_s, identifier, usage)
        if body.stream:
            held = isinstance(shape, ToolShape)  # whether it is a call shows at its end
            unsettled = "hold" if held else body.x_shardloom.unsettled
            return EventStream(answering, envelope, unsettled)
        try:
            await answering.finish()
        finally:
            answering.close()
    return JSONResponse(envelope.whole(answering))


async def embeddings(context: GatewayContext, caller: Caller, request: Request) -> ASGIApp:
    """`POST /v1/embeddings`: each text is a request of its own."""
    body = await read_body(request, EmbeddingBody)
    asks = embedding_asks(body)
    caller.begin()
    answers: list[Answer] = []
    async with ends_with_client(request.receive, context.nursery):
        model = await require_model(context, body.model)
        for first in range(0, len(asks), context.settings.places):
            some = asks[first : first + context.settings.places]
            answering = await Answering.begin(context, caller, some, len(some))
            try:
                await answering.finish()
            finally:
                answering.close()
            answers.extend(answering.answers)
            _check_size(body.dimensions, len(answers[0].vector))
    usage = usage_of(answers, len(answers))
    return JSONResponse(
        {
            "object": "list",
            "model": model,
            "data": [_vector(at, answer, body) for at, answer in enumerate(answers)],
            "usage": {each: usage[each] for each in ("prompt_tokens", "total_tokens")},
            "x_shardloom": own_report(answers),
        }
    )


def _check_size(wanted: int | None, has: int) -> None:
    if wanted is not None and wanted != has:
        raise BadRequestError("gateway.dimensions", parameter="dimensions", has=has)


def _vector(index: int, answer: Answer, body: EmbeddingBody) -> dict[str, Any]:
    """Return a vector as numbers, or as the bytes of little-endian float32."""
    numbers: object = list(answer.vector)
    if body.encoding_format == "base64":
        numbers = base64.b64encode(np.asarray(answer.vector, "<f4").tobytes()).decode()
    return {"object": "embedding", "index": index, "embedding": numbers}
