"""One HTTP request's requests, from their turn in the queue to the end of the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, Self

from app.core.identifiers import RequestId
from app.gateway.access.callers import Caller
from app.gateway.access.fair_queue import Turn
from app.gateway.answers.answer import Answer, usage_of
from app.gateway.answers.asking import ask_all, cancel
from app.gateway.answers.following import FollowedRequests
from app.gateway.context import GatewayContext
from app.gateway.errors import ApiError
from app.rack.commands import Ask

LOOK_INTERVAL_S: Final = 1.0
"""How often it is looked whether the key still stands."""


@dataclass
class Answering:
    """Lives on the gateway's loop; closing it stops what has not ended."""

    context: GatewayContext
    caller: Caller
    answers: tuple[Answer, ...]
    prompts: int
    _followed: FollowedRequests
    _turn: Turn
    _key_seen_s: float
    """When the key was last known to stand."""

    @classmethod
    async def begin(
        cls, context: GatewayContext, caller: Caller, asks: Sequence[Ask], prompts: int
    ) -> Self:
        """Wait for the turn and ask the rack. Raises `ApiError` where it refuses.

        What the rack computed for one caller shortens the prompts of no other.
        """
        own = [replace(ask, keeper=caller.name) for ask in asks]
        admitted_s = context.clock.monotonic_s()
        turn = await context.queue.turn(caller.name, len(own))
        requests: tuple[RequestId, ...] = ()
        try:
            requests = await ask_all(context.control, own)
            streams = [context.control.follow(request) for request in requests]
            followed = FollowedRequests(streams, turn.release, context.clock)
        except BaseException:
            turn.release()
            for request in requests:
                cancel(context.control, request)
            raise
        answers = tuple(Answer(place, request) for place, request in enumerate(requests))
        return cls(context, caller, answers, prompts, followed, turn, admitted_s)

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self._followed.ended

    async def read(self) -> tuple[Answer, ...]:
        """Take in what happened; returns the answers that changed, none where a second was quiet.

        Raises `ApiError` where a request failed, the key was revoked or the rack closed.
        """
        heard = await self._followed.read(LOOK_INTERVAL_S)
        self._check_key()
        changed: dict[int, Answer] = {}
        for place, event in heard:
            changed[place] = self.answers[place]
            self.answers[place].take(event.what)
        if self.ended and any(answer.ended is None for answer in self.answers):
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "gateway.rack_closed")
        return tuple(changed.values())

    def _check_key(self) -> None:
        """Look into the store of keys now and then: a look is a file's, too dear for each token."""
        now_s = self.context.clock.monotonic_s()
        if now_s - self._key_seen_s >= LOOK_INTERVAL_S:
            self.caller.check()
            self._key_seen_s = now_s

    async def finish(self) -> None:
        """Read to the end."""
        while not self.ended:
            await self.read()

    def close(self) -> None:
        """Cancel what has not ended, count what was written and give the turn back."""
        self._followed.close()
        self._turn.release()
        for answer in self.answers:
            if answer.ended is None:
                cancel(self.context.control, answer.request)
        self.context.metrics.ended(self.answers)
        self.caller.spend(usage_of(self.answers, self.prompts)["total_tokens"])
