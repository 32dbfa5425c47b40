"""What every desk works with: the journal, and the moment in which an entry is written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from app.core.clock import Clock
from app.ledger.journal.journal import Journal
from app.ledger.rules.state import State


@dataclass(frozen=True)
class EntryRecorder:
    """Writes entries of one ledger. Used from one thread."""

    journal: Journal
    clock: Clock
    host_key: bytes

    @property
    def state(self) -> State:
        """What the entries so far add up to, those not yet written among them."""
        return self.journal.state

    @property
    def wall_ms(self) -> int:
        """Now, in milliseconds since 1970 UTC."""
        return self.clock.wall_ms()

    def record(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Append an entry. Raises `LedgerError` where a rule refuses it."""
        self.journal.record(kind, fields, self.clock.wall_ms())

    def atomic(self) -> AbstractContextManager[None]:
        """Let what is recorded inside count together or not at all."""
        return self.journal.atomic()
