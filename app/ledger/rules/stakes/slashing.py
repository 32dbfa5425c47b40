"""Where slashed stake goes: to the treasury, and a share to who reported it.

The share is a quarter at most, so that whoever reports itself by another name loses three quarters.
Stake on its way out is taken too, after what is still put up.
"""

from __future__ import annotations

from app.core.errors import LedgerError
from app.ledger.entry import Fields, text
from app.ledger.rules.accounts import (
    TREASURY,
    Posting,
    earnings_account,
    stake_account,
    unbonding_account,
)
from app.ledger.rules.deals.deal import DEAL_FORMAT
from app.ledger.rules.economy import share
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.state import State


def reporter_of(state: State, serial: str, fields: Fields) -> str:
    """Return which phone an entry says reported another; empty where none did.

    Raises `LedgerError` for one that may not: itself, of the same keeper, banned or unknown.
    """
    if state.format < DEAL_FORMAT or "reporter" not in fields:
        return ""
    reporter, accused = state.phone(text(fields, "reporter")), state.phone(serial)
    same_keeper = bool(reporter.keeper) and reporter.keeper == accused.keeper
    if reporter.serial == serial or same_keeper or reporter.tombstoned:
        raise LedgerError("penalty.no_reporter", phone=reporter.serial)
    return reporter.serial


def slash_transfers(
    state: State, serial: str, name: str, taken: int, reporter: str = ""
) -> tuple[Posting, ...]:
    """Return what moves where `taken` micro-credits of a phone are slashed under that name."""
    per_mille = state.economy.value(Parameter.REPORTER_PER_MILLE)
    reward = share(taken, per_mille) if reporter else 0
    put_up = min(taken, state.balance(stake_account(serial)))
    from_stake = min(reward, put_up)
    stake, leaving = stake_account(serial), unbonding_account(serial)
    moves = (
        Posting(name, stake, TREASURY, put_up - from_stake),
        Posting(f"{name}:leaving", leaving, TREASURY, taken - put_up - (reward - from_stake)),
        Posting(f"{name}:reward", stake, earnings_account(reporter), from_stake),
        Posting(f"{name}:reward-2", leaving, earnings_account(reporter), reward - from_stake),
    )
    return tuple(each for each in moves if each.amount)
