"""How sure an answer is: words, their colour and the mark beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.core.audit_outcome import CheckedBy
from app.core.facts import Fact
from app.rack.snapshot import RequestSnapshot, RequestState
from app.ui.looks.marks import Shield
from app.ui.looks.tokens import Tokens
from app.words.catalogue import tr
from app.words.requests import NUMBERS, settled_in_part
from app.words.sentences import fact_text, reason_text
from app.words.states import together


@dataclass(frozen=True)
class Explanation:
    """How sure an answer is, the colour of those words and the mark beside them."""

    words: str
    colour: str
    shield: Shield | None = None


def explanation(request: RequestSnapshot, tokens: Tokens) -> Explanation:
    """Return how sure the answer is."""
    told = _certainty(request, tokens)
    if request.note and request.state is not RequestState.FAILED:
        words = together(fact_text(request.note), told.words)
        return replace(told, words=words, colour=tokens.warn)
    return told


def _certainty(request: RequestSnapshot, tokens: Tokens) -> Explanation:
    if request.state is RequestState.FAILED:
        return Explanation(reason_text(request.state_reason), tokens.bad)
    if request.state is RequestState.PAUSED:
        return Explanation(reason_text(request.state_reason), tokens.warn)
    if not (request.text or request.labels or request.embedding):
        return Explanation("", tokens.muted)
    if not request.state.ended:
        return _while_open(request, tokens)
    if request.open_text:
        words = tr("Dotted text was never checked.")
        return Explanation(words, tokens.warn, Shield.EMPTY)
    return _once_settled(request, tokens)


def _while_open(request: RequestSnapshot, tokens: Tokens) -> Explanation:
    if request.kind in NUMBERS:
        words = tr("Not settled yet: a check may still take it back.")
    elif request.open_text:
        words = tr("Dotted text is not settled yet: a check may still take it back.")
    else:
        return Explanation("", tokens.muted)
    return Explanation(words, tokens.warn, Shield.EMPTY)


def _once_settled(request: RequestSnapshot, tokens: Tokens) -> Explanation:
    numbers = request.kind in NUMBERS
    if request.checked_by is CheckedBy.WHOLE_CHECK:
        share = request.check_s / max(request.text_s, 1e-9)
        words = fact_text(Fact("request.checked_whole", time=request.check_s, share=share))
        return Explanation(words, tokens.good, Shield.FULL)
    if request.verified:
        answer = tr("This answer is verified: every stage was computed again.")
        text = tr("All of this text is verified: every token was computed again.")
        return Explanation(answer if numbers else text, tokens.good, Shield.FULL)
    told = settled_in_part(request.audited_stages, request.stages)
    return Explanation(told, tokens.text, Shield.HALF)
