"""The rules of the ledger: what an entry does to the state, or why it is refused.

Pure, and the same for a new entry and for a replayed one: verification runs these rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from app.core.errors import LedgerError
from app.ledger.entry import FORMAT_VERSION, Entry, EntryKind, Fields, integer, octets, share_of_one
from app.ledger.rules import evidence, transaction_rules, witness_rules, writers
from app.ledger.rules.accounts import MINT, OPERATOR, Posting, post
from app.ledger.rules.audits import class_reading, sharp_tests, verifiers
from app.ledger.rules.deals import closing
from app.ledger.rules.economy import OPERATOR_ENDOWMENT
from app.ledger.rules.epochs import commitment_of, duties_left, sharp_tests_left
from app.ledger.rules.governance import grants, stopping, voting
from app.ledger.rules.kept import evidence as kept_evidence
from app.ledger.rules.phones import (
    canaries,
    conformance,
    distrust,
    phone_rules,
    registration,
    reused_numbers,
)
from app.ledger.rules.stakes import keepers
from app.ledger.rules.state import Change, Epoch, State

Rule = Callable[[State, Entry, Fields], Change]


def change_of(state: State, entry: Entry) -> Change:
    """Return an entry's effect on the state, which is left as it is.

    Raises `LedgerError` with the reason where the entry breaks a rule.
    """
    if (entry.kind == EntryKind.GENESIS) != (state.entries == 0):
        raise LedgerError("ledger.one_genesis")
    rule = RULES.get(entry.kind)
    if rule is None:
        raise LedgerError("entry.unknown_kind", entry=entry.sequence, kind=entry.kind)
    return rule(state, entry, entry.fields())


def apply(state: State, entry: Entry) -> State:
    """Return the state after an entry; the same object, changed. Raises `LedgerError`."""
    state.absorb(change_of(state, entry))
    return state


def _genesis(state: State, _entry: Entry, fields: Fields) -> Change:
    number = _format(state, fields)
    key = octets(fields, "host_key", 32)
    endowment = (Posting("endowment", MINT, OPERATOR, OPERATOR_ENDOWMENT),)
    balances = post(state.balances, state.transfers, endowment)
    return Change(endowment, balances, format=number, host_key=key)


def _format_raised(state: State, _entry: Entry, fields: Fields) -> Change:
    return Change(format=_format(state, fields))


def _format(state: State, fields: Fields) -> int:
    """Return the format that an entry says the next ones have: a newer one that is known here."""
    number = integer(fields, "format")
    if not state.format < number <= FORMAT_VERSION:
        raise LedgerError("ledger.format_out_of_order", format=number, before=state.format)
    return number


def _epoch_opened(state: State, _entry: Entry, fields: Fields) -> Change:
    number = integer(fields, "epoch")
    if state.epoch.commitment is not None or number != state.epoch.number + 1:
        raise LedgerError("epoch.out_of_order", epoch=number, before=state.epoch.number)
    if "audit_rate" not in fields and state.epoch.binding:
        raise LedgerError("epoch.without_rate", epoch=number)
    rate = share_of_one(fields, "audit_rate") if "audit_rate" in fields else None
    commitment = octets(fields, "commitment", 32)
    return Change(epoch=Epoch(number, commitment, rate, binding=rate is not None))


def _epoch_closed(state: State, _entry: Entry, fields: Fields) -> Change:
    number, secret = integer(fields, "epoch"), octets(fields, "secret", 32)
    if state.epoch.commitment is None or number != state.epoch.number:
        raise LedgerError("epoch.not_open", epoch=number)
    if commitment_of(secret) != state.epoch.commitment:
        raise LedgerError("epoch.other_secret", epoch=number)
    if left := next(duties_left(state, secret), None):
        raise LedgerError(
            "epoch.audit_skipped", epoch=number, stage=left.stage, transaction=left.transaction
        )
    if left := next(sharp_tests_left(state), None):
        raise LedgerError(
            "epoch.sharp_test_skipped", epoch=number, stage=left.stage, transaction=left.transaction
        )
    return Change(epoch=Epoch(number, binding=state.epoch.binding))


RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        EntryKind.GENESIS: _genesis,
        EntryKind.FORMAT_RAISED: _format_raised,
        EntryKind.EPOCH_OPENED: _epoch_opened,
        EntryKind.EPOCH_CLOSED: _epoch_closed,
        EntryKind.PHONE_REGISTERED: registration.registered,
        EntryKind.PHONE_CHANGED: registration.changed,
        EntryKind.KEY_WITHDRAWN: registration.key_withdrawn,
        EntryKind.EXAMINED: conformance.examined,
        EntryKind.STAKE_ADDED: phone_rules.stake_added,
        EntryKind.JAILED: phone_rules.jailed,
        EntryKind.RELEASED: phone_rules.released,
        EntryKind.SLASHED: phone_rules.slashed,
        EntryKind.TRANSACTION_OPENED: transaction_rules.opened,
        EntryKind.RECEIPT: evidence.receipt,
        EntryKind.EQUIVOCATION: evidence.equivocation,
        EntryKind.NUMBER_REUSED: reused_numbers.number_reused,
        EntryKind.RECEIPT_WITHHELD: transaction_rules.withheld,
        EntryKind.AUDIT: transaction_rules.audited,
        EntryKind.AUDIT_NOT_DONE: transaction_rules.not_audited,
        EntryKind.VERIFIER_CHECKED: verifiers.verifier_checked,
        EntryKind.SHARP_TEST: sharp_tests.sharp_test,
        EntryKind.CANARY: canaries.canary,
        EntryKind.CLASS_CONFIRMED: sharp_tests.class_confirmed,
        EntryKind.CLASS_READ: class_reading.class_read,
        EntryKind.WAY_DISTRUSTED: distrust.way_distrusted,
        EntryKind.WAYS_TRUSTED: distrust.ways_trusted,
        EntryKind.ROLLED_BACK: transaction_rules.rolled_back,
        EntryKind.SETTLED: transaction_rules.settled,
        EntryKind.COSIGNED: witness_rules.cosigned,
        EntryKind.WRITER_ADMITTED: writers.admitted,
        EntryKind.WRITER_CHANGED: writers.changed,
        EntryKind.COMMITTED: closing.committed,
        EntryKind.VOIDED: closing.voided,
        EntryKind.PAYMENTS_RELEASED: closing.released,
        EntryKind.KEEPER_NAMED: keepers.keeper_named,
        EntryKind.EARNINGS_STAKED: keepers.earnings_staked,
        EntryKind.UNBONDING_BEGUN: keepers.unbonding_begun,
        EntryKind.UNBONDING_ENDED: keepers.unbonding_ended,
        EntryKind.QUOTED: keepers.quoted,
        EntryKind.PROPOSED: voting.proposed,
        EntryKind.VOTED: voting.voted,
        EntryKind.PROPOSAL_CLOSED: voting.closed,
        EntryKind.PROPOSAL_EXECUTED: voting.executed,
        EntryKind.GRANT_PAID: grants.grant_paid,
        EntryKind.STOPPED: stopping.stopped,
        EntryKind.RESUMED: stopping.resumed,
        EntryKind.EVIDENCE_RULE: kept_evidence.rule_changed,
        EntryKind.EVIDENCE_LET_GO: kept_evidence.let_go,
    }
)
