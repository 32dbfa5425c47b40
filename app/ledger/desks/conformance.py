"""Reports on the Inference Engine Standard: numbered, signed by this host, put on record."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.core.identifiers import Serial
from app.core.standard.rules import STANDARD_VERSION, RuleOutcome
from app.ledger.desks.recorder import EntryRecorder
from app.ledger.entry import EntryKind
from app.ledger.rules.phones.conformance import ConformanceReport, conformance_fields
from app.ledger.rules.phones.registration import ProvenKey


class ConformanceDesk:
    """Makes reports and keeps those that their phones signed. Used from one thread."""

    def __init__(self, recorder: EntryRecorder, key: Ed25519PrivateKey) -> None:
        self._recorder = recorder
        self._key = key

    def report(self, serial: Serial, outcomes: Sequence[RuleOutcome]) -> ConformanceReport:
        """Return the next report on a phone. Raises `LedgerError` for one never registered."""
        phone = self._recorder.state.phone(serial)
        return ConformanceReport(
            serial,
            phone.public_key,
            self._recorder.host_key,
            phone.numerical_class,
            STANDARD_VERSION,
            phone.examinations + 1,
            tuple((each.name.value, each.reason is None) for each in outcomes),
        )

    def record(self, report: ConformanceReport, key: ProvenKey) -> None:
        """Put a report on record that the phone signed. Raises `LedgerError`."""
        signature = self._key.sign(report.message)
        fields = conformance_fields(report, key, signature)
        self._recorder.record(EntryKind.EXAMINED, fields)
