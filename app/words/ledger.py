"""What verifying a ledger showed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from app.core.audit_outcome import AuditOutcome, ChecksSnapshot, DutyOutcome
from app.core.facts import Fact
from app.ledger.entry import EntryKind
from app.ledger.views.reasons import reason_named
from app.ledger.views.snapshot import JournalRow
from app.words.catalogue import Message, message, ntr, tr
from app.words.sentences import sentence
from app.words.states import listed, together

if TYPE_CHECKING:  # the window and `--help` say words and load no database
    from app.ledger.journal.verification import FormatUse
    from app.ledger.rules.kept.evidence_rule import EvidenceRule


def checks_text(checks: ChecksSnapshot) -> str:
    """Return how little auditing would be too little, and what checking every token cost."""
    least, cost = checks.least_safe_rate, checks.cost_share
    if least is None:
        words = ""
    elif least >= 1:
        words = tr("No audit rate is safe: a phone has too little at stake.")
    else:
        words = tr("Honest work pays best above {least}.").format(least=f"{least:.1%}")
    if cost is None:
        return words
    told = tr("Checking the newest text took {share} of its time.").format(share=f"{cost:.0%}")
    return together(words, told) if words else told


def verified_text(entries: int, formats: Sequence[FormatUse]) -> str:
    """Return that a ledger is untouched, and under which rules it was written."""
    words = ntr(
        "The ledger is valid: {entries} entry replayed.",
        "The ledger is valid: {entries} entries replayed.",
        entries,
    )
    text = tr("Rules in force: {formats}.")
    told = listed(format_text(each) for each in formats)
    return together(words.format(entries=entries), text.format(formats=told))


def format_text(use: FormatUse) -> str:
    """Return how many entries were written in a format."""
    words = ntr(
        "format {format} for {count} entry", "format {format} for {count} entries", use.entries
    )
    return words.format(format=use.format, count=use.entries)


def evidence_rule_fact(rule: EvidenceRule) -> Fact:
    """Return how long evidence is kept."""
    if rule.most_days:
        return Fact("journal.evidence_rule_days", count=rule.most_days, size=rule.most_bytes)
    return Fact("journal.evidence_rule", size=rule.most_bytes)


def not_valid_text(entries: int, problem: str) -> str:
    """Return after which entry a ledger stops being what its host signed, and why."""
    words = tr("The ledger is not valid after entry {entries}: {problem}")
    return words.format(entries=entries, problem=problem)


_KINDS: Final[Mapping[str, Message]] = {
    EntryKind.GENESIS: message("genesis"),
    EntryKind.FORMAT_RAISED: message("format raised"),
    EntryKind.PHONE_REGISTERED: message("phone registered"),
    EntryKind.PHONE_CHANGED: message("phone changed"),
    EntryKind.KEY_WITHDRAWN: message("key withdrawn"),
    EntryKind.EXAMINED: message("examined"),
    EntryKind.STAKE_ADDED: message("stake added"),
    EntryKind.TRANSACTION_OPENED: message("transaction opened"),
    EntryKind.RECEIPT: message("receipt"),
    EntryKind.EQUIVOCATION: message("equivocation"),
    EntryKind.NUMBER_REUSED: message("number reused"),
    EntryKind.RECEIPT_WITHHELD: message("receipt withheld"),
    EntryKind.AUDIT: message("audit"),
    EntryKind.AUDIT_NOT_DONE: message("audit not done"),
    EntryKind.CANARY: message("canary"),
    EntryKind.VERIFIER_CHECKED: message("verifier checked"),
    EntryKind.CLASS_CONFIRMED: message("class confirmed"),
    EntryKind.CLASS_READ: message("class read"),
    EntryKind.WAY_DISTRUSTED: message("way distrusted"),
    EntryKind.WAYS_TRUSTED: message("ways trusted"),
    EntryKind.SHARP_TEST: message("sharp test"),
    EntryKind.SLASHED: message("slashed"),
    EntryKind.JAILED: message("jailed"),
    EntryKind.RELEASED: message("released"),
    EntryKind.ROLLED_BACK: message("rolled back"),
    EntryKind.SETTLED: message("settled"),
    EntryKind.EPOCH_OPENED: message("epoch opened"),
    EntryKind.EPOCH_CLOSED: message("epoch closed"),
    EntryKind.COSIGNED: message("cosigned"),
    EntryKind.WRITER_ADMITTED: message("writer admitted"),
    EntryKind.WRITER_CHANGED: message("writer changed"),
    EntryKind.COMMITTED: message("committed"),
    EntryKind.VOIDED: message("void"),
    EntryKind.PAYMENTS_RELEASED: message("payments released"),
    EntryKind.KEEPER_NAMED: message("keeper named"),
    EntryKind.EARNINGS_STAKED: message("earnings staked"),
    EntryKind.UNBONDING_BEGUN: message("unbonding begun"),
    EntryKind.UNBONDING_ENDED: message("unbonding ended"),
    EntryKind.QUOTED: message("quoted"),
    EntryKind.PROPOSED: message("proposed"),
    EntryKind.VOTED: message("voted"),
    EntryKind.PROPOSAL_CLOSED: message("proposal closed"),
    EntryKind.PROPOSAL_EXECUTED: message("proposal executed"),
    EntryKind.GRANT_PAID: message("grant paid"),
    EntryKind.STOPPED: message("stopped"),
    EntryKind.RESUMED: message("resumed"),
    EntryKind.EVIDENCE_RULE: message("evidence rule"),
    EntryKind.EVIDENCE_LET_GO: message("evidence let go"),
}

_METHODS: Final[Mapping[str, Message]] = {
    "exact": message("bit for bit"),
    "tolerance": message("within a tolerance"),
    "together": message("all rows at once"),
    "rounding": message("within what rounding explains"),
}


def method_word(method: str) -> str:
    """Return how an audit compared outputs; a method that is not known stays as it is named."""
    return tr(_METHODS[method]) if method in _METHODS else method


def known_kinds() -> tuple[str, ...]:
    """Return the kinds of entries that there are words for."""
    return tuple(_KINDS)


def kind_word(kind: str) -> str:
    """Return what kind of entry it is; a kind that is not known stays as it is named."""
    return tr(_KINDS[kind]) if kind in _KINDS else kind


def offence_text(name: str) -> str:
    """Return an offence in words, by the name that the penalty table has for it."""
    reason = reason_named(name)
    return reason if isinstance(reason, str) else sentence(reason)


def row_text(row: JournalRow, names: Mapping[str, str]) -> str:
    """Return what a journal entry is about, a phone by its name, and what it tells."""
    return f"{names.get(row.subject, row.subject)}  {summary_text(row)}".strip()


def summary_text(row: JournalRow) -> str:
    """Return what a journal entry tells."""
    fields = dict(row.summary.fields)
    if "method" in fields:
        fields["method"] = method_word(str(fields["method"]))
    return sentence(Fact(row.summary.code, **fields))


def new_entries(count: int) -> str:
    """Return the button that goes to the journal's newest entry."""
    if not count:
        return tr("Newest")
    return ntr("{count} new entry", "{count} new entries", count).format(count=f"{count:,}")


def found_text(count: int, *, more: bool) -> str:
    """Return how many entries a search has found so far."""
    if more:
        return tr("{count} found, scroll up for older ones").format(count=f"{count:,}")
    return ntr("{count} found", "{count} found", count).format(count=f"{count:,}")


def audits_text(audits: Mapping[str, int]) -> str:
    """Return what became of the audits that were drawn, by `AuditOutcome` and `DutyOutcome`."""
    kinds = (
        (AuditOutcome.PASSED, tr("{count} passed")),
        (AuditOutcome.FAILED, tr("{count} failed")),
        (AuditOutcome.DEVIATES, tr("{count} deviate")),
        (DutyOutcome.REFUSED, tr("{count} refused")),
        (DutyOutcome.UNAVAILABLE, tr("{count} could not be done")),
    )
    told = [words.format(count=audits[kind]) for kind, words in kinds if audits.get(kind)]
    return tr("Audits: {outcomes}.").format(outcomes=listed(told))


def cosigned_text(entries: int, witnesses: int) -> str:
    """Return up to where phones hold the ledger to its history."""
    words = ntr(
        "{witnesses} phone signed the head over the first {entries} entries.",
        "{witnesses} phones signed the head over the first {entries} entries.",
        witnesses,
    )
    return words.format(witnesses=witnesses, entries=entries)
