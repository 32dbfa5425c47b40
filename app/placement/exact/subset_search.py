"""Exact search for small racks: dynamic programming over sets of phones (after Held and Karp).

State: the phone that holds the last layer so far, the layers placed, the phones used; all sets of
one size are treated at once. What it costs to complete every state is found first, on a floor of
the way back that charges each end of a ring by itself (see `ring_search`). It then bounds a search
from each first phone that may still lead to something cheaper, which knows both ends.
EdgeShard and PipeEdge use the same idea without hop asymmetry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from app.placement.budget import ENDLESS, Budget
from app.placement.costs.spans import AdditiveProblem, Arrangement, Matrix, PhoneSpan
from app.placement.exact.ring_search import NEGLIGIBLE, Vector, end_floors

MAX_DEVICES = 12
"""Beyond this the 2^devices states take seconds."""

_FAR = 1e300
"""Beyond every cost, and finite, so that differences of it are."""

State = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]


def cheapest_by_subsets(
    table: AdditiveProblem, below: float = math.inf, budget: Budget = ENDLESS
) -> Arrangement | None:
    """Return the cheapest arrangement, proven; None where none is allowed that costs less.

    At most `MAX_DEVICES` phones; time O(2^devices x devices x (devices + layers) x layers), less
    what `below` cuts off. Raises `BudgetSpentError`.
    """
    begin, end = end_floors(table.back_cost)
    rest = Completions(table, begin, end, below, budget)
    best: Arrangement | None = None
    searched = set()
    order = [int(first) for first in np.argsort(rest.bounds) if rest.bounds[first] < below]
    for first in order:
        spans = rest.spans(first)
        last = spans[-1].device
        slack = float(table.back_cost[last, first] - begin[first] - end[last])
        if slack > NEGLIGIBLE * abs(float(rest.bounds[first])):
            searched.add(first)
        cost = float(rest.bounds[first]) + max(slack, 0.0)
        if cost < below:
            best, below = Arrangement(cost, spans, proven_optimal=True), cost
    for first in order:
        if first in searched and rest.bounds[first] < below:
            found = _FromFirst(table, first, rest, below, budget).best_ring()
            if found is not None:
                best, below = found, found.cost
    return best


class Completions:
    """The least cost to complete every state, and by first phone of all.

    `cost` is `[last phone so far, layers + 1, sets]`, `end` for the last phone of all included.
    States that cannot be part of anything cheaper than `below` are infinite.
    """

    def __init__(
        self,
        table: AdditiveProblem,
        begin: Vector,
        end: Vector,
        below: float,
        budget: Budget = ENDLESS,
    ) -> None:
        """Search; raises `BudgetSpentError`."""
        self._table = table
        self.sets = sets_by_size(table.device_count)
        self.begin = begin
        devices, layers = table.device_count, table.layer_count
        self.cost: State = np.full((devices, layers + 1, 1 << devices), np.inf)
        complete = slice(-1, None) if table.use_all else slice(None)
        self.cost[:, layers, complete] = end[:, None]
        self._bound = below - _least_starts(table, float(begin.min()))
        for size in range(devices - 1, 0, -1):
            budget.check()
            self._complete(size)
        alone = self.cost[range(devices), :, self.sets.column[1 << np.arange(devices)]]
        self._totals: Matrix = begin[:, None] + table.span_cost[:, 0] + alone
        self.bounds: Vector = self._totals.min(axis=1)

    def spans(self, first: int) -> tuple[PhoneSpan, ...]:
        """Return the cheapest arrangement that begins on a phone, for which there is one."""
        end = int(self._totals[first].argmin())
        spans = [PhoneSpan(first, 0, end)]
        used = 1 << first
        while end < self._table.layer_count:
            here = spans[-1].device
            after = self.sets.column[used | 1 << np.arange(self._table.device_count)]
            rest = self.cost[range(self._table.device_count), :, after]
            total = self._table.hop_cost[here][:, None] + self._table.span_cost[:, end] + rest
            total[[device for device in range(len(total)) if used >> device & 1]] = np.inf
            device, until = np.unravel_index(int(total.argmin()), total.shape)
            spans.append(PhoneSpan(int(device), end, int(until)))
            used, end = used | 1 << int(device), int(until)
        return tuple(spans)

    def _complete(self, size: int) -> None:
        """Complete the sets of so many phones by one more, and by all that comes after it."""
        columns = self.sets.of_size(size)
        members = self.sets.members[columns]
        for device in range(self._table.device_count):
            without = np.flatnonzero(members >> device & 1 == 0)
            after = self.cost[device][:, self.sets.column[members[without] | 1 << device]]
            used = np.flatnonzero(np.isfinite(after).any(axis=0))
            if used.size:
                going_on = self._before(device, after[:, used])
                self._pass_back(device, columns[without[used]], going_on, size)

    def _before(self, device: int, after: Matrix) -> Matrix:
        """Return what completing costs where a phone takes the next span, by layers before it."""
        rest = np.full_like(after, np.inf)
        for end in np.flatnonzero(np.isfinite(after).any(axis=1)):
            cost = self._table.span_cost[device, :, end]
            starts = np.flatnonzero(np.isfinite(cost))
            if starts.size:
                window = slice(starts[0], starts[-1] + 1)
                candidate = after[end] + cost[window, None]
                np.minimum(rest[window], candidate, out=rest[window])
        return rest

    def _pass_back(self, device: int, columns: Columns, rest: Matrix, size: int) -> None:
        rest[rest >= self._bound[size][:, None]] = np.inf
        layers = np.flatnonzero(np.isfinite(rest).any(axis=1))
        if not layers.size:
            return
        window = slice(layers[0], layers[-1] + 1)
        for before in range(self._table.device_count):
            if before != device:
                candidate = rest[window] + self._table.hop_cost[before, device]
                here = self.cost[before, window, columns[0] : columns[-1] + 1]
                at = columns - columns[0]
                here[:, at] = np.minimum(here[:, at], candidate)


class _FromFirst:
    """The cheapest arrangements that begin on one phone, by their last phone."""

    def __init__(
        self, table: AdditiveProblem, first: int, rest: Completions, below: float, budget: Budget
    ) -> None:
        self._table = table
        self._first = first
        self._rest = rest
        self._below = below - float(rest.begin[first])
        self._cost: State = np.full_like(rest.cost, np.inf)
        self._cost[first, :, rest.sets.column[1 << first]] = table.span_cost[first, 0]
        self._alive = np.zeros(len(rest.sets.members), bool)
        self._alive[rest.sets.column[1 << first]] = True
        for size in range(1, table.device_count):
            budget.check()
            self._extend_all(rest.sets.of_size(size))

    def best_ring(self) -> Arrangement | None:
        """Return the cheapest ring that costs less than wanted, None where there is none."""
        final = self._cost[:, self._table.layer_count, :]
        if self._table.use_all:
            final = final[:, -1:]
        totals = final.min(axis=1) + self._table.back_cost[:, self._first]
        last = int(totals.argmin())
        cost = float(totals[last])
        if not cost < self._below + self._rest.begin[self._first]:
            return None
        column = int(self._cost[last, self._table.layer_count].argmin())
        if self._table.use_all:
            column = len(self._rest.sets.members) - 1
        spans = self._spans(last, int(self._rest.sets.members[column]))
        return Arrangement(cost, spans, proven_optimal=True)

    def _extend_all(self, columns: Columns) -> None:
        alive = columns[self._alive[columns]]
        members = self._rest.sets.members[alive]
        for device in range(self._table.device_count):
            without = np.flatnonzero(members >> device & 1 == 0)
            if without.size:
                after = self._rest.sets.column[members[without] | 1 << device]
                self._extend(device, alive[without], after)

    def _extend(self, device: int, before: Columns, after: Columns) -> None:
        """Give a phone the next span after each of those sets."""
        rest = self._rest.cost[device][:, after]
        useful = np.flatnonzero(np.isfinite(rest).any(axis=0))
        if not useful.size:
            return
        states = self._cost[:, :, before[useful]]
        states += self._table.hop_cost[:, device, None, None]
        reached = states.min(axis=0)
        extended = np.full_like(reached, np.inf)
        for first in np.flatnonzero(np.isfinite(reached).any(axis=1)):
            cost = self._table.span_cost[device, first]
            ends = np.flatnonzero(np.isfinite(cost))
            if ends.size:
                window = slice(ends[0], ends[-1] + 1)
                candidate = reached[first] + cost[window, None]
                np.minimum(extended[window], candidate, out=extended[window])
        extended[extended + rest[:, useful] >= self._below] = np.inf
        found = np.isfinite(extended).any(axis=0)
        self._cost[device][:, after[useful[found]]] = extended[:, found]
        self._alive[after[useful[found]]] = True

    def _spans(self, last: int, used: int) -> tuple[PhoneSpan, ...]:
        spans: list[PhoneSpan] = []
        device, end = last, self._table.layer_count
        while device != self._first:
            used &= ~(1 << device)
            reached = self._cost[:, :, self._rest.sets.column[used]]
            total = reached + self._table.hop_cost[:, device, None]
            total = total + self._table.span_cost[device, :, end]
            previous, first = np.unravel_index(int(total.argmin()), total.shape)
            spans.append(PhoneSpan(device, int(first), end))
            device, end = int(previous), int(first)
        return (PhoneSpan(device, 0, end), *reversed(spans))


def _least_starts(table: AdditiveProblem, begin: float) -> Matrix:
    """Return `[phones, layers + 1]`: no less is paid to place so many layers on so many phones.

    Their hops and spans at their cheapest, as if each phone could be used again.
    """
    devices, layers = table.device_count, table.layer_count
    span = table.span_cost.min(axis=0)
    hop = min(float(np.min(table.hop_cost + np.diag(np.full(devices, np.inf)))), _FAR)
    least = np.full((devices + 1, layers + 1), _FAR)
    least[1] = np.minimum(begin + span[0], _FAR)
    for count in range(2, devices + 1):
        more = (least[count - 1][:, None] + span).min(axis=0) + hop
        least[count] = np.minimum(more, _FAR)
    return least


@dataclass(frozen=True)
class SetOrder:
    """All sets of phones, smaller ones first: bit masks by column, and columns by bit mask."""

    members: Columns
    column: Columns
    starts: tuple[int, ...]

    def of_size(self, size: int) -> Columns:
        """Return the columns of the sets of so many phones."""
        return np.arange(self.starts[size], self.starts[size + 1])


@lru_cache(maxsize=MAX_DEVICES + 1)
def sets_by_size(devices: int) -> SetOrder:
    """Return the order in which all sets of so many phones are kept."""
    sets = np.arange(1 << devices)
    sizes = np.array([int(used).bit_count() for used in sets])
    members = np.argsort(sizes, kind="stable")
    column = np.empty_like(members)
    column[members] = sets
    starts = np.concatenate(([0], np.cumsum(np.bincount(sizes, minlength=devices + 1))))
    return SetOrder(members, column, tuple(starts.tolist()))
