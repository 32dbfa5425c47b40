"""What the layers of a ring cost where one phone leaves, one comes, or one comes for another."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from app.placement.exact.estimate import FillEstimate

Costs = npt.NDArray[np.float64]
Devices = npt.NDArray[np.intp]


class FillCosts:
    """Costs of all such changes at once, by the estimate's figures."""

    def __init__(self, estimate: FillEstimate, layers: int) -> None:
        self._room = np.array(estimate.rooms)
        self._single, self._slope = np.array(estimate.singles), np.array(estimate.slopes)
        self._penalty = estimate.penalty
        self._layers = layers

    def costs(self, ring: list[int], outside: Devices) -> Costs:
        """Return what the layers cost `[who leaves or nobody, who comes or nobody]`.

        Each phone has one layer, the rest fill the cheapest. Who comes takes what is dearer
        elsewhere, or what finds no other room.
        """
        at = np.array(ring)
        owners, prices = self._offers(at)
        paid, room = self._filled(len(ring), owners, prices)
        working = np.append(np.full(len(ring), len(ring) - 1), len(ring))
        rest = self._layers - working
        taken = self._taken(prices, outside, rest, room)
        left = rest[:, None] - taken
        fine = np.take_along_axis(paid, np.clip(left, 0, self._layers), axis=1)
        fine += np.maximum(-left, 0) * self._penalty
        singles = self._single[at].sum() - np.append(self._single[at], 0.0)
        comes = np.append(self._single[outside], 0.0)
        comes = comes + np.maximum(taken - 1, 0) * np.append(self._slope[outside], 0.0)
        return np.asarray(singles[:, None] + fine + comes)

    def _offers(self, at: Devices) -> tuple[Devices, Costs]:
        """Return whose room there is for layers beside each phone's first, the cheapest first."""
        more = np.maximum(self._room[at] - 1, 0)
        owners, prices = np.repeat(np.arange(len(at)), more), np.repeat(self._slope[at], more)
        order = np.argsort(prices, kind="stable")[: self._layers + int(more.max(initial=0))]
        return owners[order], prices[order]

    def _filled(self, count: int, owners: Devices, prices: Costs) -> tuple[Costs, Devices]:
        """Return `[who leaves or nobody, layers]`: what they cost, and for how many is room."""
        there = owners[None, :] != np.arange(count + 1)[:, None]
        rank = np.cumsum(there, axis=1)
        sums = np.cumsum(np.where(there, prices, 0.0), axis=1)
        paid = np.zeros((count + 1, self._layers + 1))
        rows, columns = np.nonzero(there & (rank <= self._layers))
        paid[rows, rank[rows, columns]] = sums[rows, columns]
        last = rank[:, -1] if len(owners) else np.zeros(count + 1, np.intp)
        room = np.minimum(last, self._layers)
        unplaced = np.arange(self._layers + 1) - room[:, None]
        full = np.take_along_axis(paid, room[:, None], axis=1)
        return np.where(unplaced > 0, full + unplaced * self._penalty, paid), room

    def _taken(
        self,
        prices: Costs,
        outside: Devices,
        rest: Devices,
        room: Devices,
    ) -> Devices:
        """Return how many layers each newcomer takes, by who leaves; nobody takes none."""
        used = prices[: max(int(rest[-1]), 0)]
        dearer = len(used) - np.searchsorted(used, self._slope[outside], side="right")
        wanted = np.maximum(np.append(dearer, 0)[None, :], (rest - room)[:, None])
        taken = np.clip(wanted, 1, np.append(self._room[outside], 1)[None, :])
        taken[:, -1] = 0
        return np.asarray(taken)
