"""A text or conversation as a file: to read, or with all figures. Qt-free."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.core.errors import BadInputError, reason_of
from app.rack.snapshot import RequestSnapshot
from app.ui.playground.conversations.talks import Talk
from app.words.requests import figures_text, talk_title

FORMS = ("md", "txt", "json")


def export_talk(path: Path, talk: Talk) -> None:
    """Write a talk, by the form that the file's name ends with.

    Raises `BadInputError` for another form, or where it cannot be written.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMS:
        raise BadInputError("file.unknown_form", path=path.name, forms=FORMS)
    try:
        path.write_text(f"{_written(kind, talk)}\n", encoding="utf-8")
    except OSError as error:
        reason = reason_of(error)
        raise BadInputError("file.not_written", path=str(path), reason=reason) from None


def _written(kind: str, talk: Talk) -> str:
    match kind:
        case "json":
            return json.dumps(talk_record(talk), indent=2, ensure_ascii=False)
        case "md":
            return talk_markdown(talk)
        case _:
            return _readable(talk)


def talk_markdown(talk: Talk) -> str:
    """Return what was said as Markdown: a heading, questions quoted, how each answer stands."""
    parts = [f"# {talk_title(talk.title)}"]
    for asked, request in _said(talk):
        parts.append("\n".join(f"> {line}".rstrip() for line in asked.splitlines()))
        if request is not None:
            parts += [request.text.strip(), f"*{figures_text(request)}*"]
    return "\n\n".join(part for part in parts if part)


def talk_record(talk: Talk) -> dict[str, Any]:
    """Return what was said, with how each answer stands."""
    return {
        "title": talk.title,
        "kind": talk.kind.value,
        "turns": [{"asked": asked, **_answer(request)} for asked, request in _said(talk)],
    }


def _said(talk: Talk) -> list[tuple[str, RequestSnapshot | None]]:
    turns = talk.session.turns if talk.session else ()
    return [(turn.said, turn.answer) for turn in turns] or [(talk.prompt, talk.request)]


def _answer(request: RequestSnapshot | None) -> dict[str, Any]:
    if request is None:
        return {}
    return {
        "answer": request.text,
        "state": request.state.value,
        "verified": request.verified,
        "tokens": len(request.token_ids),
        "tokens_per_second": request.tokens_per_second,
        "receipts": request.receipts,
        "audits": request.audits,
    }


def _readable(talk: Talk) -> str:
    turns = talk.session.turns if talk.session else ()
    if not turns:
        return f"{talk.prompt}{talk.request.text if talk.request else ''}"
    return "\n\n".join(
        f"> {turn.said}\n\n{turn.answer.text if turn.answer else ''}" for turn in turns
    )
