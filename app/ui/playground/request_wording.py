"""How a request stands, in a line of figures and a line of explanation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QCoreApplication

from app.core.tasks import TaskKind
from app.core.units import format_duration, format_rate
from app.rack.snapshot import RequestSnapshot, RequestState
from app.ui.looks.marks import Shield
from app.ui.looks.tokens import Tokens
from app.ui.wording import request_word

NUMBERS = frozenset({TaskKind.CLASSIFY, TaskKind.EMBED})
"""Tasks whose answer is no text."""


@dataclass(frozen=True)
class Explanation:
    """How sure an answer is, the colour of those words and the mark beside them."""

    words: str
    colour: str
    shield: Shield | None = None


def figures_text(request: RequestSnapshot) -> str:
    """Return state, length, speed and what the ledger saw of a request."""
    tr = QCoreApplication.translate
    parts = [request_word(request)]
    if request.kind not in NUMBERS:
        parts.append(f"{len(request.token_ids)}/{request.tokens_wanted}")
    if request.tokens_per_second is not None:
        parts.append(format_rate(request.tokens_per_second))
    if request.time_to_first_token_ms is not None:
        first = format_duration(request.time_to_first_token_ms / 1e3)
        answered = tr("Playground", "answered in {time}")
        words = answered if request.kind in NUMBERS else tr("Playground", "first token {time}")
        parts.append(words.format(time=first))
    counts = (
        (tr("Playground", "receipts {count}"), request.receipts, True),
        (tr("Playground", "audits {count}"), request.audits, True),
        (tr("Playground", "slashes {count}"), request.slashes, request.slashes > 0),
        (tr("Playground", "failovers {count}"), request.failovers, request.failovers > 0),
    )
    parts.extend(words.format(count=count) for words, count, shown in counts if shown)
    return "   ·   ".join(parts)


def explanation(request: RequestSnapshot, tokens: Tokens) -> Explanation:
    """Return how sure the answer is."""
    told = _certainty(request, tokens)
    if request.note and request.state is not RequestState.FAILED:
        return replace(told, words=f"{request.note} {told.words}".strip(), colour=tokens.warn)
    return told


def _certainty(request: RequestSnapshot, tokens: Tokens) -> Explanation:
    if request.state is RequestState.FAILED:
        return Explanation(request.state_reason, tokens.bad)
    if not (request.text or request.labels or request.embedding):
        return Explanation("", tokens.muted)
    if not request.state.ended:
        return _while_open(request, tokens)
    if request.open_text:
        words = QCoreApplication.translate("Playground", "Dotted text was never checked.")
        return Explanation(words, tokens.warn, Shield.EMPTY)
    return _once_settled(request, tokens)


def _while_open(request: RequestSnapshot, tokens: Tokens) -> Explanation:
    tr = QCoreApplication.translate
    if request.kind in NUMBERS:
        words = tr("Playground", "Not settled yet: a check may still take it back.")
    elif request.open_text:
        words = tr("Playground", "Dotted text is not settled yet: a check may still take it back.")
    else:
        return Explanation("", tokens.muted)
    return Explanation(words, tokens.warn, Shield.EMPTY)


def _once_settled(request: RequestSnapshot, tokens: Tokens) -> Explanation:
    tr, numbers = QCoreApplication.translate, request.kind in NUMBERS
    if request.verified:
        answer = tr("Playground", "This answer is verified: every stage was computed again.")
        text = tr("Playground", "All of this text is verified: every token was computed again.")
        return Explanation(answer if numbers else text, tokens.good, Shield.FULL)
    words = tr("Playground", "Settled, {audited} of {stages} stages audited: not all was checked.")
    told = words.format(audited=request.audited_stages, stages=request.stages)
    return Explanation(told, tokens.text, Shield.HALF)
