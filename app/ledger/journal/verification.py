"""Checking a ledger without trusting it: everything is recomputed, nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core.errors import LedgerError
from app.core.facts import Fact
from app.ledger.entry import Entry, EntryKind, integer, record
from app.ledger.evidence_store import EvidenceStore
from app.ledger.journal.replay import replay
from app.ledger.journal.signatures import (
    SignatureRefusedError,
    SignaturesInParallel,
    check_signature,
)
from app.ledger.journal.witness_check import WitnessCheck
from app.ledger.rules.audits.proven import FaultJudge, convicts_by_evidence, require_proven
from app.ledger.rules.evidence import SignedReceipt
from app.ledger.rules.phones.reused_numbers import ReusedNumber
from app.ledger.rules.transaction_rules import outcome_of
from app.ledger.storage.addresses import LedgerPlace, evidence_folder
from app.ledger.storage.places import open_storage_read_only

_READ_AGAIN: Final = (LedgerError, SignatureRefusedError, BrokenExecutor)
"""After these a ledger is read once more, one entry after the other: that tells what is wrong."""


@dataclass(frozen=True)
class FormatUse:
    """Entries in a row that were written in one format, under its rules."""

    format: int
    entries: int


@dataclass(frozen=True)
class VerificationReport:
    """Whether a ledger is what its host signed, and if not, the first thing that is wrong."""

    valid: bool
    entries: int
    """How many entries were read and found right."""
    problem: Fact | None
    cosigned_entries: int
    """How many entries the newest head covers that phones signed too."""
    witnesses: int
    """How many phones signed that head."""
    audits: Mapping[str, int]
    """How many audits that were drawn came to which end: passed, failed, deviates, refused..."""
    formats: tuple[FormatUse, ...]
    """Under which rules the entries were written, oldest first."""
    convictions: int = 0
    """How many phones were found wrong by evidence that was judged again, and convinces."""
    unproven: int = 0
    """How many by evidence that is not there, or that nobody judged."""
    let_go: int = 0
    """How many by evidence that was let go by rule, as the journal says."""


def verify_ledger(
    path: LedgerPlace, public_key: bytes, judge: FaultJudge | None = None
) -> VerificationReport:
    """Replay a ledger against the host's public key (32 bytes; `keys.read_public_key`).

    Checked: the file, the chain, every rule and amount, every receipt's signature, revealed epoch
    secrets, the signed head; with a `judge` also the evidence beside the ledger by which phones
    were found wrong, as far as it is kept. Raises `LedgerError` only where there is no ledger at
    all.
    """
    if isinstance(path, Path) and not path.is_file():
        raise LedgerError("ledger.none_there", path=str(path))
    evidence = EvidenceStore(evidence_folder(path))
    with suppress(*_READ_AGAIN), SignaturesInParallel() as signatures:
        checker = _Checker(evidence, judge, signatures.take)
        return _verified(path, public_key, checker, signatures.ahead)
    counter = _Checker(evidence, judge, check_signature)
    try:
        return _verified(path, public_key, counter)
    except LedgerError as error:
        return counter.report(error.fact)


def _verified(
    path: LedgerPlace,
    public_key: bytes,
    counter: _Checker,
    ahead: Callable[[Iterator[Entry]], Iterator[Entry]] = iter,
) -> VerificationReport:
    store = open_storage_read_only(path)
    try:
        replay(store, public_key, (counter.check,), ahead)
    finally:
        store.close()
    return counter.report(None)


class _Checker:
    """Checks the signatures in entries that replay found right."""

    def __init__(
        self,
        evidence: EvidenceStore,
        judge: FaultJudge | None,
        check_signature: Callable[[SignedReceipt], None],
    ) -> None:
        self._evidence, self._judge = evidence, judge
        self._check_signature = check_signature
        self._convictions = self._unproven = self._let_go = 0
        self._missing: Counter[str] = Counter()
        self._audits: Counter[str] = Counter()
        self._heads = WitnessCheck()
        self._entries: dict[int, int] = {}
        """By format, oldest first."""

    @property
    def entries(self) -> int:
        return sum(self._entries.values())

    def report(self, problem: Fact | None) -> VerificationReport:
        heads, audits = self._heads, dict(self._audits)
        formats = tuple(FormatUse(*each) for each in self._entries.items())
        return VerificationReport(
            problem is None,
            self.entries,
            problem,
            heads.size,
            heads.witnesses,
            audits,
            formats,
            self._convictions,
            self._unproven + self._missing.total(),
            self._let_go,
        )

    def check(self, entry: Entry) -> None:
        try:
            if entry.kind == EntryKind.RECEIPT:
                self._check_signature(SignedReceipt.from_fields(entry.fields()))
            elif entry.kind == EntryKind.EQUIVOCATION:
                self._check_signature(SignedReceipt.from_fields(record(entry.fields(), "second")))
            elif entry.kind == EntryKind.NUMBER_REUSED:
                pair = ReusedNumber.from_fields(entry.fields())
                self._check_signature(pair.first)
                self._check_signature(pair.second)
            elif convicts_by_evidence(entry.kind, entry.fields()):
                self._convict(entry)
        except LedgerError as error:
            raise LedgerError(
                "ledger.entry_refused", entry=entry.sequence, reason=error.fact
            ) from None
        if entry.kind == EntryKind.EVIDENCE_LET_GO:
            self._let_go += sum(self._missing.pop(name, 0) for name in entry.fields()["names"])
        if entry.kind in (EntryKind.AUDIT, EntryKind.AUDIT_NOT_DONE):
            self._audits[outcome_of(entry.fields())] += 1
        self._heads.take(entry)
        self._count(entry)

    def _convict(self, entry: Entry) -> None:
        """Raise `LedgerError` for evidence that is there and does not convince."""
        name = str(entry.fields().get("evidence"))
        if not self._evidence.has(name):
            self._missing[name] += 1
            return
        if self._judge is None:
            self._unproven += 1
            return
        require_proven(entry.fields(), self._evidence, self._judge)
        self._convictions += 1

    def _count(self, entry: Entry) -> None:
        if entry.kind in (EntryKind.GENESIS, EntryKind.FORMAT_RAISED):
            self._entries[integer(entry.fields(), "format")] = 0
        self._entries[next(reversed(self._entries))] += 1
