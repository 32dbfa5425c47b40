"""How a request stands, in a line of figures and a line of explanation."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from app.core.tasks import TaskKind
from app.core.units import format_duration, format_rate
from app.rack.snapshot import RequestSnapshot, RequestState
from app.ui.tokens import Tokens
from app.ui.wording import request_word

NUMBERS = frozenset({TaskKind.CLASSIFY, TaskKind.EMBED})
"""Tasks whose answer is no text."""


def figures_text(request: RequestSnapshot) -> str:
    """Return state, length, speed and what the ledger saw of a request."""
    tr = QCoreApplication.translate
    parts = [request_word(request.state)]
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


def explanation(request: RequestSnapshot, tokens: Tokens) -> tuple[str, str]:
    """Return how sure the answer is, and the colour of those words."""
    words, colour = _certainty(request, tokens)
    if request.note and request.state is not RequestState.FAILED:
        return f"{request.note} {words}".strip(), tokens.warn
    return words, colour


def _certainty(request: RequestSnapshot, tokens: Tokens) -> tuple[str, str]:
    tr, numbers = QCoreApplication.translate, request.kind in NUMBERS
    if request.state is RequestState.FAILED:
        return request.state_reason, tokens.bad
    if request.state is RequestState.SETTLED:
        if numbers:
            return tr("Playground", "This answer is verified."), tokens.good
        return tr("Playground", "All of this text is verified."), tokens.good
    if request.labels or request.embedding:
        return tr("Playground", "Not verified yet: audits are still checking it."), tokens.warn
    if request.unverified_text:
        words = tr("Playground", "Dotted text is not verified yet: audits are still checking it.")
        return words, tokens.warn
    return "", tokens.muted
