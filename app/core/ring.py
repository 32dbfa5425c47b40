"""What every part agrees on about a ring of phones."""

from __future__ import annotations

from typing import Final

RUN_TOKENS: Final = 8
"""How many tokens a closed ring decodes at least before it waits for the host."""
_MAXIMUM_RUN_TOKENS: Final = 32
_RUN_S: Final = 0.25
"""How long it may go on without the host where tokens are quick: so late are others let in."""


def run_tokens(step_s: float) -> int:
    """Return how many tokens a closed ring decodes on end where one takes that long."""
    if step_s * _MAXIMUM_RUN_TOKENS <= _RUN_S:
        return _MAXIMUM_RUN_TOKENS
    return max(RUN_TOKENS, int(_RUN_S / step_s))
