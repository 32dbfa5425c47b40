"""Proposals, quotes, parameters and transactions in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.core.units import format_duration
from app.ledger.rules.economy import CREDIT
from app.ledger.views.economy import EconomySnapshot, ProposalRow, QuoteRow
from app.words.catalogue import Message, message, tr
from app.words.states import clock_text, credits_text, credits_words, together

_MICRO: Final = "{price} µcr"
_STATUSES: Final[Mapping[str, Message]] = {
    "open": message("open"),
    "committed": message("committed"),
    "disputed": message("disputed"),
    "rolled-back": message("rolled back"),
    "settled": message("settled"),
    "released": message("paid out"),
    "void": message("void"),
    "rejected": message("rejected"),
    "executed": message("carried out"),
}


_PAGES: Final[Mapping[str, Message]] = {
    "transactions": message("Transactions"),
    "stakes": message("Stakes"),
    "quotes": message("Quotes"),
    "proposals": message("Proposals"),
    "parameters": message("Parameters"),
}


def page_word(name: str) -> str:
    """Return what a page of the economy is called."""
    return tr(_PAGES[name])


def probation_text() -> str:
    """Return that a phone has less than the minimum stake, and what follows."""
    return tr("all audited, pay becomes stake")


def status_word(status: str) -> str:
    """Return the state of a transaction or proposal."""
    return tr(_STATUSES[status]) if status in _STATUSES else status


def proposal_status(row: ProposalRow) -> str:
    """Return how far a proposal got, and until when it can be voted on."""
    if row.status != "open":
        return status_word(row.status)
    words = tr("open until {time}") if not row.accepted else tr("ahead, open until {time}")
    return words.format(time=clock_text(row.ends_ms))


def proposal_wish(row: ProposalRow) -> str:
    """Return what a proposal changes or grants."""
    if row.parameter:
        return f"{row.parameter} = {parameter_text(row.parameter, row.value)}"
    words = tr("{amount} in {count} parts, {paid} paid")
    return words.format(amount=credits_text(row.value), count=row.parts, paid=row.parts_paid)


def votes_text(row: ProposalRow) -> str:
    """Return how the vote stands, in shares of all that could vote."""
    whole = max(row.all_votes, 1)
    words = tr("yes {yes}, no {no}, abstained {abstained}")
    return words.format(
        yes=f"{row.yes / whole:.0%}",
        no=f"{row.no / whole:.0%}",
        abstained=f"{row.abstained / whole:.0%}",
    )


def quote_text(row: QuoteRow) -> str:
    """Return what a keeper asks a layer and token."""
    price = _MICRO.format(price=f"{row.price:,}")
    most = f"{row.rise_per_mille / 10:g} %"
    match row.rule:
        case "load":
            return tr("{price}, up to {most} more with load").format(price=price, most=most)
        case "care":
            return tr("{price}, up to {most} more with heat or an empty battery").format(
                price=price, most=most
            )
    return price


def parameter_text(name: str, value: int) -> str:
    """Return the value of a parameter with its unit, as its name tells it."""
    if name.endswith("-s"):
        return format_duration(float(value))
    if name.endswith("-per-mille"):
        return f"{value / 10:g} %"
    if value >= CREDIT:
        return credits_words(value)
    return _MICRO.format(price=f"{value:,}")


def funds_text(treasury: int, economy: EconomySnapshot, now_ms: int) -> str:
    """Return how treasury, escrow and votes stand, and whether an emergency stop is in force."""
    words = tr("Treasury {treasury}, {reserved} of it promised; in escrow {escrow}; votes {votes}.")
    told = words.format(
        treasury=credits_text(treasury),
        reserved=credits_text(economy.reserved),
        escrow=credits_text(economy.escrow),
        votes=credits_text(economy.votes),
    )
    if now_ms >= economy.stopped_until_ms:
        return told
    stop = tr("Emergency stop until {time}: nothing is opened, paid or carried out.")
    return together(stop.format(time=clock_text(economy.stopped_until_ms)), told)
