"""A quick cost of a ring order that takes the layers between first and last to be alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from app.placement.costs.spans import AdditiveProblem

UNPLACED_LAYER_FACTOR = 10.0
"""How many times the dearest hop or layer one layer that finds no room counts."""


class FillEstimate:
    """Estimates in microseconds what `cheapest_in_order` would find in a millisecond.

    Each phone of the ring takes one layer, then the phones cheapest by the layer fill up to what
    they can hold. Right where layers are alike; first and last layer are charged apart.
    """

    def __init__(self, table: AdditiveProblem) -> None:
        finite = np.isfinite(table.span_cost)
        self._layers = table.layer_count
        self._hop: list[list[float]] = table.hop_cost.tolist()
        self._begin: list[float] = table.back_cost.min(axis=0).tolist()
        longest = _longest_pinned if table.pinned else _longest
        self._room = self.rooms = longest(finite, slice(None), slice(None))
        self._room_first = self.rooms_first = longest(finite, slice(0, 1), slice(None))
        self._room_last = self.rooms_last = longest(finite, slice(None), slice(-1, None))
        single = np.diagonal(table.span_cost, 1, axis1=1, axis2=2)
        pair = np.diagonal(table.span_cost, 2, axis1=1, axis2=2)
        self._single = self.singles = _median(single).tolist()
        self._slope = self.slopes = _median(_increase(single, pair)).tolist()
        self._first_extra = _extra(single[:, 0], self._single)
        self._last_extra = _extra(single[:, -1], self._single)
        self._by_slope = sorted(range(table.device_count), key=lambda device: self._slope[device])
        dearest = max(
            float(table.hop_cost.max()), float(table.back_cost.max()), *self._single, *self._slope
        )
        self._penalty = self.penalty = UNPLACED_LAYER_FACTOR * dearest
        self._hops, self._backs = table.hop_cost, table.back_cost
        self._rooms, self._singles, self._slopes = map(
            np.array, (self._room, self._single, self._slope)
        )
        self._slope_rank = np.argsort(self._by_slope)

    def start(self, use_all: bool) -> list[int]:  # noqa: FBT001 - one flag, named at the call
        """Return phones that can hold the model, nearest neighbour after nearest neighbour."""
        chosen: list[int] = []
        room = 0
        for device in self._by_slope:
            if use_all or (room < self._layers and self._room[device] > 0):
                chosen.append(device)
                room += self._room[device]
        remaining = set(chosen or self._by_slope)
        order = [min(remaining, key=lambda device: (self._begin[device], device))]
        while remaining := remaining - {order[-1]}:
            order.append(min(remaining, key=self._hop_from(order[-1])))
        return order

    def cost(self, order: list[int]) -> float:
        """Return the estimate; layers without room are charged far above any real cost."""
        ring = np.array(order)
        first, last = order[0], order[-1]
        total = self._first_extra[first] + self._last_extra[last] + self._backs[last, first]
        total += self._singles[ring].sum() + self._hops[ring[:-1], ring[1:]].sum()
        unplaced = self._layers - len(order)
        if unplaced < 0:
            return float(total - unplaced * self._penalty)
        rooms = self._rooms[ring]
        rooms[0] = self._room_first[first]
        rooms[-1] = min(rooms[-1], self._room_last[last])
        cheapest_first = np.argsort(self._slope_rank[ring])
        more = rooms[cheapest_first] - 1
        roomless = np.count_nonzero(more < 0)
        filled = np.minimum(np.cumsum(np.maximum(more, 0)), unplaced)
        total += np.diff(filled, prepend=0) @ self._slopes[ring[cheapest_first]]
        return float(total + (roomless + unplaced - filled[-1]) * self._penalty)

    def _hop_from(self, here: int) -> Callable[[int], tuple[float, int]]:
        return lambda device: (self._hop[here][device], device)


def _longest(finite: npt.NDArray[np.bool_], starts: slice, ends: slice) -> list[int]:
    """Return each phone's longest span: as many as it may hold that begin or end alike.

    Of what fits all that is shorter fits too.
    """
    along = 1 if ends.start == -1 else 2
    longest: list[int] = finite[:, starts, ends].sum(axis=along).max(axis=1).tolist()
    return longest


def _longest_pinned(finite: npt.NDArray[np.bool_], starts: slice, ends: slice) -> list[int]:
    """Return the same where spans have to hold pinned layers, so that short ones may not do."""
    layers = np.arange(finite.shape[1])
    lengths = (layers[None, :] - layers[:, None])[starts, ends]
    longest: list[int] = np.where(finite[:, starts, ends], lengths, 0).max(axis=(1, 2)).tolist()
    return longest


def _increase(
    single: npt.NDArray[np.float64], pair: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return what a second layer adds; infinite where two are not allowed."""
    allowed = np.isfinite(pair)
    return np.where(allowed, pair, np.inf) - np.where(allowed, single[:, : pair.shape[1]], 0.0)


def _median(costs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return each phone's median over the spans it may hold; zero where it may hold none."""
    if costs.shape[1] == 0:
        return np.zeros(len(costs))
    finite, rows = np.isfinite(costs), np.arange(len(costs))
    count, ordered = finite.sum(axis=1), np.sort(np.where(finite, costs, np.inf), axis=1)
    middle = (ordered[rows, (count - 1) // 2] + ordered[rows, count // 2]) / 2
    return np.where(count > 0, middle, 0.0)


def _extra(costs: npt.NDArray[np.float64], usual: list[float]) -> list[float]:
    return [
        float(cost) - typical if np.isfinite(cost) else 0.0
        for cost, typical in zip(costs, usual, strict=True)
    ]
