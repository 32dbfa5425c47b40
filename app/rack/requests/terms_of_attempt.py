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


READING_CHUNK_TOKENS: Final = 32
"""How much of a prompt goes in one step where others write meanwhile on the same phones: a token
waits for the rows that a stage is at."""


def terms_of_attempt(
    request: Request,
    workplace: Workplace,
    applied: Applied,
    *,
    reads: bool,
    closed: bool,
    any_cut: bool = False,
) -> AttemptTerms:
    """Return the terms of an attempt that writes on, or only `reads` what is written.

    `closed` is whether the ring may go on by itself, `any_cut` whether rows are the same however a
    prompt is cut. What only reads has one step under way at a time: the text that is being written
    is not to wait for more than that.
    """
    known = len(request.prompt_tokens) + len(request.tokens)
    chunk_tokens = workplace.chunk_tokens
    if reads and any_cut:
        chunk_tokens = min(chunk_tokens, READING_CHUNK_TOKENS)
    return AttemptTerms(
        applied.model.vocabulary_size,
        applied.pace,
        chunk_tokens,
        1 if reads else workplace.most_chunks,
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
