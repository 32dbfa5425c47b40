"""Simulated annealing over which phones work and in which ring order (Kirkpatrick et al., 1983).

Counted in steps, and ended by time only where that is short, so that a problem gets the same
answer each time.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.placement.budget import ENDLESS, Budget

SEED = 6079
FIRST_TEMPERATURE = 0.03
"""Share of the start's cost by which an early step may be worse."""

LAST_TEMPERATURE = 0.0002

LOOK_EVERY = 16
"""Steps between two looks at the clock."""

Order = list[int]


@dataclass(frozen=True)
class OrderSpace:
    """The orders that are searched.

    `kept` phones always work and keep their relative order (they are pinned to layers); with
    `use_all` nobody leaves.
    """

    device_count: int
    kept: tuple[int, ...]
    use_all: bool
    _rank: dict[int, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the kept phones."""
        object.__setattr__(self, "_rank", {device: at for at, device in enumerate(self.kept)})

    def neighbour(self, order: Order, chance: random.Random) -> Order:
        """Return a random order close to that one."""
        changed = order[:]
        draw = chance.random()
        if draw < 0.45 and not self.use_all:
            self._toggle(changed, chance)
        elif draw < 0.7:
            self._exchange(changed, chance)
        elif draw < 0.85:
            device = changed.pop(chance.randrange(len(changed)))
            changed.insert(chance.randrange(len(changed) + 1), device)
        else:
            low, high = sorted(chance.randrange(len(changed) + 1) for _ in range(2))
            changed[low:high] = changed[low:high][::-1]
        return self.arranged(changed)

    def arranged(self, order: Order) -> Order:
        """Return the order with its pinned phones put back in the order of their layers."""
        if not self.kept:
            return order
        places = [place for place, device in enumerate(order) if device in self._rank]
        kept_order = order[:]
        for place, device in zip(places, self.kept, strict=True):
            kept_order[place] = device
        return kept_order

    def _toggle(self, order: Order, chance: random.Random) -> None:
        """Put a phone in, or take it out where it may go."""
        device = chance.randrange(self.device_count)
        if device not in order:
            order.insert(chance.randrange(len(order) + 1), device)
        elif len(order) > 1 and device not in self._rank:
            order.remove(device)

    def _exchange(self, order: Order, chance: random.Random) -> None:
        """Swap two phones of the ring, or replace one by a free phone."""
        place, device = chance.randrange(len(order)), chance.randrange(self.device_count)
        if device in order:
            other = order.index(device)
            order[place], order[other] = order[other], order[place]
        elif order[place] not in self._rank:
            order[place] = device


def anneal(
    space: OrderSpace,
    start: Sequence[int],
    cost: Callable[[Order], float],
    steps: int,
    budget: Budget = ENDLESS,
) -> Order:
    """Return the cheapest order met in so many steps from the start; zero cost ends it early."""
    chance = random.Random(SEED)  # noqa: S311 - a repeatable search, nothing secret
    current = best = space.arranged(list(start))
    current_cost = best_cost = cost(current)
    scale = current_cost if math.isfinite(current_cost) and current_cost > 0 else 1.0
    cooling = math.log(LAST_TEMPERATURE / FIRST_TEMPERATURE) / max(steps, 1)
    for step in range(steps):
        if best_cost <= 0 or (step % LOOK_EVERY == 0 and budget.spent):
            break
        temperature = scale * FIRST_TEMPERATURE * math.exp(cooling * step)
        candidate = space.neighbour(current, chance)
        candidate_cost = cost(candidate)
        if _accepted(candidate_cost - current_cost, temperature, chance):
            current, current_cost = candidate, candidate_cost
            if current_cost < best_cost:
                best, best_cost = current, current_cost
    return best


def _accepted(rise: float, temperature: float, chance: random.Random) -> bool:
    return rise <= 0 or (math.isfinite(rise) and chance.random() < math.exp(-rise / temperature))
