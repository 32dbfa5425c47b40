"""What is kept of canaries with a phone's account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_US: Final = 1_000_000


@dataclass(frozen=True)
class CanaryRecord:
    """One that counted, by the entry's transaction and stage."""

    transaction: str
    stage: int
    short: bool
    """Whether the phone stood by more than it did."""
    statement: str = ""
    """Of one that did: what it signed, with key and signature, as JSON."""


@dataclass(frozen=True)
class Pace:
    """What a step of so many bytes of weights took a phone lately, by what it signed."""

    weight_bytes: int
    step_us: int

    def times_slower(self, rate: float, overhead_s: float) -> float:
        """Return how many times longer that is than a rate and an overhead say; 1 at least."""
        said_us = (self.weight_bytes / rate + overhead_s) * _US
        return max(self.step_us / said_us, 1.0) if said_us > 0 else 1.0
