"""Rules for keepers: who speaks for a phone, and what they order with their signature.

A keeper is an Ed25519 key of the person whom a phone belongs to, kept on no phone and no host. The
first one of a phone is the operator's journalled word; another takes its place by its signature.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from app.core.errors import LedgerError, reason_of
from app.ledger.entry import Entry, Fields, amount, integer, octets, text
from app.ledger.rules.accounts import (
    Posting,
    earnings_account,
    post,
    stake_account,
    unbonding_account,
)
from app.ledger.rules.deals.deal import DEAL_FORMAT
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.governance.public_economy import PublicEconomy
from app.ledger.rules.governance.statement import SignedStatement
from app.ledger.rules.quotes.quote import Quote
from app.ledger.rules.state import Change, PhoneAccount, State, Unbonding
from workers.errors import ReceiptError
from workers.identity.receipts import check_public_key

MOST_UNBONDING: Final = 8
"""So many withdrawals of a phone wait at a time."""
SUCCESSION: Final = "keeper-succession"
STAKE_ORDER: Final = "stake-earnings"
UNBOND_ORDER: Final = "unbond"
QUOTE_ORDER: Final = "quote"
ORDER_FIELDS: Final = {
    SUCCESSION: ("serial", "key", "number"),
    STAKE_ORDER: ("serial", "amount", "number"),
    UNBOND_ORDER: ("serial", "amount", "number"),
    QUOTE_ORDER: ("serial", "rule", "price", "rise_per_mille", "number"),
}
"""By kind of order, what it says besides its type and ledger."""


def check_format(state: State) -> None:
    """Raise `LedgerError` where entries of the format in force know of no such thing."""
    if state.format < DEAL_FORMAT:
        raise LedgerError("governance.of_later_format")


def read_order(
    state: State, entry: Entry, fields: Fields, kind: str
) -> tuple[PhoneAccount, Fields, PublicEconomy]:
    """Return the phone of an order, what was signed, and the economy after it.

    Raises `LedgerError` unless the phone's keeper signed it, for the first time, and for the phone
    that the entry names.
    """
    check_format(state)
    signed = SignedStatement.from_fields(fields)
    order = signed.read(kind, state.host_key, ORDER_FIELDS[kind])
    phone = state.phone(text(order, "serial"))
    if phone.keeper != signed.keeper.hex() or text(fields, "serial") != phone.serial:
        raise LedgerError("order.other_keeper", phone=phone.serial)
    return (
        phone,
        order,
        state.economy.with_order(phone.keeper, integer(order, "number"), entry.wall_ms),
    )


def keeper_named(state: State, entry: Entry, fields: Fields) -> Change:
    """Take note of who speaks for a phone; another than before has the old one's signature."""
    check_format(state)
    phone, economy = state.phone(text(fields, "serial")), None
    if phone.keeper or "data" in fields:  # signed by whomever: never the operator's word
        phone, order, economy = read_order(state, entry, fields, SUCCESSION)
        key = octets(order, "key", 32)
    else:
        key = octets(fields, "key", 32)
    try:
        check_public_key(key)
    except ReceiptError as error:
        raise LedgerError("order.unsafe_key", reason=reason_of(error)) from None
    if key == state.host_key or any(key == each.public_key for each in state.phones.values()):
        raise LedgerError("order.key_of_another")
    return Change(phones=(replace(phone, keeper=key.hex()),), economy=economy)


def earnings_staked(state: State, entry: Entry, fields: Fields) -> Change:
    """Move what a phone earned to its stake: stake of its own, which has a vote."""
    phone, order, economy = read_order(state, entry, fields, STAKE_ORDER)
    if phone.tombstoned:
        raise LedgerError("ledger.phone_banned", phone=phone.serial)
    moved = amount(order, "amount")
    accounts = earnings_account(phone.serial), stake_account(phone.serial)
    transfers = (Posting(f"restake:{phone.serial}:{entry.sequence}", *accounts, moved),)
    balances = post(state.balances, state.transfers, transfers)
    return Change(
        transfers, balances, (replace(phone, staked=phone.staked + moved),), economy=economy
    )


def unbonding_begun(state: State, entry: Entry, fields: Fields) -> Change:
    """Begin to take stake out: what the operator granted stays, and all of it can be slashed."""
    phone, order, economy = read_order(state, entry, fields, UNBOND_ORDER)
    wanted, own = amount(order, "amount"), own_stake(state, phone)
    if wanted > own:
        raise LedgerError("order.beyond_own_stake", phone=phone.serial, own=own)
    if len(phone.unbonding) >= MOST_UNBONDING:
        raise LedgerError("order.too_many_unbonding", most=MOST_UNBONDING)
    accounts = stake_account(phone.serial), unbonding_account(phone.serial)
    transfers = (Posting(f"unbond:{phone.serial}:{entry.sequence}", *accounts, wanted),)
    balances = post(state.balances, state.transfers, transfers)
    new = Unbonding(wanted, entry.wall_ms + unbonding_delay_ms(state.economy))
    waiting = tuple(sorted((*phone.unbonding, new), key=lambda each: each.due_ms))
    return Change(transfers, balances, (replace(phone, unbonding=waiting),), economy=economy)


def unbonding_ended(state: State, entry: Entry, fields: Fields) -> Change:
    """Pay out the withdrawal due first, once its time has come, as far as it was not slashed."""
    check_format(state)
    phone = state.phone(text(fields, "serial"))
    if state.economy.stopped_at(entry.wall_ms):
        raise LedgerError("governance.stopped")
    if not phone.unbonding or entry.wall_ms < phone.unbonding[0].due_ms:
        raise LedgerError("order.nothing_due", phone=phone.serial)
    first, rest = phone.unbonding[0], phone.unbonding[1:]
    held = state.balance(unbonding_account(phone.serial))
    paid = min(first.amount, max(held - sum(each.amount for each in rest), 0))
    accounts = unbonding_account(phone.serial), earnings_account(phone.serial)
    name = f"unbonded:{phone.serial}:{entry.sequence}"
    transfers = (Posting(name, *accounts, paid),) if paid else ()
    balances = post(state.balances, state.transfers, transfers)
    phone = replace(phone, unbonding=rest, staked=max(phone.staked - first.amount, 0))
    return Change(transfers, balances, (phone,))


def unbonding_delay_ms(economy: PublicEconomy) -> int:
    """Return how long stake takes to come out: never less than evidence of old work has time.

    A transaction may be open already: it commits within its time, and then its window begins.
    """
    evidence_s = sum(map(economy.value, (Parameter.COMMIT_WITHIN_S, Parameter.EVIDENCE_WINDOW_S)))
    return max(economy.value(Parameter.UNBONDING_DELAY_S), evidence_s) * 1000


def quoted(state: State, entry: Entry, fields: Fields) -> Change:
    """Put what a keeper asks in the place of what it asked before."""
    phone, order, economy = read_order(state, entry, fields, QUOTE_ORDER)
    quote = Quote.from_fields(order, state.economy.value(Parameter.QUOTE_CAP))
    return Change(economy=replace(economy, quotes={**economy.quotes, phone.serial: quote}))


def own_stake(state: State, phone: PhoneAccount) -> int:
    """Return what of a phone's stake its keeper may take out, in micro-credits."""
    return max(state.balance(stake_account(phone.serial)) - phone.granted, 0)
