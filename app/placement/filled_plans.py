"""Arrangements for many streams, made in milliseconds: phones filled up to a period, hops short.

With enough streams the slowest stage decides, and the least it can be is known beforehand
(`least_period_bound`). Each phone takes what it can do within a period a little longer than that,
the roomiest phones until all layers have room; the ring goes to the nearest phone each time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from app.placement.costs.costs import CostModel
from app.placement.costs.spans import Arrangement, PhoneSpan

PERIODS = (1.0, 1.05, 1.15, 1.3, 1.6, 2.0, 3.0, 5.0)
"""Of the least: the longer the period the fewer phones do, and the fewer hops there are."""
MOST_STAGES_A_STREAM = 1.25
MORE_PHONES = (0, 1, 2)
"""Beyond those that just have room: at the ends a phone may hold less than elsewhere."""


def filled_arrangements(
    costs: CostModel, least_period_s: float, below_s: float
) -> Iterator[Arrangement]:
    """Yield what was found for each period that is shorter than `below_s`.

    Nothing where pins say who holds what, or where there are more stages than streams by far: the
    latency decides then.
    """
    if costs.pins:
        return
    hops = costs.rings.time_s.between
    for period_s in (least_period_s * factor * (1 + 1e-9) for factor in PERIODS):
        rooms = _rooms(costs, period_s)
        roomiest = np.argsort(-rooms, kind="stable")
        held = np.cumsum(rooms[roomiest])
        needed = int(np.searchsorted(held, costs.layer_count)) + 1
        if costs.problem.use_all:
            needed = costs.device_count
        if period_s >= below_s or needed > costs.problem.slots * MOST_STAGES_A_STREAM:
            continue
        within = costs.allowed & (costs.compute_s <= period_s)
        for more in MORE_PHONES:
            spans = _filled(within, _tour(hops, roomiest[: needed + more].tolist()))
            if spans and not (costs.problem.use_all and len(spans) < costs.device_count):
                yield Arrangement(0.0, spans, proven_optimal=False)
                break


def _rooms(costs: CostModel, period_s: float) -> npt.NDArray[np.intp]:
    """Return how many layers each phone can hold somewhere between first and last."""
    inside = min(1, costs.layer_count - 1)
    ends = costs.allowed[:, inside] & (costs.compute_s[:, inside] <= period_s)
    last = ends.shape[1] - 1 - ends[:, ::-1].argmax(axis=1)
    rooms: npt.NDArray[np.intp] = np.where(ends.any(axis=1), last - inside, 0)
    return rooms


def _tour(hops: npt.NDArray[np.float64], devices: list[int]) -> list[int]:
    """Return the phones in an order in which each is the nearest left to the one before."""
    tour, left = devices[:1], set(devices[1:])
    while left:
        here = tour[-1]
        tour.append(min(left, key=lambda device: (hops[here, device], device)))
        left.remove(tour[-1])
    return tour


def _filled(within: npt.NDArray[np.bool_], order: list[int]) -> tuple[PhoneSpan, ...]:
    """Return spans that hold all layers in that order, none where the last phone is full before."""
    layers, first = within.shape[1] - 1, 0
    spans: list[PhoneSpan] = []
    for device in order:
        ends = np.flatnonzero(within[device, first])
        if ends.size:
            spans.append(PhoneSpan(device, first, int(ends[-1])))
            first = int(ends[-1])
        if first == layers:
            return tuple(spans)
    return ()
