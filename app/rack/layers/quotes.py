"""What layers cost on phones: keepers' quotes in the state that each phone is in, and doubt."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.identifiers import Serial
from app.core.vitals import Charging
from app.ledger.rules.quotes.quote import WHOLE, PhoneState, price_of, strain_of
from app.placement.market import LEAST_REPUTATION
from app.placement.rebalancing.readings import BodyLimits
from app.rack.phones.phone import Phone

PRICE_PER_TOKEN = 10_000
"""Micro-credits that the operator pays for a token where no quotes are bought."""


def state_of(phone: Phone, slots_taken: int, slots: int) -> PhoneState:
    """Return what moves a phone's price now; what it does not tell does not."""
    load, vitals = WHOLE * min(slots_taken, slots) // max(slots, 1), phone.vitals
    if vitals is None:
        return PhoneState(load, 0)
    hot, celsius = BodyLimits().hot_celsius, vitals.temperature_celsius
    percent = 100 if vitals.battery_percent is None else vitals.battery_percent
    charging = vitals.charging is not Charging.DISCHARGING
    headroom_c = hot if celsius is None else hot - celsius
    return PhoneState(load, strain_of(headroom_c, percent / 100, charging=charging))


def reckoned_prices(phones: Iterable[Phone], layers: int) -> dict[Serial, float]:
    """Return micro-credits for a layer and token on each phone, doubt reckoned in.

    Of what is bought at reputation r a share r is expected to stand. Who quotes nothing is paid the
    rack's own price for a model of so many layers.
    """
    return {phone.serial: _asked(phone, layers) / _trust(phone) for phone in phones}


def _asked(phone: Phone, layers: int) -> float:
    quote = phone.standing.quote if phone.standing else None
    if quote is None:
        return PRICE_PER_TOKEN / max(layers, 1)
    state = state_of(phone, 0, 1)
    return price_of(quote, state.load, state.strain)


def _trust(phone: Phone) -> float:
    return max(phone.standing.reputation if phone.standing else 0.0, LEAST_REPUTATION)
