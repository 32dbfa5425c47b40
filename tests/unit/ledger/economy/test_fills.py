"""What is bought by quotes: journalled with the state that moved each price, and paid so."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import LedgerError
from app.core.identifiers import RequestId, TransactionId
from app.ledger.rules.quotes.quote import PhoneState
from tests.assignments import held, placed
from tests.signing import agreement
from tests.unit.ledger.economy.support import EconomyBench, Keeper
from tests.unit.ledger.support import LAYERS

CALM, BUSY = PhoneState(0, 0), PhoneState(500, 0)


@pytest.fixture
def bench(tmp_path: Path) -> EconomyBench:
    bench = EconomyBench(tmp_path)
    carl = Keeper("carl", bench)
    bench.ledger.stakes.name_keeper(bench.phones[2].serial, carl.public_key)
    bench.keepers.append(carl)
    return bench


def quote(bench: EconomyBench, phone: int, price: int, rule: str = "fixed", rise: int = 0) -> None:
    bench.keepers[phone].orders("quote", phone, rule=rule, price=str(price), rise_per_mille=rise)


def test_a_ring_is_bought_whole_or_not_by_quotes_at_all(bench: EconomyBench) -> None:
    states = {phone.serial: CALM for phone in bench.phones}
    assert bench.ledger.stakes.fills({}) == ()
    for phone in range(2):
        quote(bench, phone, 10 + phone)
        assert bench.ledger.stakes.fills(states) == ()
    quote(bench, 2, 12)
    assert [fill.price for fill in bench.ledger.stakes.fills(states)] == [10, 11, 12]


def test_each_phone_is_paid_what_it_asked_in_the_state_it_was_in(bench: EconomyBench) -> None:
    quote(bench, 0, 1000)
    quote(bench, 1, 2000, "load", 1000)
    quote(bench, 2, 500, "care", 1000)
    states = {phone.serial: BUSY for phone in bench.phones}
    fills = bench.ledger.stakes.fills(states)
    assert [fill.price for fill in fills] == [1000, 3000, 500]
    price = sum(fill.price * layers for fill, layers in zip(fills, LAYERS, strict=True))
    ends = [sum(LAYERS[: at + 1]) for at in range(len(LAYERS))]
    stages = tuple(
        held(phone.serial, end - layers, end - 1)
        for phone, layers, end in zip(bench.phones, LAYERS, ends, strict=True)
    )
    ring = placed("demo", ends[-1], stages)
    named = TransactionId("t"), RequestId("request"), ring, agreement(len(stages))
    with pytest.raises(LedgerError):
        bench.ledger.open_transaction(*named, price + 1, 1.0, 100, fills)
    terms = bench.ledger.open_transaction(*named, price, 1.0, 100, fills)
    for phone in bench.phones:
        phone.terms["t"] = terms
    bench.sign_all("t")
    bench.ledger.settle(TransactionId("t"), 10)
    paid = [bench.ledger.standing(phone.serial).balance for phone in bench.phones]
    asked = [fill.price * layers * 10 for fill, layers in zip(fills, LAYERS, strict=True)]
    assert paid == [amount * 98 // 100 for amount in asked]
    quoted = bench.ledger.standing(bench.phones[1].serial).quote
    assert quoted is not None
    assert quoted.price == 2000
    bench.check()
