"""The ledger: registers phones, records what they did, pays and punishes them.

Every method that changes something returns once the change is on the disk; inside `atomic`, the
change is there once that ends. What is said of one phone, receipt or transaction may be said again
with the same arguments: it counts once. A phone or a transaction that is not known, and whatever
else breaks a rule, raises `LedgerError` and changes nothing. Used from one thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from app.core.assignment import Assignment
from app.core.audit_outcome import DutyOutcome, SharpOutcome
from app.core.clock import Clock
from app.core.errors import LedgerError
from app.core.identifiers import RequestId, Serial, TransactionId
from app.ledger.desks.canaries import CanaryDesk
from app.ledger.desks.conformance import ConformanceDesk
from app.ledger.desks.contradictions import ContradictionDesk
from app.ledger.desks.deals import DealDesk
from app.ledger.desks.evidence import EvidenceDesk, deleting
from app.ledger.desks.governance import GovernanceDesk
from app.ledger.desks.intake import StatementIntake
from app.ledger.desks.recorder import EntryRecorder
from app.ledger.desks.stakes import StakeDesk
from app.ledger.desks.trust import TrustDesk
from app.ledger.desks.upkeep import Upkeep
from app.ledger.desks.witnesses import WitnessDesk
from app.ledger.desks.writers import WriterDesk
from app.ledger.entry import EntryKind
from app.ledger.evidence_store import EvidenceStore
from app.ledger.journal.journal_clock import JournalClock
from app.ledger.journal.keys import epoch_secret, public_bytes
from app.ledger.journal.opening import open_journal
from app.ledger.rules.agreement import Agreement
from app.ledger.rules.audits.proven import FaultJudge, require_proven
from app.ledger.rules.audits.refusals import price_fields
from app.ledger.rules.audits.sharp_tests import SharpRecord, doubted_name
from app.ledger.rules.deals.opening import deal_fields
from app.ledger.rules.economy import JAIL_S, STARTING_STAKE
from app.ledger.rules.epochs import commitment_of, due_stages, duties_left, sharp_tests_left
from app.ledger.rules.evidence import (
    SignedReceipt,
    content_of,
    same_opening,
)
from app.ledger.rules.phones.phone_rules import slash_amount
from app.ledger.rules.phones.registration import ProvenKey
from app.ledger.rules.quotes.quote import Fill
from app.ledger.rules.stages import stages_fields
from app.ledger.rules.state import State
from app.ledger.rules.verdict import AuditVerdict, ReceiptStatus, verdict_fields
from app.ledger.storage.addresses import LedgerPlace, evidence_folder
from app.ledger.views.reasons import NEVER_CONCLUDED
from app.ledger.views.rows import RecentEntries
from app.ledger.views.snapshot import LedgerSnapshot, PhoneStanding
from app.ledger.views.standing import standing_of
from workers.protocol.commands import SignedTerms


class Ledger:
    """The one writer of a ledger file; amounts are micro-credits."""

    def __init__(
        self, path: LedgerPlace, key_path: Path, clock: Clock, judge: FaultJudge | None = None
    ) -> None:
        """Open or begin a ledger; an existing one is read and checked from its newest snapshot on.

        What its entries name by digest is kept beside it (`evidence`). Without a `judge` of such
        files nobody can be convicted by one. Raises `LedgerError`, the file left as it was, where
        it is damaged, of a newer format, in use, or not signed with the key at `key_path`.
        """
        self._judge = judge
        self._recent = RecentEntries()
        self._running: set[TransactionId] = set()
        """Transactions that this process began; while one is open its epoch goes on."""
        self.evidence = EvidenceStore(evidence_folder(path))
        self._store, self._key, self._journal = open_journal(
            path, key_path, clock.wall_ms(), deleting(self.evidence, self._recent.add)
        )
        self._clock = JournalClock(clock, self._journal)
        recorder = EntryRecorder(self._journal, self._clock, self.host_key)
        self.deals, self.stakes = DealDesk(recorder), StakeDesk(recorder)
        self.governance, self.trust = GovernanceDesk(recorder), TrustDesk(recorder)
        self.kept_evidence = EvidenceDesk(recorder, self.evidence)
        self.intake = StatementIntake(self.governance, self.stakes)
        self.conformance = ConformanceDesk(recorder, self._key)
        self.contradictions = ContradictionDesk(recorder, self.evidence, self.slash)
        self.canaries = CanaryDesk(recorder, self._key, self.evidence, self.slash)
        self.witnesses = WitnessDesk(self._journal, self._key, self._clock)
        self.writers = WriterDesk(self._journal, self._key, self._clock, self._store)
        desks = self.deals, self.stakes, self.governance, self.kept_evidence
        self.look_after = Upkeep(recorder, *desks).look

    def atomic(self) -> AbstractContextManager[None]:
        """Let what is done inside count together or, where it raises, not at all.

        May be nested: the outermost writes it to the disk, in one commit under one signed head,
        and raises `LedgerError` where that fails. Nothing of it counts then; where the disk does
        not even say so, that is found out before anything more is done.
        """
        return self._journal.atomic()

    def close(self) -> None:
        """Reveal the epoch's secret, leave a snapshot to open by, and close the file."""
        try:
            self._close_epoch()
            self._journal.leave_snapshot()
        finally:
            self._store.close()

    def register_phone(self, serial: Serial, key: ProvenKey, numerical_class: str) -> None:
        """Enter a phone, without a stake; known already, note its new key or class.

        Raises `LedgerError` for a key that is not proven to this host or another phone's, and for
        a new one that neither the old one signed nor the operator made room for.
        """
        key.check(serial, public_bytes(self._key))
        known = self._state.phones.get(serial)
        fields = {"serial": serial, "numerical_class": numerical_class, **key.to_fields()}
        named = (key.public_key, numerical_class)
        if known is None:
            self._record(EntryKind.PHONE_REGISTERED, fields)
        elif known.key_withdrawn or (known.public_key, known.numerical_class) != named:
            self._record(EntryKind.PHONE_CHANGED, fields)

    def knows(self, serial: Serial) -> bool:
        """Tell whether the phone is registered."""
        return serial in self._state.phones

    def knows_other_key(self, serial: Serial, public_key: bytes) -> bool:
        """Tell whether the phone is registered with another key, which still counts."""
        known = self._state.phones.get(serial)
        return known is not None and known.public_key != public_key and not known.key_withdrawn

    def withdraw_key(self, serial: Serial, reason: str) -> None:
        """Put on record that a phone's key is lost: the operator's decision.

        The next key that the phone proves takes its place; account and record stay.
        """
        if not self._state.phone(serial).key_withdrawn:
            self._record(EntryKind.KEY_WITHDRAWN, {"serial": serial, "reason": reason})

    def grant_stake(self, serial: Serial) -> None:
        """Give a phone that never had a stake the usual one: the operator's decision."""
        if self._state.phone(serial).staked == 0:
            self.add_stake(serial, STARTING_STAKE)

    def add_stake(self, serial: Serial, amount: int) -> None:
        """Move micro-credits from the operator's account to a phone's stake, at each call."""
        self._record(EntryKind.STAKE_ADDED, {"serial": serial, "amount": str(amount)})

    @property
    def host_key(self) -> bytes:
        """The public half of the key that signs this ledger's heads."""
        return public_bytes(self._key)

    def open_transaction(
        self,
        transaction: TransactionId,
        request: RequestId,
        assignment: Assignment,
        agreement: Agreement,
        price_per_token: int,
        audit_rate: float,
        most_tokens: int,
        fills: Sequence[Fill] = (),
    ) -> SignedTerms:
        """Begin an attempt; return what its phones are told of it and sign for.

        What `most_tokens` cost goes into escrow; `fills` are quotes bought, by stage. `audit_rate`,
        the usual share of receipts to audit, is journalled with the commitment to the draws; a new
        one begins with a new epoch, once nothing is under way. Raises `LedgerError`.
        """
        self._open_epoch(audit_rate)
        fields = {
            "transaction": transaction,
            "request": request,
            "model": assignment.model,
            **stages_fields(assignment, agreement.shards),
            **agreement.to_fields(),
            "price_per_token": str(price_per_token),
            **deal_fields(self._state, self._clock.wall_ms(), assignment.serials, most_tokens),
        }
        if fills:
            fields["fills"] = [each.to_fields() for each in fills]
        self._record(EntryKind.TRANSACTION_OPENED, fields)
        self._running.add(transaction)
        return self._state.transaction(transaction).agreed[0].terms

    def record_receipt(self, data: bytes, signature: bytes, public_key: bytes) -> ReceiptStatus:
        """Check a receipt and put it on record.

        A second one that says the same (but for its sequence number) changes nothing; one that
        says something else is evidence of equivocation and costs the whole stake.
        Raises `LedgerError` for a receipt that does not verify or is not what was agreed.
        """
        signed = SignedReceipt.of(data, signature, public_key)
        work = signed.verified()
        attempt = self._state.transaction(work.transaction)
        fields = {"transaction": work.transaction, "stage": work.index}
        known = attempt.receipts.get(work.index)
        if known is None:
            self._record(EntryKind.RECEIPT, {**fields, **signed.to_fields()})
            return ReceiptStatus.RECORDED
        content = content_of(signed.data)
        if known == content:
            return ReceiptStatus.REPEATED
        if not same_opening(known, content):
            raise LedgerError("receipt.other_opening", stage=work.index)
        self.contradictions.of_one_opening(known, signed, work)
        return ReceiptStatus.EQUIVOCATION

    def record_audit(self, verdict: AuditVerdict) -> None:
        """Put a verdict on record; it moves the phone's reputation, once for one outcome."""
        attempt = self._state.transaction(verdict.transaction)
        if attempt.verdicts.get(verdict.stage) is verdict.outcome:
            return
        self._record(EntryKind.AUDIT, verdict_fields(verdict))

    def due_stages(self, transaction: TransactionId) -> frozenset[int]:
        """Return the stages whose receipts are to be audited: drawn after their phones signed."""
        attempt = self._state.transaction(transaction)
        if attempt.epoch != self._state.epoch.number:
            return frozenset()
        return due_stages(attempt, epoch_secret(self._key, attempt.epoch))

    def record_not_audited(
        self, transaction: TransactionId, stage: int, outcome: DutyOutcome, reason: str
    ) -> None:
        """Account for an audit that was due and not done; a verdict or an account stands."""
        attempt = self._state.transaction(transaction)
        if stage in attempt.verdicts or stage in attempt.not_audited:
            return
        fields = {
            "transaction": transaction,
            "stage": stage,
            "serial": attempt.stage(stage).serial,
            "outcome": outcome.value,
            "reason": reason,
        }
        fields |= price_fields(self._state, attempt, stage, outcome, reason)
        self._record(EntryKind.AUDIT_NOT_DONE, fields)

    def record_sharp_test(self, found: SharpRecord) -> None:
        """Put on record what came of running a stage again; what is on record stands.

        What it names as evidence has to be in `evidence`; what takes stake has to convince the
        judge of just what is recorded. Raises `LedgerError`.
        """
        attempt = self._state.transaction(found.transaction)
        if found.stage in attempt.sharp_tests:
            return
        fields = {**found.to_fields(), "serial": attempt.stage(found.stage).serial}
        fields |= price_fields(self._state, attempt, found.stage, found.outcome, found.reason)
        with self.atomic():
            self._record(EntryKind.SHARP_TEST, fields)
            require_proven(fields, self.evidence, self._judge)

    def stages_of(self, transaction: TransactionId) -> tuple[Serial, ...]:
        """Return whose stages a transaction has, in order. Raises `LedgerError`."""
        stages = self._state.transaction(transaction).stages
        return tuple(Serial(stage.serial) for stage in stages)

    def is_doubted(self, transaction: TransactionId, serial: Serial) -> bool:
        """Tell whether a phone signed in a transaction for work of a class in doubt."""
        return self._state.is_doubted(self._state.transaction(transaction), serial)

    def confirm_class(self, ending: str) -> str:
        """Close the breaker of the class whose name ends so; return it. Raises `LedgerError`."""
        name = doubted_name(self._state, ending)
        self._record(EntryKind.CLASS_CONFIRMED, {"class": name})
        return name

    def slash(
        self,
        serial: Serial,
        transaction: TransactionId,
        reason: str,
        evidence: Mapping[str, Any],
        reporter: Serial | None = None,
    ) -> int:
        """Take the penalty for an offence and jail the phone; return what was taken.

        An offence in one transaction is punished once: 0 the next time. Anything but a
        contradiction needs a failed sharp test on record. A share of it is the `reporter`'s.
        Raises `LedgerError`, also unpenalised.
        """
        if (serial, reason) in self._state.transaction(transaction).penalties:
            return 0
        taken = slash_amount(self._state, serial, reason)
        fields = {
            "serial": serial,
            "transaction": transaction,
            "reason": reason,
            "amount": str(taken),
            "evidence": dict(evidence),
        }
        self._record(EntryKind.SLASHED, fields | ({"reporter": reporter} if reporter else {}))
        return taken

    def withheld(
        self, serial: Serial, transaction: TransactionId, unpaid_for: str | None = None
    ) -> None:
        """Note that a phone did not answer for its work: reputation and jail, no slash.

        With a reason to leave it `unpaid_for` it gets nothing, though it may have signed.
        """
        if serial in self._state.transaction(transaction).withheld:
            return
        until_ms = self._clock.wall_ms() + JAIL_S * 1000
        fields = {"serial": serial, "transaction": transaction, "until_ms": until_ms}
        reason = {} if unpaid_for is None else {"unpaid_for": unpaid_for}
        self._record(EntryKind.RECEIPT_WITHHELD, {**fields, **reason})

    def jail(self, serial: Serial, reason: str, seconds: int) -> None:
        """Keep a phone from work for so many seconds from now; a longer term stays."""
        until_ms = self._clock.wall_ms() + seconds * 1000
        self._record(EntryKind.JAILED, {"serial": serial, "reason": reason, "until_ms": until_ms})

    def release(self, serial: Serial) -> None:
        """End a phone's jail term, and what adds up. Raises `LedgerError` for one banned."""
        standing, phone = self.standing(serial), self._state.phone(serial)
        held = phone.deaths.refuses or phone.false_answers
        if standing.jailed_until_ms is not None or not standing.admitted or held:
            self._record(EntryKind.RELEASED, {"serial": serial})

    def roll_back(self, transaction: TransactionId, good_tokens: int, reason: str) -> None:
        """End an attempt early: so many tokens count (`DealDesk.roll_back`)."""
        self.deals.roll_back(transaction, good_tokens, reason)

    def settle(self, transaction: TransactionId, tokens: int) -> None:
        """Fix who is paid for so many tokens, once (`DealDesk.settle`)."""
        self.deals.settle(transaction, tokens)

    def recover(self) -> None:
        """Bring to an end what an earlier process left unfinished; pay and decide what is due."""
        self.deals.recover(self._running)
        self.look_after()

    def standing(self, serial: Serial) -> PhoneStanding:
        """Return a phone's account. Raises `LedgerError` for one never registered."""
        return standing_of(self._state, serial, self._clock.wall_ms())

    def numerical_class(self, serial: Serial) -> str:
        """Return what a phone named as its numerical class when it joined."""
        return self._state.phone(serial).numerical_class

    def snapshot(self) -> LedgerSnapshot:
        """Return the newest end of what is on the disk."""
        return self._recent.snapshot(self._journal.written_state)

    @property
    def _state(self) -> State:
        return self._journal.state

    def _open_epoch(self, audit_rate: float) -> None:
        epoch = self._state.epoch
        if epoch.commitment is not None:
            if epoch.audit_rate == audit_rate or (epoch.audit_rate is not None and self._is_busy()):
                return
            self._close_epoch()
        commitment = commitment_of(epoch_secret(self._key, epoch.number + 1)).hex()
        rate = {"commitment": commitment, "audit_rate": repr(audit_rate)}
        self._record(EntryKind.EPOCH_OPENED, {"epoch": epoch.number + 1, **rate})

    def _is_busy(self) -> bool:
        known = self._state.transactions
        self._running = {x for x in self._running if x in known and known[x].status.running}
        return bool(self._running)

    def _close_epoch(self) -> None:
        """Reveal the secret, after an account of every audit that was drawn and not done."""
        epoch = self._state.epoch
        if epoch.commitment is None:
            return
        secret = epoch_secret(self._key, epoch.number)
        with self.atomic():
            for duty in list(duties_left(self._state, secret)):
                transaction, outcome = TransactionId(duty.transaction), DutyOutcome.UNAVAILABLE
                self.record_not_audited(transaction, duty.stage, outcome, NEVER_CONCLUDED)
            for duty in list(sharp_tests_left(self._state)):
                none = SharpOutcome.UNAVAILABLE, NEVER_CONCLUDED
                self.record_sharp_test(SharpRecord(duty.transaction, duty.stage, *none))
            self._record(EntryKind.EPOCH_CLOSED, {"epoch": epoch.number, "secret": secret.hex()})

    def _record(self, kind: str, fields: Mapping[str, Any]) -> None:
        self._journal.record(kind, fields, self._clock.wall_ms())
