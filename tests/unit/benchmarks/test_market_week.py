"""A short simulated market: honest work pays, cheating does not, the same seed plays the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.benchmarks.market import week
from app.benchmarks.market.keepers import CHEATS, Behaviour
from app.benchmarks.market.week import Market, PhoneModel, fixed

PHONE = PhoneModel("phone")
DAYS = 2


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(week, "WEEK_S", DAYS * 86_400.0)
    monkeypatch.setattr(week, "REQUEST_EVERY_S", 1200.0)


def played(*models: PhoneModel) -> Market:
    market = Market(models, seed=1)
    market.play()
    return market


def test_the_same_seed_plays_the_same_and_pays_for_what_was_done() -> None:
    first, second = played(*[PHONE] * 5), played(*[PHONE] * 5)
    assert [each.profit for each in first.phones] == [each.profit for each in second.phones]
    assert all(each.profit > 0 for each in first.phones)
    paid = sum(each.earned + sum(pay for _, pay in each.pending) for each in first.phones)
    assert paid == first.spent * 98 // 100
    assert (first.harmed, first.unserved) == (0, 0)


def test_who_is_slow_or_hot_earns_less_than_who_is_quick_and_cool() -> None:
    slow, hot = replace(PHONE, layer_s=0.009), replace(PHONE, warms_c=9.0)
    market = played(*[PHONE] * 4, slow, hot)
    cool = min(each.profit for each in market.phones[:4])
    assert market.phones[4].profit < cool
    assert market.phones[5].profit < cool


@pytest.mark.parametrize("behaviour", [each for each in CHEATS if not each.from_day][:6])
def test_lies_earn_less_than_honest_work(behaviour: Behaviour) -> None:
    market = played(replace(PHONE, behaviour=behaviour), *[PHONE] * 5)
    honest = min(each.profit for each in market.phones[1:])
    assert market.phones[0].profit < honest


def test_a_cartel_that_is_not_needed_sells_little_and_one_that_is_gets_the_cap() -> None:
    dear = replace(PHONE, quote=fixed(10_000))
    few = played(*[dear] * 2, *[PHONE] * 4)
    assert max(each.served for each in few.phones[:2]) == 0
    all_of_them = played(*[dear] * 4)
    assert all_of_them.spent > 10 * few.spent
