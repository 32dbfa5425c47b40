"""What an experiment is to do: faults and their targets, dose, time, workload, seed, repeats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.faults.kinds import FaultKind

MOST_FAULTS: Final = 64
MOST_REPEATS: Final = 20
MOST_STREAMS: Final = 16
MOST_TOKENS: Final = 4_096
LONGEST_S: Final = 3_600.0
MOST_PROMPT: Final = 20_000
"""Characters."""
MOST_NAME: Final = 120


@dataclass(frozen=True)
class PlannedFault:
    """One fault before it is known which phones it strikes.

    `target` is `phone:N`, `serial:S`, `stage:first`, `stage:middle`, `stage:last`, `stage:N`,
    `share:0.25` of the phones at work, drawn by the seed, `all`, or `host`.
    """

    kind: FaultKind
    target: str
    token: int = 1
    """From which generated token on, 1-based; of what a worker does."""
    amount: float | None = None
    share: float = 1.0
    """In how many of the steps it shows."""
    after_s: float = 0.0
    """How long after the workload began it is injected; 0 is before it."""


@dataclass(frozen=True)
class Workload:
    """What the rack does meanwhile, greedily so that its text is known beforehand."""

    prompt: str = "In the beginning"
    tokens: int = 32
    streams: int = 1
    """How many requests at a time."""
    audit_rate: float | None = None
    """Share of receipts audited meanwhile; None leaves it as it is."""


@dataclass(frozen=True)
class Experiment:
    """A whole plan."""

    name: str
    faults: tuple[PlannedFault, ...]
    workload: Workload = Workload()
    duration_s: float = 120.0
    """What is not over by then is stopped."""
    repeat: int = 1
    seed: int = 0
    control: bool = True
    """Whether the workload runs once without faults first, to compare with."""
