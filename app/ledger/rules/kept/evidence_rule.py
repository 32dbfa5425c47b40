"""How long evidence is kept: what a journal says of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EvidenceRule:
    """How long evidence beside the ledger is kept, as far as nothing needs it."""

    most_days: int = 0
    """0 is for ever."""
    most_bytes: int = 1 << 30
    """All files together: beyond it the oldest go first."""
