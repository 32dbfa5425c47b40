"""What each journal entry tells, and the newest of them for front ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from app.core.audit_outcome import AuditOutcome, DutyOutcome, SharpOutcome
from app.core.facts import Fact, FieldValue
from app.core.identifiers import Serial
from app.ledger.entry import Entry, EntryKind, Fields, amount, canonical_json
from app.ledger.rules.accounts import TREASURY
from app.ledger.rules.deals.closing import VoidReason
from app.ledger.rules.state import State
from app.ledger.views.economy_reading import economy_view
from app.ledger.views.economy_rows import ECONOMY
from app.ledger.views.reasons import reason_named
from app.ledger.views.snapshot import DoubtedClass, JournalRow, LedgerSnapshot, SlashRow
from app.ledger.views.trust_rows import TRUST

NEWEST_ROWS: Final = 200


class RecentEntries:
    """The newest entries and slashes; rows are made of them once somebody looks."""

    def __init__(self) -> None:
        self._new_entries: deque[Entry] = deque(maxlen=NEWEST_ROWS)
        self._new_slashes: deque[Entry] = deque(maxlen=NEWEST_ROWS)
        self._journal: deque[JournalRow] = deque(maxlen=NEWEST_ROWS)
        self._slashes: deque[SlashRow] = deque(maxlen=NEWEST_ROWS)

    def add(self, entry: Entry) -> None:
        """Take in the next entry."""
        self._new_entries.append(entry)
        if entry.kind == EntryKind.SLASHED:
            self._new_slashes.append(entry)

    def snapshot(self, state: State) -> LedgerSnapshot:
        """Return the newest end of the ledger; the head hash is empty where nothing was written."""
        self._journal.extend(journal_row(entry) for entry in self._new_entries)
        self._slashes.extend(_slash_row(entry) for entry in self._new_slashes)
        self._new_entries.clear()
        self._new_slashes.clear()
        return LedgerSnapshot(
            state.entries,
            self._journal[-1].entry_hash if self._journal else "",
            state.balance(TREASURY),
            tuple(self._journal),
            tuple(self._slashes),
            tuple(
                DoubtedClass(each.name, tuple(sorted(each.failed_by)))
                for each in state.classes.values()
                if each.doubted
            ),
            economy_view(state),
            state.evidence_rule,
        )


def journal_row(entry: Entry) -> JournalRow:
    """Return an entry in short."""
    fields = entry.fields()
    subject = str(fields.get("serial") or fields.get("transaction") or "")
    summary = _SUMMARIES[entry.kind](fields)
    digest = entry.entry_hash.hex()
    return JournalRow(entry.sequence, entry.wall_ms, entry.kind, subject, summary, digest)


def _slash_row(entry: Entry) -> SlashRow:
    fields = entry.fields()
    return SlashRow(
        entry.sequence,
        entry.wall_ms,
        Serial(fields["serial"]),
        amount(fields, "amount"),
        fields["reason"],
        canonical_json(fields["evidence"]),
    )


def _registered(fields: Fields) -> Fact:
    if "stake" in fields:
        return Fact("journal.registered", stake=amount(fields, "stake"))
    return Fact("journal.registered_without_stake")


def _examined(fields: Fields) -> Fact:
    broken = tuple(each["name"] for each in fields["rules"] if not each["holds"])
    if broken:
        return Fact("journal.breaks_rules", version=fields["version"], rules=broken)
    return Fact("journal.keeps_standard", version=fields["version"])


def _opened(fields: Fields) -> Fact:
    return Fact("journal.opened", model=fields["model"], count=len(fields["stages"]))


def _audited(fields: Fields) -> Fact:
    stage, transaction, method = fields["stage"], fields["transaction"], str(fields["method"])
    where: dict[str, FieldValue] = {"stage": stage, "transaction": transaction, "method": method}
    if fields.get("outcome") == AuditOutcome.DEVIATES:
        return Fact("journal.audit_deviates", **where)
    if "verifier" in fields:
        return Fact("journal.audit_passed_by", phone=str(fields["verifier"]), **where)
    if fields["passed"]:
        return Fact("journal.audit_passed", **where)
    return Fact("journal.audit_failed", reason=reason_named(fields["reason"]), **where)


def _not_audited(fields: Fields) -> Fact:
    return Fact(
        "journal.audit_not_done",
        stage=fields["stage"],
        transaction=fields["transaction"],
        reason=reason_named(fields["reason"]),
        outcome=DutyOutcome(fields["outcome"]),
    )


def _sharp_test(fields: Fields) -> Fact:
    where: dict[str, FieldValue] = {"stage": fields["stage"], "transaction": fields["transaction"]}
    if fields["outcome"] == SharpOutcome.PASSED:
        return Fact("journal.sharp_test_passed", **where)
    where["reason"] = reason_named(fields["reason"])
    if "price" in fields:
        return Fact("journal.sharp_test_refused", price=amount(fields, "price"), **where)
    if fields["outcome"] == SharpOutcome.FAILED:
        return Fact("journal.sharp_test_failed", **where)
    return Fact("journal.sharp_test_unavailable", **where)


def _slashed(fields: Fields) -> Fact:
    reason = reason_named(fields["reason"])
    return Fact("journal.slashed", amount=amount(fields, "amount"), reason=reason)


def _settled(fields: Fields) -> Fact:
    paid = sum(amount(payment, "amount") for payment in fields["payments"])
    return Fact("journal.settled", count=fields["tokens"], paid=paid)


def _rolled_back(fields: Fields) -> Fact:
    reason = reason_named(fields["reason"])
    return Fact("journal.rolled_back", count=fields["good_tokens"], reason=reason)


def _evidence_rule(fields: Fields) -> Fact:
    if fields["most_days"]:
        days, size = fields["most_days"], fields["most_bytes"]
        return Fact("journal.evidence_rule_days", count=days, size=size)
    return Fact("journal.evidence_rule", size=fields["most_bytes"])


def _void_reason(fields: Fields) -> Fact:
    expired = fields["reason"] == VoidReason.EXPIRED
    return Fact("transaction.void_expired" if expired else "transaction.void_broken_off")


_SUMMARIES: Final[Mapping[str, Callable[[Fields], Fact]]] = MappingProxyType(
    {
        EntryKind.GENESIS: lambda fields: Fact("journal.genesis", format=fields["format"]),
        EntryKind.FORMAT_RAISED: lambda fields: Fact(
            "journal.format_raised", format=fields["format"]
        ),
        EntryKind.PHONE_REGISTERED: _registered,
        EntryKind.KEY_WITHDRAWN: lambda fields: Fact(
            "journal.key_withdrawn", reason=reason_named(fields["reason"])
        ),
        EntryKind.PHONE_CHANGED: lambda _fields: Fact("journal.phone_changed"),
        EntryKind.EXAMINED: _examined,
        EntryKind.STAKE_ADDED: lambda fields: Fact(
            "journal.stake_added", amount=amount(fields, "amount")
        ),
        EntryKind.TRANSACTION_OPENED: _opened,
        EntryKind.RECEIPT: lambda fields: Fact("journal.receipt", stage=fields["stage"]),
        EntryKind.EQUIVOCATION: lambda fields: Fact("journal.equivocation", stage=fields["stage"]),
        EntryKind.NUMBER_REUSED: lambda fields: Fact(
            "journal.number_reused", stage=fields["stage"]
        ),
        EntryKind.RECEIPT_WITHHELD: lambda fields: Fact(
            "journal.no_receipt", transaction=fields["transaction"]
        ),
        EntryKind.AUDIT: _audited,
        EntryKind.AUDIT_NOT_DONE: _not_audited,
        EntryKind.SHARP_TEST: _sharp_test,
        **TRUST,
        EntryKind.SLASHED: _slashed,
        EntryKind.JAILED: lambda fields: Fact(
            "journal.jailed", reason=reason_named(fields["reason"])
        ),
        EntryKind.RELEASED: lambda _fields: Fact("journal.released"),
        EntryKind.ROLLED_BACK: _rolled_back,
        EntryKind.SETTLED: _settled,
        EntryKind.WRITER_ADMITTED: lambda fields: Fact(
            "journal.writer_admitted", key=fields["key"]
        ),
        EntryKind.WRITER_CHANGED: lambda fields: Fact("journal.writer_changed", key=fields["key"]),
        EntryKind.COSIGNED: lambda fields: Fact("journal.cosigned", count=len(fields["lines"])),
        EntryKind.COMMITTED: lambda fields: Fact("journal.committed", count=fields["tokens"]),
        EntryKind.VOIDED: lambda fields: Fact("journal.void", reason=_void_reason(fields)),
        EntryKind.PAYMENTS_RELEASED: lambda fields: Fact(
            "journal.payments_released", count=len(fields["transactions"])
        ),
        **ECONOMY,
        EntryKind.EVIDENCE_RULE: _evidence_rule,
        EntryKind.EVIDENCE_LET_GO: lambda fields: Fact(
            "journal.evidence_let_go", count=len(fields["names"])
        ),
        EntryKind.EPOCH_OPENED: lambda fields: Fact("journal.epoch_opened", epoch=fields["epoch"]),
        EntryKind.EPOCH_CLOSED: lambda fields: Fact("journal.epoch_closed", epoch=fields["epoch"]),
    }
)
