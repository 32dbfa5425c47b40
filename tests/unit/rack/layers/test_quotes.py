"""What the rack reckons that layers cost on a phone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.core.vitals import Charging, DeviceVitals
from app.ledger.rules.quotes.quote import PhoneState, Quote, QuoteRule
from app.ledger.views.snapshot import PhoneStanding
from app.rack.layers.quotes import PRICE_PER_TOKEN, reckoned_prices, state_of
from tests.unit.rack.support import a_phone

STANDING = PhoneStanding(0, 0, 0, 0, 0.5, 0, 0, None)
VITALS = DeviceVitals(50, 28.0, 1, 1, Charging.DISCHARGING)


def test_load_and_strain_are_what_the_phone_shows() -> None:
    phone = a_phone("a")
    assert state_of(phone, 1, 4) == PhoneState(250, 0)
    phone.vitals = VITALS
    assert state_of(phone, 0, 4) == PhoneState(0, 500)
    phone.vitals = replace(VITALS, temperature_celsius=43.0)
    assert state_of(phone, 9, 4) == PhoneState(1000, 1000)
    phone.vitals = replace(VITALS, charging=Charging.CHARGING)
    assert state_of(phone, 0, 0) == PhoneState(0, 0)


def test_doubt_is_a_surcharge_and_who_asks_nothing_costs_what_the_rack_pays() -> None:
    quote = Quote("b", QuoteRule.CARE, 100, 1000, 10_000)
    plain, dear, new = (a_phone(each) for each in "abc")
    plain.standing, plain.vitals = STANDING, VITALS
    dear.standing, dear.vitals = replace(STANDING, quote=quote, reputation=0.8), VITALS
    prices = reckoned_prices([plain, dear, new], 10)
    own = PRICE_PER_TOKEN / 10
    assert prices[plain.serial] == own / 0.5
    assert prices[dear.serial] == pytest.approx(150 / 0.8)
    assert prices[new.serial] == own / 0.05
