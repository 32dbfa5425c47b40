"""Phones filled up to a period: allowed at once, and near what many streams can get at best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.benchmarks.racks.random_rack import random_rack
from app.placement.costs.costs import CostModel
from app.placement.costs.period_bound import least_period_bound
from app.placement.filled_plans import filled_arrangements
from tests.assignments import pinned


@pytest.mark.parametrize("seed", range(4))
def test_phones_are_filled_near_the_least_period_there_can_be(seed: int) -> None:
    costs = CostModel(random_rack(30, 14, 16, seed))
    bound_s = least_period_bound(costs)
    found = list(filled_arrangements(costs, bound_s, np.inf))
    assert found
    for one in found:
        assert [span.first for span in one.spans] == [0, *(span.end for span in one.spans[:-1])]
        assert one.spans[-1].end == costs.layer_count
        assert len(set(one.order)) == len(one.spans)
        assert all(costs.allowed[span] for span in one.spans)
    slowest_s = [max(float(costs.compute_s[span]) for span in one.spans) for one in found]
    assert min(slowest_s) <= bound_s * 1.2


def test_nothing_is_filled_where_latency_decides_or_a_person_did() -> None:
    one_stream = CostModel(random_rack(30, 14, 1, 1))
    bound_s = least_period_bound(one_stream)
    assert not [
        one for one in filled_arrangements(one_stream, bound_s, np.inf) if len(one.spans) > 1
    ]
    assert not list(filled_arrangements(one_stream, bound_s, bound_s))
    problem = random_rack(30, 14, 16, 1)
    pin = pinned(problem.devices[0].serial, 3, 4)
    fixed = CostModel(replace(problem, pins=(pin,)))
    assert not list(filled_arrangements(fixed, bound_s, np.inf))
