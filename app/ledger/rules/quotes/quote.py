"""Quotes: what a keeper asks for one layer and one token, and how load and strain move it.

A quote is *fixed*; or grows with *load*, by the share of the phone's slots that are taken; or with
*care*, by heat and an empty battery. Which of these counts, and how much, the keeper signs; what
the phone's state was, the host says in the entry that buys, where everybody can see it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from app.core.errors import LedgerError
from app.ledger.entry import Fields, amount, integer, text

WHOLE: Final = 1000
"""Load and strain are told in thousandths."""
MOST_RISE: Final = 4000
"""A price grows to five times what it began with at most, and never beyond the cap."""


class QuoteRule(StrEnum):
    """What moves a price."""

    FIXED = "fixed"
    LOAD = "load"
    CARE = "care"


@dataclass(frozen=True)
class Quote:
    """What a phone's keeper asks; `price` in micro-credits a layer and token."""

    serial: str
    rule: QuoteRule
    price: int
    rise_per_mille: int
    """How much more it is at full load or strain, in thousandths of the price."""
    cap: int
    """The most that any quote might ask when this one was made."""

    @classmethod
    def from_fields(cls, fields: Fields, cap: int) -> Self:
        """Return a quote as signed. Raises `LedgerError` for one of nothing or above the cap."""
        name, price = text(fields, "rule"), amount(fields, "price")
        if name not in list(QuoteRule):
            raise LedgerError("market.unknown_rule", name=name, known=tuple(QuoteRule))
        if not 0 < price <= cap:
            raise LedgerError("market.price_out_of_bounds", price=price, cap=cap)
        rise = integer(fields, "rise_per_mille")
        if rise > MOST_RISE or (rise and name == QuoteRule.FIXED):
            raise LedgerError("market.odd_rise", most=MOST_RISE)
        return cls(text(fields, "serial"), QuoteRule(name), price, rise, cap)


@dataclass(frozen=True)
class PhoneState:
    """What moves a price, both in thousandths: slots taken; heat or an empty battery."""

    load: int
    strain: int


@dataclass(frozen=True)
class Fill:
    """What was bought of a phone: the price of a layer and token, in the state it was in then."""

    serial: str
    price: int
    load: int
    strain: int

    def to_fields(self) -> dict[str, Any]:
        """Return it as an entry holds it."""
        return {
            "serial": self.serial,
            "price": str(self.price),
            "load": self.load,
            "strain": self.strain,
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """Return it as an entry holds it. Raises `LedgerError`."""
        load, strain = integer(fields, "load"), integer(fields, "strain")
        if max(load, strain) > WHOLE:
            raise LedgerError("market.odd_state", most=WHOLE)
        return cls(text(fields, "serial"), amount(fields, "price"), load, strain)


def price_of(quote: Quote, load: int, strain: int) -> int:
    """Return what a layer and token cost now, rounded up; both states in thousandths."""
    moved = {QuoteRule.FIXED: 0, QuoteRule.LOAD: load, QuoteRule.CARE: strain}[quote.rule]
    rise = quote.rise_per_mille * min(max(moved, 0), WHOLE)
    risen = -(-quote.price * (WHOLE * WHOLE + rise) // (WHOLE * WHOLE))
    return min(risen, quote.cap)


def strain_of(headroom_c: float, battery_share: float, *, charging: bool) -> int:
    """Return a phone's strain in thousandths: of heat or of its battery, whichever is worse.

    `headroom_c` is how many degrees it is below where it slows down: 15 and more are none.
    `battery_share` is 0 to 1; on a charger it does not count.
    """
    heat = 1 - min(max(headroom_c / 15, 0.0), 1.0)
    empty = 0.0 if charging else 1 - min(max(battery_share, 0.0), 1.0)
    return round(WHOLE * max(heat, empty))
