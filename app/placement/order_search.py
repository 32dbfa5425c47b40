"""Best spans for phones in a given ring order: exact dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.placement.spans import Arrangement, Span, SpanTable


def cheapest_in_order(table: SpanTable, order: Sequence[int]) -> Arrangement | None:
    """Return the cheapest spans that keep the order; phones may be skipped unless all must work.

    None where the order allows nothing. `proven_optimal` speaks of this order only and is
    therefore False. Time O(phones x layers^2), vectorised.
    """
    count, layers, host = len(order), table.layer_count, table.device_count
    ring = [host, *order]
    best = np.full((count + 1, layers + 1), np.inf)
    best[0, 0] = 0.0
    previous = np.zeros((count + 1, layers + 1), np.intp)
    start = np.zeros((count + 1, layers + 1), np.intp)
    for position in range(1, count + 1):
        device = ring[position]
        skipped = position - 1 if table.use_all else 0
        hops = table.hop_cost[ring[skipped:position], device]
        arrivals = best[skipped:position] + hops[:, None]
        chosen = arrivals.argmin(axis=0)
        reached = arrivals[chosen, np.arange(layers + 1)]
        totals = reached[:, None] + table.span_cost[device]
        start[position] = totals.argmin(axis=0)
        best[position] = totals[start[position], np.arange(layers + 1)]
        previous[position] = skipped + chosen[start[position]]
    final = best[:, layers] + table.hop_cost[ring, host]
    final[: count if table.use_all else 1] = np.inf
    last = int(final.argmin())
    if not np.isfinite(final[last]):
        return None
    return Arrangement(float(final[last]), _trace(ring, previous, start, last), False)


def _trace(
    ring: list[int],
    previous: npt.NDArray[np.intp],
    start: npt.NDArray[np.intp],
    position: int,
) -> tuple[Span, ...]:
    spans: list[Span] = []
    end = start.shape[1] - 1
    while position > 0:
        first = int(start[position, end])
        spans.append(Span(ring[position], first, end))
        position, end = int(previous[position, end]), first
    return tuple(reversed(spans))
