"""Texts and conversations as records of JSON, and back. Qt-free.

Read as anything from outside is: a record that is odd is None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core.identifiers import RequestId
from app.core.tasks import TaskKind
from app.rack.snapshot import RequestSnapshot, RequestState
from app.ui.playground.conversations.kept_values import (
    count_in,
    figure_in,
    list_in,
    text_in,
    whole_number,
)
from app.ui.playground.conversations.talks import Talk
from app.ui.playground.tasks.chat_session import ChatSession, ChatTurn

_TEXTS: Final = frozenset(
    {TaskKind.GENERATE, TaskKind.CHAT, TaskKind.SUMMARISE, TaskKind.TRANSLATE}
)
_COUNTS: Final = (
    "tokens_wanted",
    "failovers",
    "slashes",
    "receipts",
    "audits",
    "stages",
    "audited_stages",
    "verified_tokens",
    "checked_tokens",
    "prompt_tokens",
)
_MOST: Final = 1 << 31


@dataclass(frozen=True)
class KeptTalk:
    """A talk as it was at one moment; may be written on another thread."""

    kind: TaskKind
    prompt: str
    name: str
    begun_ms: int
    turns: tuple[ChatTurn, ...]
    request: RequestSnapshot | None


def kept_talks(talks: Sequence[Talk], *, cut_off: bool = False) -> tuple[KeptTalk, ...]:
    """Return what is to be kept of talks: texts, no labels and no vectors.

    What still runs is left out until it has ended, unless it is `cut_off` now.
    """

    def stands(request: RequestSnapshot | None) -> bool:
        return request is not None and (cut_off or request.state.ended)

    kept = []
    for talk in talks:
        turns = talk.session.turns if talk.session else ()
        turns = tuple(turn for turn in turns if stands(turn.answer))
        if talk.kind in _TEXTS and (turns or (talk.session is None and stands(talk.request))):
            kept.append(
                KeptTalk(talk.kind, talk.prompt, talk.name, talk.begun_ms, turns, talk.request)
            )
    return tuple(kept)


def record_of(talk: KeptTalk) -> dict[str, Any]:
    """Return what JSON can hold of a talk."""
    return {
        "kind": talk.kind.value,
        "prompt": talk.prompt,
        "name": talk.name,
        "begun_ms": talk.begun_ms,
        "turns": [{"said": turn.said, "answer": _answer(turn.answer)} for turn in talk.turns],
        "answer": None if talk.turns else _answer(talk.request),
    }


def _answer(request: RequestSnapshot | None) -> dict[str, Any] | None:
    if request is None:
        return None
    state = request.state if request.state.ended else RequestState.CANCELLED
    return {
        "request": request.identifier,
        "state": state.value,
        "settled_text": request.settled_text,
        "open_text": request.open_text,
        "token_ids": request.token_ids,
        "verified": request.verified,
        "tokens_per_second": request.tokens_per_second,
        "time_to_first_token_ms": request.time_to_first_token_ms,
        **{name: getattr(request, name) for name in _COUNTS},
    }


def talk_of(record: object) -> Talk | None:
    """Return the talk of a record; None where it is none of ours."""
    held = record if isinstance(record, Mapping) else {}
    try:
        kind = TaskKind(text_in(held, "kind"))
        begun_ms = count_in(held, "begun_ms", 1 << 53)
        prompt, name = text_in(held, "prompt"), text_in(held, "name")
        turns = tuple(_turn(each, kind) for each in list_in(held, "turns"))
        alone = _request(held["answer"], prompt, kind) if held.get("answer") else None
    except (KeyError, TypeError, ValueError):
        return None
    session = ChatSession(turns) if kind is TaskKind.CHAT else None
    request = turns[-1].answer if turns else alone
    identifier = request.identifier if request else None
    if kind not in _TEXTS or (session is not None) != bool(turns):
        return None
    return Talk(kind, prompt, identifier, request, session, name=name, begun_ms=begun_ms)


def _turn(record: object, kind: TaskKind) -> ChatTurn:
    if not isinstance(record, Mapping):
        raise TypeError
    said = text_in(record, "said")
    answer = _request(record["answer"], said, kind) if record.get("answer") else None
    return ChatTurn(said, answer.identifier if answer else RequestId(""), answer)


def _request(held: object, prompt: str, kind: TaskKind) -> RequestSnapshot:
    if not isinstance(held, Mapping):
        raise TypeError
    tokens = tuple(whole_number(token, _MOST) for token in list_in(held, "token_ids"))
    state = RequestState(text_in(held, "state"))
    if not state.ended:
        raise ValueError
    counts: dict[str, Any] = {name: count_in(held, name, _MOST) for name in _COUNTS}
    return RequestSnapshot(
        identifier=RequestId(text_in(held, "request")),
        prompt=prompt,
        state=state,
        state_reason=None,
        settled_text=text_in(held, "settled_text"),
        open_text=text_in(held, "open_text"),
        token_ids=tokens,
        choices=(),
        time_to_first_token_ms=figure_in(held, "time_to_first_token_ms"),
        tokens_per_second=figure_in(held, "tokens_per_second"),
        assignment=None,
        kind=kind,
        verified=held["verified"] is True,
        **counts,
    )
