"""Server-sent events of answers while they are written (WHATWG HTML, 9.2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from starlette.types import Receive, Scope, Send

from app.core.nursery import Nursery
from app.gateway.answering import Answering
from app.gateway.answers.answer import Answer, own_report, usage_of
from app.gateway.errors import ApiError, ClientGoneError, error_body
from app.gateway.openai.shapes import Fields, Shape

SEND_TIMEOUT_S: Final = 60.0
"""How long a client may read nothing before its answer is given up."""
QUIET_READS: Final = 15
"""After so many seconds without news a comment is sent: proxies close what is silent."""
_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]
_COMMENT: Final = b": still working\n\n"
_DONE: Final = b"data: [DONE]\n\n"


@asynccontextmanager
async def ends_with_client(receive: Receive, nursery: Nursery) -> AsyncIterator[None]:
    """Raise `ClientGoneError` inside once the client closes its connection. The body was read."""
    task = asyncio.current_task()
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        if task is not None:
            task.cancel()

    watching = nursery.start(watch(), "watch over a client")
    try:
        yield
    except asyncio.CancelledError:
        if not gone or task is None:
            raise
        task.uncancel()
        raise ClientGoneError from None
    finally:
        watching.cancel()


@dataclass(frozen=True)
class ChunkHeader:
    """What every chunk of an answer carries."""

    shape: Shape
    model: str
    created_s: int
    identifier: str
    include_usage: bool

    def whole(self, answering: Answering) -> Fields:
        """Return the answer in one piece."""
        answers = answering.answers
        return {
            **self._head(self.shape.whole_object),
            "choices": [self.shape.whole(answer) for answer in answers],
            "usage": usage_of(answers, answering.prompts),
            "x_shardloom": own_report(answers),
        }

    def chunk(self, choice: Fields, **more: object) -> bytes:
        """Return one event with one choice."""
        usage = {"usage": None} if self.include_usage else {}
        return _event({**self._head(self.shape.chunk_object), "choices": [choice], **usage, **more})

    def last(self, answering: Answering) -> bytes:
        """Return the event after all choices, with the usage."""
        return _event(
            {
                **self._head(self.shape.chunk_object),
                "choices": [],
                "usage": usage_of(answering.answers, answering.prompts),
                "x_shardloom": own_report(answering.answers),
            }
        )

    def _head(self, kind: str) -> Fields:
        return {
            "id": f"{self.shape.prefix}{self.identifier}",
            "object": kind,
            "created": self.created_s,
            "model": self.model,
        }


@dataclass
class EventStream:
    """An ASGI response that sends an answer as it is written, and stops it when nobody reads."""

    answering: Answering
    envelope: ChunkHeader
    unsettled: str
    """What becomes of text that may still be taken back: `show`, `revise` or `hold`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send everything."""
        del scope
        try:
            async with ends_with_client(receive, self.answering.context.nursery):
                start = {"type": "http.response.start", "status": 200, "headers": _HEADERS}
                await send(start)
                async for part in self._parts():
                    async with asyncio.timeout(SEND_TIMEOUT_S):
                        await send({"type": "http.response.body", "body": part, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except (ClientGoneError, TimeoutError):
            pass  # nobody reads it
        finally:
            self.answering.close()

    async def _parts(self) -> AsyncIterator[bytes]:
        try:
            for answer in self.answering.answers:
                if opening := self.envelope.shape.opening(answer.index):
                    yield self.envelope.chunk(opening)
            quiet = 0
            while not self.answering.ended:
                changed = await self.answering.read()
                part = b"".join(event for answer in changed for event in self._news(answer))
                quiet = 0 if part else quiet + 1
                if part or quiet % QUIET_READS == 0:
                    yield part or _COMMENT
            if self.envelope.include_usage:
                yield self.envelope.last(self.answering)
        except ApiError as error:
            yield _event({**error_body(error), "x_shardloom": own_report(self.answering.answers)})
        yield _DONE

    def _news(self, answer: Answer) -> Iterator[bytes]:
        """Yield what the client does not know of a choice yet."""
        if answer.withdrawn:
            yield self._taken_back(answer)
        if self.unsettled != "hold" or answer.ended is not None:
            offset = answer.told_characters
            if tokens := answer.tell():
                yield self.envelope.chunk(self.envelope.shape.delta(answer.index, tokens, offset))
        if answer.ended is not None:
            closing = self.envelope.shape.closing(answer)
            yield self.envelope.chunk(closing, x_shardloom=own_report([answer]))

    def _taken_back(self, answer: Answer) -> bytes:
        withdrawn, answer.withdrawn = answer.withdrawn, ()
        if self.unsettled != "revise":
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE, "gateway.answer_taken_back", tokens=len(withdrawn)
            )
        characters = sum(len(token.text) for token in withdrawn)
        taken_back = {"tokens": len(withdrawn), "characters": characters}
        empty = self.envelope.shape.delta(answer.index, (), answer.told_characters)
        return self.envelope.chunk(empty, x_shardloom={"taken_back": taken_back})


def _event(fields: Fields) -> bytes:
    text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return f"data: {text}\n\n".encode()
