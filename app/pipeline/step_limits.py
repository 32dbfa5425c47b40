"""How long a step may be out before it counts as lost, or before a phone counts as stuck.

Two silences end a wait. One begins anew whenever some phone is at work: once it lasts too long, the
step is in nobody's hands. The other runs from the start, however busy a phone says that it is.
"""

from __future__ import annotations

from dataclasses import dataclass

STEP_DEADLINE_S = 2.0
"""The least time a step is given that no phone works on."""
STEP_DEADLINE_FACTOR = 20
"""How many times the slowest token so far, or as predicted, such a step may take."""
PREFILL_DEADLINE_S = 30.0
"""The least time a chunk is given that phones work on."""
CHUNK_FACTOR = 4
"""How many times the slowest chunk so far, or its tokens one by one, a chunk may take."""


@dataclass(frozen=True)
class TokenTimes:
    """What one decoded token is predicted to take; zero where nothing is."""

    token_s: float = 0.0
    hop_s: float = 0.0
    """The longest of its hops."""


@dataclass(frozen=True)
class StepLimits:
    """When the wait for a step ends."""

    idle_s: float
    """With no phone at work."""
    total_s: float


class Pace:
    """What is known of the time that the steps of one attempt take."""

    def __init__(self, predicted: TokenTimes, patience: float) -> None:
        """Give the least times `patience` times over."""
        self._predicted = predicted
        self._patience = patience
        self._slowest_token_s = predicted.token_s
        self._slowest_chunk_s = 0.0

    def token_took(self, step_s: float) -> None:
        """Learn from a decoding step."""
        self._slowest_token_s = max(self._slowest_token_s, step_s)

    def chunk_took(self, step_s: float) -> None:
        """Learn from a chunk of a prompt."""
        self._slowest_chunk_s = max(self._slowest_chunk_s, step_s)

    def of_token(self) -> StepLimits:
        """Return what a decoding step is given, whoever works on it."""
        least_s = STEP_DEADLINE_S * self._patience
        limit_s = max(least_s, STEP_DEADLINE_FACTOR * self._slowest_token_s)
        return StepLimits(limit_s, limit_s)

    def of_chunk(self, tokens: int) -> StepLimits:
        """Return what a chunk is given: in nobody's hands it is only while it crosses a hop."""
        crossing_s = tokens * self._predicted.hop_s
        chunk_s = max(tokens * self._predicted.token_s, self._slowest_chunk_s)
        idle_s = max(self.of_token().idle_s, CHUNK_FACTOR * crossing_s)
        total_s = max(PREFILL_DEADLINE_S * self._patience, CHUNK_FACTOR * chunk_s)
        return StepLimits(idle_s, max(idle_s, total_s))
