"""A phone's account as front ends show it."""

from __future__ import annotations

from app.core.identifiers import Serial
from app.ledger.rules.accounts import earnings_account, stake_account, unbonding_account
from app.ledger.rules.economy import BOND_PER_MILLE, share
from app.ledger.rules.stakes.standing import in_probation, votes_of
from app.ledger.rules.state import State
from app.ledger.views.snapshot import PhoneStanding


def standing_of(state: State, serial: Serial, wall_ms: int) -> PhoneStanding:
    """Return a phone's standing at a moment. Raises `LedgerError` for one never registered."""
    phone = state.phone(serial)
    stake = state.balance(stake_account(serial))
    return PhoneStanding(
        stake=stake,
        bonded=min(stake, share(phone.staked, BOND_PER_MILLE)),
        balance=state.balance(earnings_account(serial)) + phone.pending,
        slashed=phone.slashed,
        reputation=phone.reputation.lower_bound,
        audits_passed=phone.audits_passed,
        audits_failed=phone.audits_failed,
        audits_deviating=phone.audits_deviating,
        admitted=phone.admitted,
        suspicion=phone.suspicion.amount,
        owed=phone.owed,
        watched_audits=phone.watched_audits,
        pending=phone.pending,
        own_stake=max(stake - phone.granted, 0),
        unbonding=state.balance(unbonding_account(serial)),
        votes=votes_of(state, serial),
        keeper=phone.keeper,
        probation=in_probation(state, serial),
        standard=phone.standard,
        broken_rules=tuple(sorted(phone.broken_rules)),
        canaries=len(phone.canaries),
        short_canaries=sum(each.short for each in phone.canaries),
        pace=phone.pace,
        quote=state.economy.quote(serial) if serial in state.economy.quotes else None,
        jailed_until_ms=phone.jailed_until_ms if phone.jailed_until_ms > wall_ms else None,
    )
