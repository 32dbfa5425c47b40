"""What a phone's stake means: its bond, its probation, what its keeper may vote with."""

from __future__ import annotations

from app.ledger.rules.accounts import stake_account, unbonding_account
from app.ledger.rules.economy import BOND_PER_MILLE, share
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.state import State


def bond_of(state: State, serial: str) -> int:
    """Return what a phone stands to lose for one wrong output, in micro-credits."""
    due = share(state.phone(serial).staked, BOND_PER_MILLE)
    return min(due, at_stake(state, serial))


def at_stake(state: State, serial: str) -> int:
    """Return all that can be slashed: stake on its way out too."""
    return state.balance(stake_account(serial)) + state.balance(unbonding_account(serial))


def missing_stake(state: State, serial: str, on_its_way: int = 0) -> int:
    """Return what a phone lacks of the minimum; until then its pay becomes stake."""
    if state.phone(serial).tombstoned:
        return 0
    minimum = state.economy.value(Parameter.MINIMUM_STAKE)
    return max(minimum - state.balance(stake_account(serial)) - on_its_way, 0)


def in_probation(state: State, serial: str) -> bool:
    """Tell whether a phone has less than the minimum: each of its receipts is audited then."""
    return missing_stake(state, serial) > 0


def votes_of(state: State, serial: str) -> int:
    """Return what a phone's stake counts in a vote: not what the operator granted, nor in jail."""
    phone = state.phone(serial)
    if phone.tombstoned or not phone.keeper:
        return 0
    return max(state.balance(stake_account(serial)) - phone.granted, 0)


def weights(state: State) -> dict[str, int]:
    """Return what each keeper may vote with now, by its key; keepers of nothing are left out."""
    found: dict[str, int] = {}
    for phone in state.phones.values():
        if votes := votes_of(state, phone.serial):
            found[phone.keeper] = found.get(phone.keeper, 0) + votes
    return found


def speakers(state: State) -> dict[str, str]:
    """Return the keeper of each phone that has a vote now, by its serial number."""
    phones = state.phones.values()
    return {each.serial: each.keeper for each in phones if votes_of(state, each.serial)}
