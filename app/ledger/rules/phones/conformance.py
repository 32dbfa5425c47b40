"""Whether a phone keeps the Inference Engine Standard: a report that host and phone signed.

The phone signs as it greets: the nonce of its `hello` is the report's digest. It cannot tell that
greeting from any other, so one that breaks rules cannot sign only the reports that suit it. Its
signature says that its key was on the line when this report was made, the host's what it found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from app.core.errors import LedgerError, reason_of
from app.core.standard.rules import RULES_OF
from app.ledger.entry import Entry, Fields, canonical_json, flag, integer, octets, records, text
from app.ledger.rules.fifth_format import CHOICES_FORMAT
from app.ledger.rules.phones.registration import ProvenKey
from app.ledger.rules.state import Change, PhoneAccount, State
from workers.errors import ReceiptError
from workers.identity.receipts import verify_signature
from workers.protocol.commands import SIGNATURE_BYTES

CONFORMANCE_TAG: Final = b"poip/v1/conformance\0"


@dataclass(frozen=True)
class ConformanceReport:
    """What a host found on a phone: each rule of a version of the standard, and whether it holds.

    `run` counts the reports on the phone, so that an old one does not count again.
    """

    serial: str
    public_key: bytes
    host_key: bytes
    numerical_class: str
    version: int
    run: int
    rules: tuple[tuple[str, bool], ...]

    @property
    def message(self) -> bytes:
        """What the host signs: a domain tag and canonical JSON (RFC 8785)."""
        rules = [{"name": name, "holds": holds} for name, holds in self.rules]
        keys = {"public_key": self.public_key.hex(), "host_key": self.host_key.hex()}
        return CONFORMANCE_TAG + canonical_json({**vars(self), **keys, "rules": rules}).encode()

    @property
    def digest(self) -> bytes:
        """What the phone signs as the nonce of its greeting: 32 bytes."""
        return hashlib.sha256(self.message).digest()

    @classmethod
    def read(cls, fields: Fields, host_key: bytes) -> Self:
        """Return the report in an entry. Raises `LedgerError`."""
        rules = tuple(
            (text(each, "name"), flag(each, "holds")) for each in records(fields, "rules")
        )
        return cls(
            text(fields, "serial"),
            octets(fields, "public_key", 32),
            host_key,
            text(fields, "numerical_class"),
            integer(fields, "version"),
            integer(fields, "run"),
            rules,
        )


def conformance_fields(
    report: ConformanceReport, key: ProvenKey, host_signature: bytes
) -> dict[str, Any]:
    """Return a report as an entry holds it, with both signatures."""
    return {
        "serial": report.serial,
        "numerical_class": report.numerical_class,
        "version": report.version,
        "run": report.run,
        "rules": [{"name": name, "holds": holds} for name, holds in report.rules],
        "host_signature": host_signature.hex(),
        **key.to_fields(),
    }


def examined(state: State, _entry: Entry, fields: Fields) -> Change:
    """Keep which rules of the standard a phone breaks; the newest report counts."""
    if state.format < CHOICES_FORMAT:
        raise LedgerError("conformance.older_format", format=state.format)
    report, phone = ConformanceReport.read(fields, state.host_key), _phone(state, fields)
    _check_rules(report)
    _check_signatures(state, report, fields)
    if report.run != phone.examinations + 1:
        raise LedgerError("conformance.other_run", phone=phone.serial, run=report.run)
    if report.numerical_class != phone.numerical_class:
        raise LedgerError("conformance.other_class", phone=phone.serial)
    broken = frozenset(name for name, holds in report.rules if not holds)
    phone = replace(phone, examinations=report.run, standard=report.version, broken_rules=broken)
    return Change(phones=(phone,))


def _phone(state: State, fields: Fields) -> PhoneAccount:
    """Return the phone that a report is about, under the key that it has now."""
    phone = state.phone(text(fields, "serial"))
    if phone.key_withdrawn or octets(fields, "public_key", 32) != phone.public_key:
        raise LedgerError("conformance.other_key", phone=phone.serial)
    return phone


def _check_rules(report: ConformanceReport) -> None:
    """Raise `LedgerError` unless each rule of a known version is there, once and in order."""
    if report.version not in RULES_OF:
        raise LedgerError("conformance.unknown_version", version=report.version)
    _check_names([name for name, _ in report.rules], report.version)


def _check_names(names: Sequence[str], version: int) -> None:
    if names != [rule.name.value for rule in RULES_OF[version]]:
        raise LedgerError("conformance.other_rules", version=version)


def _check_signatures(state: State, report: ConformanceReport, fields: Fields) -> None:
    key = ProvenKey.from_fields(fields)
    if key.nonce != report.digest:
        raise LedgerError("conformance.other_digest", phone=report.serial)
    key.check(report.serial, state.host_key)
    try:
        signature = octets(fields, "host_signature", SIGNATURE_BYTES)
        verify_signature(report.message, signature, state.host_key)
    except ReceiptError as error:
        raise LedgerError(
            "conformance.not_signed_by_host", phone=report.serial, reason=reason_of(error)
        ) from None
