"""Double entry: every transfer debits one account and credits another, once.

After TigerBeetle's invariants: transfers never change, an id is processed at most once, amounts
are positive integers, no account but the mint goes below zero, and all accounts sum to zero.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.core.errors import LedgerError

MINT: Final = "mint"
OPERATOR: Final = "operator"
TREASURY: Final = "treasury"
ESCROW: Final = "escrow"
"""What transactions that are under way may still cost."""


def stake_account(serial: str) -> str:
    """Return the account that holds a phone's stake."""
    return f"stake:{serial}"


def earnings_account(serial: str) -> str:
    """Return the account that a phone is paid into."""
    return f"phone:{serial}"


def unbonding_account(serial: str) -> str:
    """Return the account that holds stake on its way out, which can still be slashed."""
    return f"unbonding:{serial}"


def keeper_account(keeper: str) -> str:
    """Return the account of a keeper, named by its public key in hexadecimal."""
    return f"keeper:{keeper}"


@dataclass(frozen=True)
class Posting:
    """An amount in micro-credits that moves from `debit` to `credit`."""

    id: str
    debit: str
    credit: str
    amount: int


def post(
    balances: Mapping[str, int], posted: Container[str], transfers: Sequence[Posting]
) -> dict[str, int]:
    """Return the new balances of the accounts touched, nothing else changed.

    Raises `LedgerError` where any of the transfers breaks an invariant; then none is posted.
    """
    touched: dict[str, int] = {}
    ids = {transfer.id for transfer in transfers}
    if len(ids) != len(transfers) or any(identifier in posted for identifier in ids):
        raise LedgerError("transfer.made_already")
    for transfer in transfers:
        _check(transfer)
        for account, delta in (
            (transfer.debit, -transfer.amount),
            (transfer.credit, transfer.amount),
        ):
            touched[account] = touched.get(account, balances.get(account, 0)) + delta
    for account, balance in touched.items():
        if balance < 0 and account != MINT:
            raise LedgerError("transfer.account_short", account=account, missing=-balance)
    return touched


def _check(transfer: Posting) -> None:
    if transfer.amount <= 0:
        raise LedgerError("transfer.of_nothing", amount=transfer.amount)
    if transfer.debit == transfer.credit:
        raise LedgerError("transfer.to_itself", account=transfer.debit)
