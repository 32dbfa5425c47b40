"""A text or conversation as a file: to read, or with all figures. Qt-free."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.core.errors import BadInputError, reason_of
from app.rack.snapshot import RequestSnapshot
from app.ui.playground.talks import Talk

FORMS = ("txt", "json")


def export_talk(path: Path, talk: Talk) -> None:
    """Write a talk, by the form that the file's name ends with.

    Raises `BadInputError` for another form, or where it cannot be written.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in FORMS:
        raise BadInputError("file.unknown_form", path=path.name, forms=FORMS)
    record = talk_record(talk)
    text = json.dumps(record, indent=2, ensure_ascii=False) if kind == "json" else _readable(talk)
    try:
        path.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        reason = reason_of(error)
        raise BadInputError("file.not_written", path=str(path), reason=reason) from None


def talk_record(talk: Talk) -> dict[str, Any]:
    """Return what was said, with how each answer stands."""
    turns = talk.session.turns if talk.session else ()
    said = [(turn.said, turn.answer) for turn in turns] or [(talk.prompt, talk.request)]
    return {
        "title": talk.title,
        "kind": talk.kind.value,
        "turns": [{"asked": asked, **_answer(request)} for asked, request in said],
    }


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
