"""Texts and conversations of earlier runs: one JSON file below the home. Qt-free.

Read as anything from outside is: what is odd is left out, and nothing of it can stop the window.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.core.identifiers import RequestId
from app.core.tasks import TaskKind
from app.rack.snapshot import RequestSnapshot, RequestState
from app.ui.playground.conversations.talks import MOST_TALKS, Talk
from app.ui.playground.tasks.chat_session import ChatSession, ChatTurn

FORMAT: Final = 1
LARGEST_FILE: Final = 64 << 20
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


def write_talks(path: Path, talks: Sequence[KeptTalk]) -> None:
    """Write talks for their owner alone, all or nothing. Raises `OSError`."""
    text = json.dumps({"format": FORMAT, "talks": [_record(talk) for talk in talks]})
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


def forget_talks(path: Path) -> None:
    """Keep nothing any more."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def read_talks(path: Path) -> list[Talk]:
    """Return the talks of earlier runs, none where the file is not one of ours."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            return []
        held = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    if not isinstance(held, dict) or held.get("format") != FORMAT:
        return []
    records = held.get("talks")
    talks = map(_talk, records if isinstance(records, list) else ())
    return [talk for talk in talks if talk is not None][-MOST_TALKS:]


def _record(talk: KeptTalk) -> dict[str, Any]:
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


def _talk(record: object) -> Talk | None:
    held = record if isinstance(record, Mapping) else {}
    try:
        kind = TaskKind(_text(held, "kind"))
        begun_ms = _count(held, "begun_ms", 1 << 53)
        prompt, name = _text(held, "prompt"), _text(held, "name")
        turns = tuple(_turn(each, kind) for each in _list(held, "turns"))
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
    said = _text(record, "said")
    answer = _request(record["answer"], said, kind) if record.get("answer") else None
    return ChatTurn(said, answer.identifier if answer else RequestId(""), answer)


def _request(held: object, prompt: str, kind: TaskKind) -> RequestSnapshot:
    if not isinstance(held, Mapping):
        raise TypeError
    tokens = tuple(_whole(token, _MOST) for token in _list(held, "token_ids"))
    state = RequestState(_text(held, "state"))
    if not state.ended:
        raise ValueError
    counts: dict[str, Any] = {name: _count(held, name, _MOST) for name in _COUNTS}
    return RequestSnapshot(
        identifier=RequestId(_text(held, "request")),
        prompt=prompt,
        state=state,
        state_reason=None,
        settled_text=_text(held, "settled_text"),
        open_text=_text(held, "open_text"),
        token_ids=tokens,
        choices=(),
        time_to_first_token_ms=_figure(held, "time_to_first_token_ms"),
        tokens_per_second=_figure(held, "tokens_per_second"),
        assignment=None,
        kind=kind,
        verified=held["verified"] is True,
        **counts,
    )


def _text(held: Mapping[str, Any], name: str) -> str:
    value = held[name]
    if not isinstance(value, str):
        raise TypeError
    value.encode()
    return value


def _list(held: Mapping[str, Any], name: str) -> list[Any]:
    value = held[name]
    if not isinstance(value, list):
        raise TypeError
    return value


def _count(held: Mapping[str, Any], name: str, most: int) -> int:
    return _whole(held[name], most)


def _whole(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError
    return value


def _figure(held: Mapping[str, Any], name: str) -> float | None:
    value = held[name]
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value < 1e9:
        raise ValueError
    return float(value)
