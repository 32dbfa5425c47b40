"""What the attempts of a request are made by: its own wishes, the rack's, and what is known."""

from __future__ import annotations

from typing import Final

from app.pipeline.opening_stages.attempt_terms import AttemptTerms
from app.rack.layers.spans import Applied
from app.rack.requests.request import Request
from app.rack.requests.workplace import Workplace
from workers.protocol.sampling_rule import AskedTokens

NO_TOKENS: Final = AskedTokens(1 << 32, 1)
"""What is asked for where a text is only read: no slot holds so many rows."""


def terms_of_attempt(
    request: Request, workplace: Workplace, applied: Applied, *, reads: bool, closed: bool
) -> AttemptTerms:
    """Return the terms of an attempt that writes on, or only `reads` what is written.

    `closed` is whether the ring may go on by itself.
    """
    known = len(request.prompt_tokens) + len(request.tokens)
    return AttemptTerms(
        applied.model.vocabulary_size,
        applied.pace,
        workplace.chunk_tokens,
        workplace.most_chunks,
        request.sampling,
        workplace.boundary,
        request.alternatives,
        request.end_tokens,
        closed,
        None if reads else request.history(workplace.lookup),
        NO_TOKENS if reads else AskedTokens(known, len(request.tokens) + 1),
        request.source_tokens,
        request.pixels,
    )
