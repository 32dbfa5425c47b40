"""What the journal adds up to: accounts, phones, transactions and the epoch.

Records are frozen; an entry's effect is a `Change`, worked out first and absorbed whole, so that
a refused or unwritten entry leaves no trace.
"""

from __future__ import annotations

import json
from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self, TypeVar

from app.core.audit_outcome import AuditOutcome, SharpOutcome
from app.core.errors import LedgerError
from app.ledger.rules.accounts import Posting
from app.ledger.rules.audits.breakers import ClassRecord
from app.ledger.rules.audits.deaths import Deaths
from app.ledger.rules.audits.suspicion import NOT_ADMITTED_FROM, SUSPECTED_FROM
from app.ledger.rules.audits.wealth import Wealth
from app.ledger.rules.deals.deal import Deal
from app.ledger.rules.governance.public_economy import PublicEconomy
from app.ledger.rules.kept.evidence_rule import EvidenceRule
from app.ledger.rules.kept.names import UsedNames
from app.ledger.rules.kept.packing import Packing
from app.ledger.rules.kept.records import KeptRecords, RecordKind
from app.ledger.rules.phones.canary_record import CanaryRecord, Pace
from app.ledger.rules.phones.reputation import Reputation
from workers.protocol.chain import ChainName, Span
from workers.protocol.commands import SignedTerms

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Unbonding:
    """Stake on its way out, in micro-credits, and when it is paid."""

    amount: int
    due_ms: int


@dataclass(frozen=True)
class PhoneAccount:
    """A phone's account with the ledger; amounts in micro-credits."""

    serial: str
    public_key: bytes
    numerical_class: str
    staked: int
    """Everything ever staked, slashed or not: the bond is a share of it."""
    slashed: int = 0
    reputation: Reputation = field(default_factory=Reputation)
    audits_passed: int = 0
    audits_failed: int = 0
    audits_deviating: int = 0
    watched_audits: int = 0
    """How many audits it has still to pass before it is audited no more often than others."""
    jailed_until_ms: int = 0
    tombstoned: bool = False
    former_keys: frozenset[bytes] = frozenset()
    suspicion: Wealth = field(default_factory=Wealth)
    """What bets on its deviations have grown to (`app.ledger.rules.audits.suspicion`)."""
    deaths: Deaths = field(default_factory=Deaths)
    owed: int = 0
    """What refusals cost it: taken of its pay to come, as nobody but it knows why it refused."""
    lost_keys: frozenset[bytes] = frozenset()
    """Of its keys, those that the operator said are lost: who signs with them is not known."""
    key_withdrawn: bool = False
    """Whether the operator said that its key is lost: the next one proven is taken in its place."""
    granted: int = 0
    """What of its stake the operator put up: it has no vote and is not taken out."""
    pending: int = 0
    """What settled transactions hold for it until the time for evidence is over."""
    keeper: str = ""
    """The key of who speaks for it, hexadecimal; empty where nobody does."""
    unbonding: tuple[Unbonding, ...] = ()
    """What is on its way out, what is due first in front."""
    examinations: int = 0
    """How many reports on the standard there are of it."""
    standard: int = 0
    """Which version of the standard the newest is by."""
    broken_rules: frozenset[str] = frozenset()
    """Which rules it breaks by that report."""
    canaries: tuple[CanaryRecord, ...] = ()
    """The last five that counted, the newest last."""
    pace: Pace | None = None
    """How quick it was in the newest canary, by its own word; None before the first."""
    false_answers: int = 0
    """How often it audited another phone and its answer was wrong, since it was released."""

    @property
    def watched(self) -> bool:
        """Whether it is audited more often than others."""
        return self.watched_audits > 0 or self.suspicion.amount >= SUSPECTED_FROM

    @property
    def admitted(self) -> bool:
        """Whether it gets work: what coarse audits add up to may keep it from that."""
        return self.suspicion.amount < NOT_ADMITTED_FROM


@dataclass(frozen=True)
class TransactionStage:
    """One phone's span in a transaction: layers `first` to `end - 1` of a chain."""

    serial: str
    chain: ChainName | None
    """None in format 1, which did not name a model's only chain."""
    first: int
    end: int

    @classmethod
    def of(cls, serial: str, span: Span) -> Self:
        """Return the stage of a phone that holds a span."""
        return cls(serial, span.chain, span.first, span.end)

    @property
    def layer_count(self) -> int:
        """Number of layers."""
        return self.end - self.first


@dataclass(frozen=True)
class AgreedTerms:
    """What a stage's receipt has to name of what was agreed when its transaction was opened."""

    terms: SignedTerms
    shard: str
    sampling: str
    alternatives: int
    boundary: str
    cache: str


class TransactionStatus(StrEnum):
    """How far a transaction got."""

    OPEN = "open"
    COMMITTED = "committed"
    DISPUTED = "disputed"
    ROLLED_BACK = "rolled-back"
    SETTLED = "settled"
    RELEASED = "released"
    VOID = "void"

    @property
    def running(self) -> bool:
        """Whether it is not known yet what becomes of it."""
        return self in (self.OPEN, self.COMMITTED, self.DISPUTED)

    @property
    def paid(self) -> bool:
        """Whether it is decided who is paid."""
        return self in (self.SETTLED, self.RELEASED)


@dataclass(frozen=True)
class TransactionRecord:
    """One attempt at a request under one assignment."""

    transaction: str
    stages: tuple[TransactionStage, ...]
    price_per_token: int
    agreed: tuple[AgreedTerms, ...] = ()
    """By stage; empty in formats before the third."""
    status: TransactionStatus = TransactionStatus.OPEN
    receipts: Mapping[int, str] = field(default_factory=dict)
    """By stage, the content of the receipt on record without its sequence number."""
    keys: Mapping[int, bytes] = field(default_factory=dict)
    """By stage, the key that its receipt is signed with: the phone may have another by now."""
    offenders: frozenset[str] = frozenset()
    """Phones that failed an audit, were slashed or did not answer for their work: not paid."""
    contradicted: frozenset[str] = frozenset()
    """Phones of which two signatures that contradict each other are on record."""
    verdicts: Mapping[int, AuditOutcome] = field(default_factory=dict)
    """By stage, the outcome of its newest audit."""
    held_against: frozenset[int] = frozenset()
    """Stages whose audits count in their phones' reputation: not while their class is in doubt."""
    withheld: frozenset[str] = frozenset()
    """Phones that did not sign."""
    penalties: frozenset[tuple[str, str]] = frozenset()
    """(serial, reason) of every slash: each is taken once."""
    epoch: int = 0
    """The epoch it was opened in; 0 in journals older than the duty to account for every draw."""
    format: int = 0
    """Under whose rules it was opened."""
    audit_rates: Mapping[int, float] = field(default_factory=dict)
    """By stage, the share of such receipts that was audited when its phone signed."""
    not_audited: Mapping[int, str] = field(default_factory=dict)
    """By stage, why an audit that was due was not done."""
    sharp_tests: Mapping[int, SharpOutcome] = field(default_factory=dict)
    """By stage, what came of running it again with its insides in view."""
    sharp_due: frozenset[int] = frozenset()
    """Stages whose audits deviate, so that they have to be run again."""
    deal: Deal | None = None
    """Its money; None in formats before the fifth, which paid at once."""
    canaries: frozenset[int] = frozenset()
    """Stages of which it is on record what they took, by their phones' own word."""
    overclaimed: frozenset[str] = frozenset()
    """Phones that by then stood by more than they did three times of five."""
    verifier_checks: frozenset[tuple[int, str]] = frozenset()
    """(stage, serial) of every phone's answer about a stage that was computed again."""
    payable_tokens: int | None = None
    """After a roll-back, how many tokens were good; once settled, how many were paid for."""

    def failed_audit(self, serial: str) -> bool:
        """Say whether the phone's newest verdict in this transaction is against it."""
        return any(
            outcome is AuditOutcome.FAILED and self.stages[index].serial == serial
            for index, outcome in self.verdicts.items()
        )

    def failed_sharp_test(self, serial: str) -> bool:
        """Say whether what the phone signed for in this transaction convicts it."""
        return any(
            outcome is SharpOutcome.FAILED and self.stages[index].serial == serial
            for index, outcome in self.sharp_tests.items()
        )

    def stage(self, index: int) -> TransactionStage:
        """Return a stage. Raises `LedgerError` where there is none."""
        if not 0 <= index < len(self.stages):
            raise LedgerError("transaction.no_stage", transaction=self.transaction, stage=index)
        return self.stages[index]


@dataclass(frozen=True)
class Epoch:
    """A span of time with one audit secret; `commitment` is its tagged SHA-256."""

    number: int = 0
    commitment: bytes | None = None
    """None while no epoch is open."""
    audit_rate: float | None = None
    """The usual share of receipts to audit, journalled before the first of them was signed."""
    binding: bool = False
    """Whether draws have to be accounted for: from the first epoch on that names its rate."""

    def is_open(self, number: int) -> bool:
        """Tell whether this is the epoch of that number and its secret is not revealed yet."""
        return self.number == number and self.commitment is not None


@dataclass(frozen=True)
class Change:
    """The effect of one entry: records that take the place of earlier ones."""

    transfers: tuple[Posting, ...] = ()
    balances: Mapping[str, int] = field(default_factory=dict)
    phones: tuple[PhoneAccount, ...] = ()
    transaction: TransactionRecord | None = None
    transactions: tuple[TransactionRecord, ...] = ()
    """More of them, where an entry is about several."""
    economy: PublicEconomy | None = None
    epoch: Epoch | None = None
    format: int | None = None
    """That of the entries from the next one on."""
    host_key: bytes | None = None
    writers: frozenset[bytes] | None = None
    of_class: ClassRecord | None = None
    evidence_rule: EvidenceRule | None = None
    distrusted: frozenset[tuple[str, str]] | None = None


def _rests(attempt: TransactionRecord) -> bool:
    """Tell whether a transaction is over: its payments are released, or never were held."""
    if attempt.status is TransactionStatus.SETTLED:
        return attempt.deal is None
    return attempt.status in (TransactionStatus.RELEASED, TransactionStatus.VOID)


_TRANSACTIONS: Final = RecordKind(Packing(TransactionRecord), _rests, lambda attempt: attempt.epoch)


class State:
    """Everything the entries so far imply. Changed by `absorb` only."""

    def __init__(self) -> None:
        self.entries = 0
        self.format = 0
        """Under whose rules the next entry is read."""
        self.host_key = b""
        self.writers: frozenset[bytes] = frozenset()
        """Keys whose holders may take over from who writes."""
        self.balances: MutableMapping[str, int] = {}
        self.transfers = UsedNames()
        """Identifiers of all transfers made: each is made once."""
        self.phones: MutableMapping[str, PhoneAccount] = {}
        self.transactions = KeptRecords(_TRANSACTIONS)
        self.classes: MutableMapping[str, ClassRecord] = {}
        """By name, the classes of phones that were audited, or whose canary was read."""
        self.distrusted: frozenset[tuple[str, str]] = frozenset()
        """Ways, as sender and receiver, that nothing goes by any more."""
        self.epoch = Epoch()
        self.economy = PublicEconomy()
        self.evidence_rule = EvidenceRule()

    def draft(self) -> State:
        """Return a state that begins as this one and can be changed or dropped without it.

        It holds what it changes and looks up the rest here: this one stays as it is meanwhile.
        """
        draft = State.__new__(State)
        vars(draft).update(vars(self))
        draft.balances = _over(self.balances)
        draft.transfers = self.transfers.draft()
        draft.phones = _over(self.phones)
        draft.transactions = self.transactions.draft()
        draft.classes = _over(self.classes)
        return draft

    def phone(self, serial: str) -> PhoneAccount:
        """Return a phone's record. Raises `LedgerError` for one never registered."""
        try:
            return self.phones[serial]
        except KeyError:
            raise LedgerError("ledger.phone_unknown", phone=serial) from None

    def transaction(self, transaction: str) -> TransactionRecord:
        """Return a transaction. Raises `LedgerError` for one never opened."""
        try:
            return self.transactions[transaction]
        except KeyError:
            raise LedgerError("transaction.unknown", transaction=transaction) from None

    def transactions_of(self, epoch: int) -> Iterator[TransactionRecord]:
        """Yield the transactions that were opened in an epoch."""
        return self.transactions.labelled(epoch)

    def class_record(self, name: str) -> ClassRecord:
        """Return what is known of a class, nothing where none of its phones was audited."""
        return self.classes.get(name, ClassRecord(name))

    def class_of(self, attempt: TransactionRecord, stage: int) -> ClassRecord:
        """Return what is known of the class that a stage's receipt names."""
        return self.class_record(str(json.loads(attempt.receipts[stage]).get("numerical_class")))

    def is_doubted(self, attempt: TransactionRecord, serial: str) -> bool:
        """Tell whether a phone signed in a transaction for work of a class in doubt."""
        return any(
            self.class_of(attempt, stage).doubted
            for stage in attempt.receipts
            if attempt.stages[stage].serial == serial
        )

    def balance(self, account: str) -> int:
        """Return an account's balance in micro-credits, 0 where it was never used."""
        return self.balances.get(account, 0)

    def absorb(self, change: Change) -> None:
        """Take over the effect of the next entry; cannot fail."""
        self.entries += 1
        if change.balances:
            self.balances.update(change.balances)
        if change.transfers:
            self.transfers.add(item.id for item in change.transfers)
        for phone in change.phones:
            self.phones[phone.serial] = phone
        if change.transaction is not None:
            self.transactions[change.transaction.transaction] = change.transaction
        for each in change.transactions:
            self.transactions[each.transaction] = each
        if change.economy is not None:
            self.economy = change.economy
        if change.epoch is not None:
            self.epoch = change.epoch
        if change.of_class is not None:
            self.classes[change.of_class.name] = change.of_class
        if change.distrusted is not None:
            self.distrusted = change.distrusted
        if change.evidence_rule is not None:
            self.evidence_rule = change.evidence_rule
        self._absorb_writing(change)

    def _absorb_writing(self, change: Change) -> None:
        """Take over who writes from here on, and how."""
        if change.format is not None:
            self.format = change.format
        if change.writers is not None:
            self.writers = change.writers
        if change.host_key is not None:
            self.host_key = change.host_key


def _over(records: MutableMapping[str, _Value]) -> ChainMap[str, _Value]:
    maps = records.maps if isinstance(records, ChainMap) else [records]
    return ChainMap({}, *maps)
