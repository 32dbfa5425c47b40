"""What a step's trace holds: moments of this computer's clock; `step_trace` makes them."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.identifiers import Serial, TransactionId


@dataclass(frozen=True, slots=True)
class StageTrace:
    """One stage's part of a step; all but `clock_us` on this computer's monotonic clock."""

    serial: Serial
    clock_us: int
    """When the step came by the phone's clock: all requests that shared the step have the same."""
    received_bytes: int
    """Of the frame that it came in."""
    left_s: float
    """When the frame left the stage before, or this computer."""
    idle_s: float
    """How long the phone had had nothing to do when it came."""
    arrived_s: float
    begun_s: float
    engine_s: float
    """Of the time from begun to computed, within the inference engine."""
    computed_s: float
    sent_s: float
    clock_error_s: float
    """How far the phone's times may be off at most."""


@dataclass(frozen=True, slots=True)
class StepTrace:
    """One step's way round the ring."""

    transaction: TransactionId
    step: int
    position: int
    tokens: int
    generated: int
    """The 1-based number of the token that came of it; 0 of a piece of a prompt."""
    rows: int
    """How many requests shared it."""
    by_ring: bool
    """Whether the last stage began it by itself."""
    begun_s: float
    stages: tuple[StageTrace, ...]
    told_bytes: int
    """Of the message in which the last stage told the outcome."""
    heard_s: float
