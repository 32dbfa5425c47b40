"""The entry that opens a transaction, as far as money goes: escrow, bonds, prices, deadline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from app.core.errors import LedgerError
from app.ledger.entry import Entry, Fields, amount, integer, records
from app.ledger.rules.accounts import ESCROW, OPERATOR, Posting
from app.ledger.rules.deals.deal import DEAL_FORMAT, Deal
from app.ledger.rules.governance.parameters import Parameter
from app.ledger.rules.quotes.quote import Fill, price_of
from app.ledger.rules.stakes.standing import bond_of
from app.ledger.rules.state import State, TransactionStage

MOST_TOKENS: Final = 2**31
"""Of one transaction: beyond any model's context."""


def deal_fields(
    state: State, wall_ms: int, serials: Sequence[str], most_tokens: int
) -> dict[str, Any]:
    """Return what the opening entry says of money besides the price; bonds by stage."""
    within_ms = state.economy.value(Parameter.COMMIT_WITHIN_S) * 1000
    return {
        "most_tokens": most_tokens,
        "commit_by_ms": wall_ms + within_ms,
        "bonds": [{"serial": each, "bond": str(bond_of(state, each))} for each in serials],
    }


def read_deal(
    state: State, entry: Entry, fields: Fields, stages: Sequence[TransactionStage], price: int
) -> tuple[Deal | None, tuple[Posting, ...]]:
    """Return the money side of an opening entry, and what puts it in escrow.

    None in formats before the fifth. Raises `LedgerError` for a price above the cap, other bonds
    than the phones have, and a deadline that is past or too far away.
    """
    if state.format < DEAL_FORMAT:
        return None, ()
    if state.economy.stopped_at(entry.wall_ms):
        raise LedgerError("governance.stopped")
    most_tokens = integer(fields, "most_tokens")
    if most_tokens > MOST_TOKENS:
        raise LedgerError("transaction.too_many_tokens", most=MOST_TOKENS)
    bonds = [(row.get("serial"), amount(row, "bond")) for row in records(fields, "bonds")]
    if bonds != [(each.serial, bond_of(state, each.serial)) for each in stages]:
        raise LedgerError("transaction.other_bonds")
    deal = Deal(
        held=price * most_tokens,
        commit_by_ms=_deadline(state, entry, fields),
        fee_per_mille=state.economy.value(Parameter.TREASURY_FEE_PER_MILLE),
        window_s=state.economy.value(Parameter.EVIDENCE_WINDOW_S),
        prices=_prices(state, fields, stages, price),
    )
    if not deal.held:
        return deal, ()
    return deal, (Posting(f"escrow:{fields['transaction']}", OPERATOR, ESCROW, deal.held),)


def _deadline(state: State, entry: Entry, fields: Fields) -> int:
    by_ms = integer(fields, "commit_by_ms")
    latest_ms = entry.wall_ms + state.economy.value(Parameter.COMMIT_WITHIN_S) * 1000
    if not entry.wall_ms < by_ms <= latest_ms:
        raise LedgerError("transaction.odd_deadline")
    return by_ms


def _prices(
    state: State, fields: Fields, stages: Sequence[TransactionStage], price: int
) -> tuple[int, ...]:
    """Return what a layer costs a token by stage, where keepers' quotes were bought."""
    if "fills" not in fields:
        return ()
    fills = [Fill.from_fields(row) for row in records(fields, "fills")]
    if [each.serial for each in fills] != [each.serial for each in stages]:
        raise LedgerError("market.other_stages")
    for fill in fills:
        if fill.price != price_of(state.economy.quote(fill.serial), fill.load, fill.strain):
            raise LedgerError("market.other_price", phone=fill.serial)
    prices = tuple(each.price for each in fills)
    layers = (each.layer_count for each in stages)
    if sum(one * many for one, many in zip(prices, layers, strict=True)) != price:
        raise LedgerError("market.other_sum")
    return prices
