"""The answers to one HTTP request while they are written: tokens so far, and how each ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

from app.core.identifiers import RequestId
from app.gateway.errors import ApiError
from app.rack.events.request_events import (
    AnswerGiven,
    Ended,
    Missed,
    RolledBack,
    TokenAdded,
    WhatHappened,
)
from app.rack.settlement.certainty import checked_by
from app.rack.snapshot import RequestSnapshot, RequestState
from app.words.sentences import fact_text


class Certainty(StrEnum):
    """How sure an answer is; of several the least sure one counts."""

    VERIFIED = "verified"
    """Every stage of it was computed again."""
    SETTLED = "settled"
    """Every check that was due has ended well."""
    FAILED = "failed"


@dataclass
class Answer:
    """One choice, or the vector of one text. Lives on the gateway's loop."""

    index: int
    request: RequestId
    tokens: list[TokenAdded] = field(default_factory=list)
    vector: tuple[float, ...] = ()
    ended: RequestSnapshot | None = None
    told_characters: int = 0
    """Of the tokens that the client was told of."""
    withdrawn: tuple[TokenAdded, ...] = ()
    """Tokens that were taken back after the client was told of them."""
    _told: int = 0

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(token.text for token in self.tokens)

    @property
    def finish_reason(self) -> str:
        """Why the text ended, in OpenAI's words."""
        return "stop" if self.ended is not None and self.ended.ended_by_itself else "length"

    @property
    def certainty(self) -> Certainty:
        """How sure it is, once it has ended."""
        if self.ended is None or self.ended.state is not RequestState.SETTLED:
            return Certainty.FAILED
        return Certainty.VERIFIED if self.ended.verified else Certainty.SETTLED

    def take(self, what: WhatHappened) -> None:
        """Take in an event. Raises `ApiError` for one that leaves nothing to answer with."""
        match what:
            case TokenAdded():
                self.tokens.append(what)
            case AnswerGiven(embedding=embedding):
                self.vector = embedding
            case RolledBack(kept=kept):
                self._take_back(kept)
            case Ended(request):
                self._end(request)
            case Missed():
                raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "gateway.read_too_late")
            case _:
                pass  # says nothing of the answer

    def tell(self) -> tuple[TokenAdded, ...]:
        """Return the tokens that the client was not told of, and count them as told."""
        news = tuple(self.tokens[self._told :])
        self._told = len(self.tokens)
        self.told_characters += sum(len(token.text) for token in news)
        return news

    def _take_back(self, kept: int) -> None:
        known = tuple(self.tokens[kept : self._told])
        self.withdrawn = known + self.withdrawn
        self.told_characters -= sum(len(token.text) for token in known)
        self._told = min(self._told, kept)
        del self.tokens[kept:]

    def _end(self, request: RequestSnapshot) -> None:
        self.ended = request
        if request.state is not RequestState.SETTLED:
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "gateway.answer_failed",
                request=self.request,
                reason=request.state_reason or request.state,
            )


def usage_of(answers: Sequence[Answer], prompts: int) -> dict[str, int]:
    """Return how many tokens were read and written; a prompt counts once for all its choices."""
    each = max(len(answers) // max(prompts, 1), 1)
    read = sum(one.ended.prompt_tokens for one in answers[::each] if one.ended is not None)
    written = sum(len(one.tokens) for one in answers)
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
    }


def own_report(answers: Sequence[Answer]) -> dict[str, object]:
    """Return the field `x_shardloom`: how sure the answers are, and where their receipts lie.

    `notes` tell what was done otherwise than asked.
    """
    order = list(Certainty)
    notes = {each.ended.note for each in answers if each.ended and each.ended.note}
    told = {"notes": [{"code": note.code, "message": fact_text(note)} for note in notes]}
    return {
        "state": max((each.certainty for each in answers), key=order.index),
        **_checks([each.ended for each in answers if each.ended is not None]),
        "receipts": [each.request for each in answers],
        **(told if notes else {}),
    }


def _checks(ended: Sequence[RequestSnapshot]) -> dict[str, object]:
    """Return how far the answers were checked, once there are some."""
    if not ended:
        return {}
    return {
        "checked_by": checked_by(ended).value,
        "audited_stages": sum(each.audited_stages for each in ended),
        "stages": sum(each.stages for each in ended),
    }
