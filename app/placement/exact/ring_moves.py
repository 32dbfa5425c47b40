"""Large rings by ruin and recreate (Schrimpf et al., 2000).

A few phones leave, then the best of all moves is made, again and again, until none helps. All
moves of a kind are weighed at once, in arrays: putting a phone in, taking one out, one in
another's place, some in a row elsewhere (Or, 1976). Layers are filled in where they cost least,
which is right where they are alike; what is best by that is finished exactly by whoever asks.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from app.placement.budget import ENDLESS, Budget
from app.placement.costs.spans import AdditiveProblem
from app.placement.exact.annealing import SEED, OrderSpace
from app.placement.exact.estimate import FillEstimate
from app.placement.exact.fill_costs import FillCosts

ROUNDS: Final = 800
"""Ruins and recreations at most: about 2 s for 96 layers on 64 phones."""
STARTS: Final = 8
WARMTH: Final = 0.004
"""Share of its cost by which a ring may be worse than the one before, at first."""
MOST_LEAVING: Final = 6
ROW_LENGTHS: Final = (1, 2, 3)
_ENOUGH: Final = 1 - 1e-9
_TRIED: Final = 6
"""Moves that promise most; what they promise is then checked."""
_Costs = npt.NDArray[np.float64]
Ring = list[int]


class RingMoves:
    """Improves rings of one table whose phones none is pinned to layers."""

    def __init__(self, table: AdditiveProblem) -> None:
        self._estimate = estimate = FillEstimate(table)
        self._fill = FillCosts(estimate, table.layer_count)
        self._hop, self._back = table.hop_cost, table.back_cost
        self._room = np.array(estimate.rooms)
        self._whole = np.array(estimate.singles) + estimate.slopes * np.maximum(self._room - 1, 0)
        self._begins = np.where(np.array(estimate.rooms_first) > 0, 0.0, np.inf)
        self._ends = np.where(np.array(estimate.rooms_last) > 0, 0.0, np.inf)
        self._layers = table.layer_count
        self._useful = np.flatnonzero(self._room > 0)
        self._space = OrderSpace(table.device_count, (), table.use_all)
        self._use_all = table.use_all

    def start(self) -> Ring:
        """Return the best of a few rings in which each phone is followed by the cheapest next."""
        room = np.maximum(self._room, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            by_layer = np.where(room > 0, (self._hop + self._whole) / room, np.inf)
        np.fill_diagonal(by_layer, np.inf)
        firsts = self._useful[np.argsort(by_layer[:, self._useful].min(axis=0))][:STARTS]
        rings = [self._chain(int(first), by_layer) for first in firsts]
        return min(rings or [[0]], key=self._estimate.cost)

    def _chain(self, first: int, by_layer: _Costs) -> Ring:
        costs, ring, room = by_layer.copy(), [first], int(self._room[first])
        costs[:, first] = np.inf
        while room < self._layers or self._use_all:
            here = int(costs[ring[-1]].argmin())
            if not np.isfinite(costs[ring[-1], here]):
                break
            costs[:, here] = np.inf
            ring.append(here)
            room += int(self._room[here])
        return ring

    def best(self, start: Sequence[int], rounds: int = ROUNDS, budget: Budget = ENDLESS) -> Ring:
        """Return the best ring met from a start in so many rounds."""
        chance = random.Random(SEED)  # noqa: S311 - a repeatable search, nothing secret
        ring = best = self._improved(list(start), budget)
        cost = best_cost = self._estimate.cost(ring)
        for done in range(rounds):
            if budget.spent:
                break
            other = self._improved(self._ruined(ring, chance), budget)
            other_cost = self._estimate.cost(other)
            warmth = WARMTH * cost * (1 - done / rounds) * -math.log(1 - chance.random())
            if other_cost < cost + warmth:
                ring, cost = other, other_cost
            if cost < best_cost * _ENOUGH:
                best, best_cost = ring, cost
        return best

    def _ruined(self, ring: Ring, chance: random.Random) -> Ring:
        """Return the ring without a few phones in a row, or with some rows exchanged."""
        if self._use_all or chance.random() < 0.3:
            if len(ring) < 4:
                return self._space.neighbour(ring, chance)
            one, two, three = sorted(chance.sample(range(1, len(ring) + 1), 3))
            return ring[:one] + ring[two:three] + ring[one:two] + ring[three:]
        left = ring[:]
        leaving = min(chance.randint(1, MOST_LEAVING), len(left) - 1)
        if chance.random() < 0.5:
            first = chance.randrange(len(left))
            gone = {(first + at) % len(left) for at in range(leaving)}
        else:
            gone = set(chance.sample(range(len(left)), leaving))
        kept = [device for at, device in enumerate(left) if at not in gone]
        return kept or left

    def _improved(self, ring: Ring, budget: Budget) -> Ring:
        """Make the best move until none helps."""
        cost = self._estimate.cost(ring)
        while not budget.spent:
            for changed in self._promising(ring):
                changed_cost = self._estimate.cost(changed)
                if changed_cost < cost * _ENOUGH:
                    ring, cost = changed, changed_cost
                    break
            else:
                break
        return ring

    def _promising(self, ring: Ring) -> Iterable[Ring]:
        """Yield what the moves lead to that promise most, best first."""
        yield from self._with_other_ends(ring)
        moves = [*self._exchanges(ring)] if not self._use_all else []
        for length in ROW_LENGTHS:
            moves += self._rows_elsewhere(ring, length)
        moves.sort(key=lambda move: move[0])
        for gain, changed in moves[:_TRIED]:
            if gain < 0:
                yield changed

    def _with_other_ends(self, ring: Ring) -> Iterable[Ring]:
        """Yield rings that begin or end on a phone that may, where this one does not."""
        if self._begins[ring[0]]:
            for device in np.flatnonzero(self._begins == 0).tolist():
                yield [device, *(each for each in ring if each != device)]
        if self._ends[ring[-1]]:
            for device in np.flatnonzero(self._ends == 0).tolist():
                yield [*(each for each in ring if each != device), device]

    def _exchanges(self, ring: Ring) -> list[tuple[float, Ring]]:
        """Return the best rings with one phone more, one less, or one for another."""
        outside = np.setdiff1d(self._useful, ring)
        spans = self._fill.costs(ring, outside)
        hops = self._hop_costs(ring, outside)
        total = spans - spans[-1, -1] + hops
        total[-1, -1] = np.inf
        if len(ring) == 1:
            total[0, -1] = np.inf
        found = []
        for at in np.argpartition(total.ravel(), min(_TRIED, total.size - 1))[:_TRIED]:
            row, column = divmod(int(at), total.shape[1])
            changed = ring[:]
            if row < len(ring):
                changed[row : row + 1] = [] if column == len(outside) else [int(outside[column])]
            else:
                changed.insert(int(self._places[column]), int(outside[column]))
            found.append((float(total[row, column]), changed))
        return found

    def _hop_costs(self, ring: Ring, outside: npt.NDArray[np.intp]) -> _Costs:
        """Return `[who leaves or nobody, who comes or nobody]`; who only comes finds its place."""
        at = np.array(ring)
        count = len(ring)
        edge = self._hop[at, np.roll(at, -1)]
        edge[-1] = self._back[at[-1], at[0]]
        costs = np.zeros((count + 1, len(outside) + 1))
        before, after = np.roll(at, 1), np.roll(at, -1)
        paid = np.roll(edge, 1) + edge
        arriving, leaving = self._hop[before][:, outside], self._hop[outside][:, after].T
        arriving[0] = self._back[before[0], outside] + self._begins[outside]
        leaving[-1] = self._back[outside, after[-1]] + self._ends[outside]
        costs[:-1, :-1] = arriving + leaving - paid[:, None]
        closing = self._hop[before, after]
        closing[0] = self._back[before[0], after[0]] + self._begins[after[0]]
        closing[-1] = self._back[before[-1], after[-1]] + self._ends[before[-1]]
        costs[:-1, -1] = closing - paid
        if count == 1:
            costs[0, :-1], costs[0, -1] = self._back[outside, outside] - edge[0], 0.0
        first, last = at[0], at[-1]
        at_start = (
            self._begins[outside] + self._back[last, outside] + self._hop[outside, first] - edge[-1]
        )
        inside = self._hop[at[:-1]][:, outside] + self._hop[outside][:, at[1:]].T - edge[:-1, None]
        at_end = (
            self._ends[outside] + self._hop[last, outside] + self._back[outside, first] - edge[-1]
        )
        places = np.vstack((at_start, inside, at_end))
        self._places = places.argmin(axis=0)
        costs[-1, :-1] = places.min(axis=0)
        return costs

    def _rows_elsewhere(self, ring: Ring, length: int) -> list[tuple[float, Ring]]:
        """Return the best rings with so many phones in a row moved to another place."""
        count = len(ring)
        if count < length + 2:
            return []
        at = np.array(ring)
        firsts = np.arange(1, count - length)
        lasts = firsts + length - 1
        before, after = at[firsts - 1], at[lasts + 1]
        hop = self._hop
        freed = hop[before, after] - hop[before, at[firsts]] - hop[at[lasts], after]
        start = self._begins[at[firsts]] + self._back[at[-1], at[firsts]] + hop[at[lasts], at[0]]
        end = self._ends[at[lasts]] + hop[at[-1], at[firsts]] + self._back[at[lasts], at[0]]
        inside = hop[at[:-1]][:, at[firsts]] + hop[at[lasts]][:, at[1:]].T
        inside -= hop[at[:-1], at[1:]][:, None]
        edges = np.arange(count - 1)
        near = (edges[:, None] >= firsts - 1) & (edges[:, None] <= lasts)
        inside[near] = np.inf
        closed = self._back[at[-1], at[0]]
        total = np.vstack((start - closed, inside, end - closed)) + freed
        found = []
        for best in np.argpartition(total.ravel(), min(_TRIED, total.size - 1))[:_TRIED]:
            place, row = divmod(int(best), total.shape[1])
            first, last = int(firsts[row]), int(lasts[row])
            moved, rest = ring[first : last + 1], ring[:first] + ring[last + 1 :]
            place -= length if place > last else 0
            found.append((float(total.ravel()[best]), rest[:place] + moved + rest[place:]))
        return found
