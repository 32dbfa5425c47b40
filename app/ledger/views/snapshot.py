"""What front ends see of the ledger. Amounts are micro-credits, integers only."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.facts import Fact
from app.core.identifiers import Serial
from app.ledger.rules.kept.evidence_rule import EvidenceRule
from app.ledger.rules.phones.canary_record import Pace
from app.ledger.rules.quotes.quote import Quote
from app.ledger.views.economy import EconomySnapshot


@dataclass(frozen=True)
class PhoneStanding:
    """A phone's account with the ledger; amounts in micro-credits."""

    stake: int
    bonded: int
    balance: int
    slashed: int
    reputation: float
    """Lower confidence bound, 0 to 1."""
    audits_passed: int
    audits_failed: int
    jailed_until_ms: int | None
    audits_deviating: int = 0
    """Audits whose outputs rounding does not explain and that were not wrong for certain either."""
    admitted: bool = True
    """Whether it gets work; if not, what its audits add up to keeps it from that."""
    suspicion: float = 0.0
    """What bets on its deviations have grown to: from 20 on it is audited more often."""
    owed: int = 0
    """What refusals cost it that its pay has not made good yet."""
    watched_audits: int = 0
    """How many audits it has still to pass before it is audited no more often than others."""
    pending: int = 0
    """What of its balance is paid once the time for evidence against it is over."""
    own_stake: int = 0
    """What of its stake the operator did not grant."""
    unbonding: int = 0
    """Stake on its way out, which can still be slashed."""
    votes: int = 0
    keeper: str = ""
    """The key of who speaks for it, hexadecimal; empty where nobody does."""
    probation: bool = False
    """Whether it has less than the minimum stake: all its receipts are audited."""
    standard: int = 0
    """By which version of the standard it was examined last; 0 where it never was."""
    broken_rules: tuple[str, ...] = ()
    """Which of its rules it broke then (`app.core.standard.rules`)."""
    canaries: int = 0
    """How many of the last five canaries counted, and how many of these fell short of its word."""
    short_canaries: int = 0
    pace: Pace | None = None
    """How quick it was in the newest canary; None before the first."""
    quote: Quote | None = None
    """What its keeper asks for a layer and token; None where it asks nothing."""


@dataclass(frozen=True)
class JournalRow:
    """One journal entry, short."""

    sequence: int
    wall_ms: int
    kind: str
    subject: str
    summary: Fact
    entry_hash: str


@dataclass(frozen=True)
class SlashRow:
    """One slash with its evidence."""

    sequence: int
    wall_ms: int
    serial: Serial
    amount: int
    reason: str
    """By the name that the penalty table has for it."""
    evidence: str


@dataclass(frozen=True)
class DoubtedClass:
    """A class of which several phones failed before any was known to be judged rightly."""

    name: str
    phones: tuple[str, ...]
    """Those that failed, by serial number."""


@dataclass(frozen=True)
class LedgerSnapshot:
    """The newest end of the ledger."""

    entries: int
    head_hash: str
    treasury: int
    journal: tuple[JournalRow, ...]
    """The newest 200, newest last."""
    slashes: tuple[SlashRow, ...]
    doubted: tuple[DoubtedClass, ...] = ()
    """Classes whose phones nobody is blamed for until the operator confirms."""
    economy: EconomySnapshot = field(default_factory=EconomySnapshot)
    evidence_rule: EvidenceRule = field(default_factory=EvidenceRule)
