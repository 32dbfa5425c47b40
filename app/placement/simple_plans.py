"""Arrangements anybody would think of: what a search begins with and may never be worse than."""

from __future__ import annotations

import numpy as np

from app.placement.baselines import equal_split
from app.placement.costs.costs import CostModel
from app.placement.costs.spans import Arrangement, PhoneSpan
from app.placement.exact.order_search import cheapest_in_order
from app.placement.exact.subset_search import MAX_DEVICES
from app.placement.problem import Objective


def simple_arrangements(costs: CostModel) -> list[Arrangement]:
    """Return those that are allowed of: each phone alone, an equal split, the rack's own order.

    The last only for up to 12 phones, or with pins.
    """
    layers = costs.layer_count
    roomy = np.flatnonzero(costs.allowed[:, 0, -1]).tolist()
    alone = [(PhoneSpan(device, 0, layers),) for device in roomy]
    rings: list[tuple[PhoneSpan, ...]] = [*alone, _equal_spans(costs)]
    found = [Arrangement(0.0, spans, proven_optimal=False) for spans in rings]
    in_order = None
    if costs.pins or costs.device_count <= MAX_DEVICES:  # of many phones it takes a while
        in_order = cheapest_in_order(costs.table(Objective.LATENCY), range(costs.device_count))
    return [each for each in (*found, in_order) if each is not None and _allowed(costs, each)]


def _equal_spans(costs: CostModel) -> tuple[PhoneSpan, ...]:
    index_of = {serial: at for at, serial in enumerate(costs.serials)}
    numbered = costs.problem.model.numbered
    return tuple(
        PhoneSpan(index_of[stage.serial], numbered(stage.span).start, numbered(stage.span).stop)
        for stage in equal_split(costs.problem).stages
    )


def _allowed(costs: CostModel, one: Arrangement) -> bool:
    """Tell whether spans fit, keep the pins and leave no phone out that has to work."""
    if costs.problem.use_all and len(one.spans) < costs.device_count:
        return False
    at_work = set(one.order)
    return at_work.issuperset(costs.pins) and all(costs.allowed[span] for span in one.spans)
