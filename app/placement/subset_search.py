"""Exact search for small racks: dynamic programming over sets of phones (after Held and Karp).

State: the phones used, the layers placed, the phone that holds the last of them. All sets of one
size are extended at once. EdgeShard and PipeEdge use the same idea without hop asymmetry.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.placement.ring_search import Vector, cheapest_ring
from app.placement.spans import Arrangement, Span, SpanTable

MAX_DEVICES = 12
"""Beyond this the 2^devices states take seconds."""

State = npt.NDArray[np.float64]


def cheapest_by_subsets(table: SpanTable) -> Arrangement | None:
    """Return the cheapest arrangement, proven; None where no arrangement is allowed.

    At most `MAX_DEVICES` phones; time O(2^devices x devices x layers^2), as many times as
    `cheapest_ring` looks.
    """
    return cheapest_ring(table.back_cost, lambda begin: _Subsets(table, begin), proven=True)


class _Subsets:
    """The cheapest arrangements of all sets, by their last phone."""

    def __init__(self, table: SpanTable, begin: Vector) -> None:
        self._table = table
        self._best = _fill(table, begin)
        self._final = self._best[:, table.layer_count, :].copy()
        if table.use_all:
            self._final[:-1] = np.inf
        self.cost: Vector = self._final.min(axis=0)

    def spans(self, last: int) -> tuple[Span, ...]:
        used = int(self._final[:, last].argmin())
        return _trace(self._table, self._best, used, last)


def _fill(table: SpanTable, begin: Vector) -> State:
    """Return the least cost `[sets, layers + 1, last phone]` of every partial arrangement."""
    devices, layers = table.device_count, table.layer_count
    best = np.full((1 << devices, layers + 1, devices), np.inf)
    for device in range(devices):
        best[1 << device, :, device] = begin[device] + table.span_cost[device, 0]
    sets = np.arange(1 << devices)
    sizes = np.array([int(used).bit_count() for used in sets])
    for size in range(1, devices):
        for device in range(devices):
            before = sets[(sizes == size) & (sets >> device & 1 == 0)]
            _extend(table, best, before, device)
    return best


def _extend(table: SpanTable, best: State, before: npt.NDArray[np.int_], device: int) -> None:
    """Give a phone the next span after each of those sets."""
    reached = (best[before] + table.hop_cost[:, device]).min(axis=2)
    extended = np.full_like(reached, np.inf)
    for first in np.flatnonzero(np.isfinite(reached).any(axis=0)):
        ends = np.flatnonzero(np.isfinite(table.span_cost[device, first]))
        if ends.size:
            window = slice(ends[0], ends[-1] + 1)
            candidate = reached[:, first, None] + table.span_cost[device, first, window]
            np.minimum(extended[:, window], candidate, out=extended[:, window])
    best[before | 1 << device, :, device] = extended


def _trace(table: SpanTable, best: State, used: int, device: int) -> tuple[Span, ...]:
    """Walk back from the final state to the spans that made it."""
    spans: list[Span] = []
    end = table.layer_count
    while used:
        before = used & ~(1 << device)
        if before == 0:
            spans.append(Span(device, 0, end))
            break
        reached = best[before] + table.hop_cost[:, device]
        total = reached + table.span_cost[device, :, end][:, None]
        first, previous = np.unravel_index(int(total.argmin()), total.shape)
        spans.append(Span(device, int(first), end))
        used, device, end = before, int(previous), int(first)
    return tuple(reversed(spans))
