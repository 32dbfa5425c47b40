"""The later moves of a transaction: committed, void, released; a broken rule raises `LedgerError`.

In which order they may come `moves` says; what is paid, `app.ledger.rules.settlement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, integer, text, texts
from app.ledger.rules.accounts import (
    ESCROW,
    OPERATOR,
    TREASURY,
    Posting,
    earnings_account,
    post,
    stake_account,
)
from app.ledger.rules.deals.deal import Deal, Payment
from app.ledger.rules.deals.moves import check_move
from app.ledger.rules.stakes.standing import missing_stake
from app.ledger.rules.state import Change, PhoneAccount, State, TransactionRecord, TransactionStatus

MOST_RELEASED = 256
"""Transactions that one entry pays out."""


class VoidReason(StrEnum):
    """Why nothing of a transaction is paid."""

    BROKEN_OFF = "broken-off"
    """The host says that nothing came of it."""
    EXPIRED = "expired"
    """Its deadline is past; anybody can see that."""


def deal_of(attempt: TransactionRecord) -> Deal:
    """Return a transaction's deal. Raises `LedgerError` for one of an older format."""
    if attempt.deal is None:
        raise LedgerError("transaction.of_earlier_format", transaction=attempt.transaction)
    return attempt.deal


def committed(state: State, entry: Entry, fields: Fields) -> Change:
    """Take note that the work is done: no receipt comes after it, and for how many tokens."""
    attempt = state.transaction(text(fields, "transaction"))
    deal, tokens = deal_of(attempt), integer(fields, "tokens")
    check_move(attempt, TransactionStatus.COMMITTED)
    if entry.wall_ms > deal.commit_by_ms:
        raise LedgerError("transaction.expired", transaction=attempt.transaction)
    check_committed(attempt, tokens)
    deal = replace(deal, committed_tokens=tokens)
    return Change(transaction=replace(attempt, deal=deal, status=TransactionStatus.COMMITTED))


def check_committed(attempt: TransactionRecord, tokens: int) -> None:
    """Raise `LedgerError` for more tokens than a transaction is committed for, or can pay."""
    committed_for = deal_of(attempt).committed_tokens
    if attempt.price_per_token * tokens > deal_of(attempt).held:
        raise LedgerError("transaction.beyond_escrow", transaction=attempt.transaction)
    if committed_for is not None and tokens > committed_for:
        raise LedgerError(
            "transaction.fewer_good", count=committed_for, transaction=attempt.transaction
        )


def voided(state: State, entry: Entry, fields: Fields) -> Change:
    """End a transaction of which nothing is paid: all of its escrow goes back."""
    attempt, reason = state.transaction(text(fields, "transaction")), text(fields, "reason")
    deal = deal_of(attempt)
    check_move(attempt, TransactionStatus.VOID)
    if reason not in list(VoidReason):
        raise LedgerError("transaction.odd_void", reason=reason)
    expired = reason == VoidReason.EXPIRED
    if attempt.status is not TransactionStatus.OPEN or (attempt.receipts and not expired):
        raise LedgerError("transaction.signed_for", transaction=attempt.transaction)
    if expired and entry.wall_ms <= deal.commit_by_ms:
        raise LedgerError("transaction.not_expired", transaction=attempt.transaction)
    return give_back(state, attempt, TransactionStatus.VOID)


def give_back(
    state: State,
    attempt: TransactionRecord,
    status: TransactionStatus,
    paid: Sequence[Payment] = (),
) -> Change:
    """Return the change that leaves in escrow what is to be paid, and nothing else."""
    deal = deal_of(attempt)
    kept = sum(each.whole for each in paid)
    over = deal.held - kept
    name = f"escrow:{attempt.transaction}:back"
    transfers = (Posting(name, ESCROW, OPERATOR, over),) if over else ()
    deal = replace(deal, held=kept, payments=tuple(paid))
    return Change(
        transfers,
        post(state.balances, state.transfers, transfers),
        transaction=replace(attempt, status=status, deal=deal),
    )


def released(state: State, entry: Entry, fields: Fields) -> Change:
    """Pay what settled transactions hold, once the time for evidence against them is over.

    What is held for a phone that was found out meanwhile goes back to the operator.
    """
    names = texts(fields, "transactions")
    if not 0 < len(names) <= MOST_RELEASED or len(set(names)) != len(names):
        raise LedgerError("transaction.odd_release", most=MOST_RELEASED)
    if state.economy.stopped_at(entry.wall_ms):
        raise LedgerError("governance.stopped")
    draft, transfers, ended = dict[str, PhoneAccount](), list[Posting](), []
    stakes: dict[str, int] = {}
    for name in names:
        attempt = state.transaction(name)
        deal = deal_of(attempt)
        check_move(attempt, TransactionStatus.RELEASED)
        if deal.release_from_ms is None or entry.wall_ms < deal.release_from_ms:
            raise LedgerError("transaction.window_open", transaction=name)
        for payment in deal.payments:
            phone = draft.get(payment.serial, state.phone(payment.serial))
            into_stake = stakes.get(payment.serial, 0)
            phone, made, staked = _paid(state, attempt, payment, phone, into_stake)
            draft[payment.serial], stakes[payment.serial] = phone, into_stake + staked
            transfers += made
        deal = replace(deal, held=0, payments=())
        ended.append(replace(attempt, status=TransactionStatus.RELEASED, deal=deal))
    balances = post(state.balances, state.transfers, transfers)
    return Change(tuple(transfers), balances, tuple(draft.values()), transactions=tuple(ended))


def _paid(
    state: State,
    attempt: TransactionRecord,
    payment: Payment,
    phone: PhoneAccount,
    into_stake: int,
) -> tuple[PhoneAccount, list[Posting], int]:
    """Return a phone after a payment, what moves for it, and how much of that became stake.

    What a transfer is for comes first in its id: a serial number may be any text, also another's
    with something after it.
    """
    name = f"{attempt.transaction}:{payment.serial}"
    phone = replace(phone, pending=phone.pending - payment.amount)
    if payment.serial in attempt.offenders:
        phone = replace(phone, owed=phone.owed + payment.kept)
        forfeit = Posting(f"forfeit:{name}", ESCROW, OPERATOR, payment.whole)
        return phone, [forfeit] if payment.whole else [], 0
    staked = min(payment.amount, missing_stake(state, payment.serial, into_stake))
    phone = replace(phone, staked=phone.staked + staked)
    account = earnings_account(payment.serial)
    made = [
        Posting(f"settle:{name}", ESCROW, account, payment.amount - staked),
        Posting(f"settle-stake:{name}", ESCROW, stake_account(payment.serial), staked),
        Posting(f"settle-fee:{name}", ESCROW, TREASURY, payment.fee),
        Posting(f"settle-kept:{name}", ESCROW, TREASURY, payment.kept),
    ]
    return phone, [each for each in made if each.amount], staked
