"""How much memory a rack lacks for a model, to the byte."""

from __future__ import annotations

import numpy as np

from app.core.errors import DoesNotFitError
from app.core.facts import Fact
from app.placement.costs.costs import CostModel
from app.placement.costs.rings import RingCost
from app.placement.costs.spans import Arrangement
from app.placement.exact.additive import cheapest_by_orders
from app.placement.exact.subset_search import MAX_DEVICES, cheapest_by_subsets

REFUSAL_STEPS = 500
"""Orders tried before a rack of more than 12 phones is refused: it may take a second."""


def least_overflow(costs: CostModel) -> Arrangement:
    """Return the arrangement that exceeds the phones' budgets by the fewest bytes in all.

    Its cost is that shortfall: the least memory which, added to the right phones, makes the model
    fit. It covers all three ways of not fitting: too little in total, a layer larger than any
    phone, and room left in pieces too small for a layer. Pins and `use_all` are kept. Proven up to
    12 phones; beyond, it is the least that was found.
    """
    over = costs.footprint.span_bytes[None] - costs.budget_bytes[:, None, None]
    overflow = np.where(costs.pin_allowed, np.maximum(over, 0).astype(float), np.inf)
    nothing = np.zeros((costs.device_count, costs.device_count))
    table = costs.table_of(overflow, RingCost(nothing, nothing))
    if costs.device_count <= MAX_DEVICES:
        found = cheapest_by_subsets(table)
    else:
        found = cheapest_by_orders(table, REFUSAL_STEPS)
    if found is None:
        raise DoesNotFitError("pin.unkept")
    return found


def refusal(costs: CostModel, overflow: Arrangement) -> DoesNotFitError:
    """Return the error that says what is missing, and on which phone where it is only one.

    Beyond 12 phones the figure is a bound, and the message says so.
    """
    missing_bytes = int(overflow.cost)
    short = [
        costs.serials[span.device]
        for span in overflow.spans
        if costs.footprint.span_bytes[span.first, span.end] > costs.budget_bytes[span.device]
    ]
    model, size = costs.problem.model.name, missing_bytes
    proven = overflow.proven_optimal
    if len(short) == 1:
        code = "placement.one_lacks" if proven else "placement.one_lacks_at_most"
        what = Fact(code, model=model, size=size, phone=short[0])
    else:
        code = "placement.several_lack" if proven else "placement.several_lack_at_most"
        what = Fact(code, model=model, size=size, count=len(short))
    return DoesNotFitError(what, missing_bytes=missing_bytes)
