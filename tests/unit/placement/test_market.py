"""Buying a ring: never dearer than any other that gives the same, found by trying all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import DoesNotFitError
from app.core.identifiers import Serial
from app.placement.market import Offer, Purchase, RingWanted, buy
from tests.saying import raises_saying

OFFERS = st.lists(
    st.tuples(
        st.integers(1, 100),
        st.floats(0.001, 0.1),
        st.floats(0, 0.05),
        st.integers(0, 4),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=4,
)


def offer(name: str, price: int, layer_s: float = 0.01, reputation: float = 1.0) -> Offer:
    return Offer(Serial(name), price, layer_s, 0.002, 4, reputation)


@settings(max_examples=60, deadline=None)
@given(OFFERS, st.integers(1, 6), st.floats(0.01, 0.5), st.floats(1, 200))
def test_no_other_way_is_cheaper(
    drawn: list[tuple[int, float, float, int, float]], layers: int, token_s: float, rate: float
) -> None:
    offers = [Offer(Serial(str(number)), *each) for number, each in enumerate(drawn)]
    wanted = RingWanted(layers, token_s, rate)
    costs = list(_all_costs(offers, wanted))
    if not costs:
        with raises_saying(DoesNotFitError, match="as quick as wanted"):
            buy(offers, wanted)
        return
    bought = buy(offers, wanted)
    assert bought.token_s <= token_s
    assert sum(count for _, count in bought.layers) == layers
    reckoned = {each.serial: each.reckoned_price for each in offers}
    cost = sum(reckoned[serial] * count for serial, count in bought.layers)
    assert cost <= min(costs) * (1 + 1e-9)


def _all_costs(offers: list[Offer], wanted: RingWanted) -> Iterator[float]:
    assert wanted.most_token_s is not None
    assert wanted.least_tokens_per_second is not None
    for counts in itertools.product(*(range(each.most_layers + 1) for each in offers)):
        used = [(each, count) for each, count in zip(offers, counts, strict=True) if count]
        stages_s = [count * each.layer_s for each, count in used]
        token_s = sum(stages_s) + sum(each.hop_s for each, _ in used)
        quick = all(int(1 / wanted.least_tokens_per_second / e.layer_s) >= n for e, n in used)
        if sum(counts) == wanted.layers and token_s < wanted.most_token_s - 1e-9 and quick:
            yield sum(each.reckoned_price * count for each, count in used)


def test_who_is_doubted_has_to_be_cheaper_by_as_much() -> None:
    known, doubted = offer("known", 100), offer("doubted", 60, reputation=0.5)
    assert bought(known, doubted) == ["known"]
    assert bought(known, offer("doubted", 49, reputation=0.5)) == ["doubted"]


def test_what_has_to_be_quick_costs_more() -> None:
    slow, quick = offer("slow", 10, layer_s=0.05), offer("quick", 30, layer_s=0.01)
    assert bought(slow, quick) == ["slow"]
    assert bought(slow, quick, most_token_s=0.05) == ["quick"]
    assert bought(slow, quick, most_token_s=0.15) == ["slow", "quick"]


def bought(*offers: Offer, most_token_s: float | None = None) -> list[str]:
    purchase: Purchase = buy(offers, RingWanted(4, most_token_s))
    return [str(serial) for serial, _ in purchase.layers]
