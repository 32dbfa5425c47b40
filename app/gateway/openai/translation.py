"""From OpenAI's bodies to what a rack is asked: the one place that knows both.

Another interface (Responses, Ollama's) is another function here that returns `Ask`s.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, assert_never

from app.core.conversation import ChatMessage, Overflow, Speaker
from app.core.tasks import Chat, Complete, Embed, Task
from app.gateway.errors import BadRequestError
from app.gateway.openai.forms import grammar_of, offered, said_with_tools, text_of
from app.gateway.openai.pictures import picture_of
from app.gateway.openai.schema import (
    MOST_ANSWERS,
    ChatBody,
    CompletionBody,
    EmbeddingBody,
    MessageBody,
)
from app.rack.commands import Ask, Sampling

SEEDS: Final = 1 << 63
"""How many seeds there are; a negative one counts from the end."""
_DRAWN_SEED_BITS: Final = 53
"""Of a seed that nobody chose: a reader of JSON in any language can give it back exactly."""


def chat_asks(body: ChatBody) -> tuple[Ask, ...]:
    """Return what to ask for, one for each choice."""
    conversation = tuple(_said(*each) for each in enumerate(body.messages))
    tokens = body.max_completion_tokens or body.max_tokens
    alternatives = _chat_alternatives(body)
    conversation = said_with_tools(conversation, offered(body))
    chat = Chat(conversation, Overflow(body.x_shardloom.overflow))
    return _choices([Ask(chat, tokens, _sampling(body, alternatives))], body.n)


def completion_asks(body: CompletionBody) -> tuple[Ask, ...]:
    """Return what to ask for: each choice of the first prompt, then those of the next."""
    prompts = _texts(body.prompt)
    if len(prompts) * body.n > MOST_ANSWERS:
        raise BadRequestError("gateway.too_many_answers", parameter="n", most=MOST_ANSWERS)
    sampling = _sampling(body, body.logprobs or 0)
    return _choices([Ask(Complete(text), body.max_tokens, sampling) for text in prompts], body.n)


def embedding_asks(body: EmbeddingBody) -> tuple[Ask, ...]:
    """Return what to ask for, one for each text."""
    return tuple(Ask(_embed(text)) for text in _texts(body.input))


def _embed(text: str | tuple[int, ...]) -> Task:
    return Embed(text)


def _choices(asks: Sequence[Ask], count: int) -> tuple[Ask, ...]:
    """Return each so many times; the choices of one prompt draw from seeds that follow."""
    return tuple(
        replace(ask, sampling=replace(ask.sampling, seed=(ask.sampling.seed + choice) % SEEDS))
        for ask in asks
        for choice in range(count)
    )


def _sampling(body: ChatBody | CompletionBody, alternatives: int) -> Sampling:
    seed = secrets.randbits(_DRAWN_SEED_BITS) if body.seed is None else body.seed % SEEDS
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop)
    return Sampling(
        body.temperature,
        body.top_p,
        seed,
        stop,
        alternatives,
        max(body.top_k, 0),
        body.min_p,
        tuple((int(token), added) for token, added in body.logit_bias.items()),
        body.frequency_penalty,
        body.presence_penalty,
        grammar_of(body) if isinstance(body, ChatBody) else "",
        body.repetition_penalty,
    )


def _chat_alternatives(body: ChatBody) -> int:
    if body.top_logprobs and not body.logprobs:
        raise BadRequestError("gateway.needs_logprobs", parameter="top_logprobs")
    return body.top_logprobs


def _said(place: int, message: MessageBody) -> ChatMessage:
    if "content" not in message.model_fields_set and not message.tool_calls:
        where = f"messages.{place}.content"
        raise BadRequestError("gateway.missing_parameter", parameter=where, name=where)
    match message.role:
        case "system" | "developer":
            speaker = Speaker.SYSTEM
        case "user":
            speaker = Speaker.USER
        case "assistant":
            speaker = Speaker.ASSISTANT
        case "tool":
            speaker = Speaker.USER
        case _:
            assert_never(message.role)
    content = f"messages.{place}.content"
    pictures = tuple(
        picture_of(url, f"{content}.{part}.image_url.url")
        for part, url in message.picture_addresses
    )
    return ChatMessage(speaker, text_of(message), pictures)


def _texts(
    given: str | list[int] | list[str] | list[list[int]],
) -> tuple[str | tuple[int, ...], ...]:
    """Return each text or its token ids, where one or several were given."""
    if isinstance(given, str):
        return (given,)
    if isinstance(given[0], int):
        return (tuple(_ids(given)),)
    return tuple(each if isinstance(each, str) else tuple(_ids(each)) for each in given)


def _ids(given: object) -> tuple[int, ...]:
    """Return token ids that the schema has checked."""
    return tuple(given) if isinstance(given, list) else ()
