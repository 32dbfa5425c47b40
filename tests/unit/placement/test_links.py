"""Planning with measured links: a slow pair is not put next to each other."""

from __future__ import annotations

from itertools import pairwise, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.device import LinkProfile
from app.core.identifiers import HOST, Serial
from app.placement.planner import plan
from app.placement.problem import Objective
from tests.unit.placement.support import MEGABYTE, model_of, phone, problem_of

NAMES = tuple(map(Serial, "abcd"))
GOOD = LinkProfile(latency_s=0.002, bytes_per_second=2e6)
SLOW = LinkProfile(latency_s=0.5, bytes_per_second=1e4)
MODEL = model_of((8 * MEGABYTE,) * 8)


@pytest.mark.parametrize("objective", [Objective.LATENCY, Objective.THROUGHPUT])
@settings(max_examples=30, deadline=None)
@given(slow=st.sets(st.sampled_from(list(permutations(NAMES, 2))), min_size=1, max_size=3))
def test_a_slow_direction_is_avoided_where_an_order_without_it_exists(
    objective: Objective, slow: set[tuple[Serial, Serial]]
) -> None:
    links = dict.fromkeys(permutations((*NAMES, HOST), 2), GOOD) | dict.fromkeys(slow, SLOW)
    phones = [phone(name) for name in NAMES]
    problem = problem_of(MODEL, *phones, links=links, objective=objective, use_all=True)
    hops = set(pairwise(plan(problem).assignment.serials))
    orders = (set(pairwise(order)) for order in permutations(NAMES))
    if any(not order & slow for order in orders):
        assert not hops & slow
    assert len(hops) == len(NAMES) - 1


def test_one_way_may_be_good_where_the_other_is_not() -> None:
    links = dict.fromkeys(permutations((*NAMES, HOST), 2), GOOD)
    backwards = {(after, before): SLOW for before, after in pairwise(NAMES)}
    phones = [phone(name) for name in reversed(NAMES)]
    problem = problem_of(MODEL, *phones, links=links | backwards, use_all=True)
    assert not set(pairwise(plan(problem).assignment.serials)) & backwards.keys()
