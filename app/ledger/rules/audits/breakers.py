"""A circuit breaker: where several phones of a new class fail alike, nobody is blamed for it.

A class is the processor, the build of the engine and how it rounds. Is it new here, and two of its
phones fail, it is likelier this computer that judges them wrongly than that both lie. The breaker
opens with the entry that tells of the second; from there on audits and sharp tests of the class
move neither stake, pay nor reputation, until the operator confirms that they judge rightly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from app.core.audit_outcome import AuditOutcome, SharpOutcome
from app.core.errors import LedgerError
from app.ledger.entry import Fields

OPENS_AT: Final = 2
"""So many phones of a new class that fail."""
KNOWN_FROM: Final = 20
"""So many audits passed, by `KNOWN_BY` phones, make a class a known one."""
KNOWN_BY: Final = 2


@dataclass(frozen=True)
class ClassRecord:
    """What audits showed of the phones of one class."""

    name: str
    passed: int = 0
    passed_by: frozenset[str] = frozenset()
    failed_by: frozenset[str] = frozenset()
    confirmed: bool = False
    """Whether the operator said, or this computer's own class shows, that it is judged rightly."""
    doubted: bool = False
    """Whether the breaker is open."""
    reproduced: bool | None = None
    """Whether some rounding gives its canary's products again; None where none was read."""

    @property
    def known(self) -> bool:
        """Whether phones of the class were judged often enough."""
        often = self.passed >= KNOWN_FROM and len(self.passed_by) >= KNOWN_BY
        return self.confirmed or often

    def after_audit(self, serial: str, outcome: AuditOutcome, *, own: bool) -> ClassRecord:
        """Return it after an audit; `own` where the host computes with the same class."""
        record = replace(self, confirmed=self.confirmed or own)
        if outcome is AuditOutcome.PASSED:
            return _passed(record, serial)
        return _failed(record, serial)

    def after_sharp_test(self, serial: str, outcome: SharpOutcome) -> ClassRecord:
        """Return it after a sharp test: who held has not failed."""
        match outcome:
            case SharpOutcome.PASSED:
                return _passed(replace(self, failed_by=self.failed_by - {serial}), serial)
            case SharpOutcome.FAILED:
                return _failed(self, serial)
        return self

    def after_confirmation(self) -> ClassRecord:
        """Return it once the operator stands by what was found. Raises `LedgerError` if known."""
        if not self.doubted:
            raise LedgerError("breaker.not_open", name=self.name)
        return replace(self, confirmed=True, doubted=False)


def _passed(record: ClassRecord, serial: str) -> ClassRecord:
    return replace(record, passed=record.passed + 1, passed_by=record.passed_by | {serial})


def _failed(record: ClassRecord, serial: str) -> ClassRecord:
    failed_by = record.failed_by | {serial}
    opens = not record.known and len(failed_by) >= OPENS_AT
    return replace(record, failed_by=failed_by, doubted=record.doubted or opens)


def own_class(fields: Fields) -> str:
    """Return the class that an audit's entry says the host computes with; empty where it does not.

    The same for each entry of one host: what it says is for everybody to see.
    """
    evidence = fields.get("evidence")
    named = evidence.get("host_class") if isinstance(evidence, dict) else None
    return named if isinstance(named, str) else ""
