"""Which of the things asked of a plan cannot be had together: the smallest set that conflicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from app.core.errors import BadInputError, DoesNotFitError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.placement.conditions import UNCONDITIONAL, UNTOLD
from app.placement.costs.costs import CostModel
from app.placement.problem import Pin, PlacementProblem
from app.placement.shortage import least_overflow

LARGEST_LOOKED_FOR: Final = 3
"""Sets of up to so many are tried from the smallest on; a larger one is only as small as it gets by
leaving out one after another."""


@dataclass(frozen=True)
class _Wish:
    """One thing asked of a plan, and how the problem looks without it."""

    fact: Fact
    without: Callable[[PlacementProblem], PlacementProblem]


def smallest_conflict(problem: PlacementProblem) -> tuple[Fact, ...]:
    """Return the fewest things asked that no plan keeps together; none where memory is too little.

    That the model has to fit the phones' memory is not among them: it always counts.
    """
    wishes = _wishes(problem)
    if not _possible(_keeping((), wishes, problem)):
        return ()
    for count in range(1, min(LARGEST_LOOKED_FOR, len(wishes) - 1) + 1):
        for kept in combinations(wishes, count):
            if not _possible(_keeping(kept, wishes, problem)):
                return tuple(wish.fact for wish in kept)
    left = wishes
    for wish in wishes:
        fewer = [each for each in left if each is not wish]
        if not _possible(_keeping(fewer, wishes, problem)):
            left = fewer
    return tuple(wish.fact for wish in left)


def _wishes(problem: PlacementProblem) -> list[_Wish]:
    asked, reputations = problem.conditions, problem.reputations
    serials = [device.serial for device in problem.devices]
    wishes = [_of_pin(pin) for pin in problem.pins]
    if problem.use_all:
        wishes.append(_Wish(Fact("condition.all"), lambda each: replace(each, use_all=False)))
    if asked.excluded.intersection(serials):
        names = tuple(sorted(asked.excluded.intersection(serials)))
        wishes.append(_conditional(Fact("condition.excluded", phones=names), "excluded"))
    if asked.least_reputation > 0:
        low = (s for s in serials if reputations.get(s, 0.0) < asked.least_reputation)
        fact = Fact("condition.reputation", least=asked.least_reputation, phones=tuple(low))
        wishes.append(_conditional(fact, "least_reputation"))
    below = tuple(sorted({each.serial for each in asked.unmet}.intersection(serials)))
    if below:
        wishes.append(_conditional(Fact("condition.standard", phones=below), "unmet"))
    wishes += _bodily(problem, serials)
    if asked.private:
        trusted = tuple(serial for serial in serials if serial in asked.trusted)
        code = "condition.private" if trusted else "condition.private_of_none"
        wishes.append(_conditional(Fact(code, phones=trusted), "private"))
    return wishes


def _bodily(problem: PlacementProblem, serials: Sequence[Serial]) -> list[_Wish]:
    """Return what is asked of batteries and warmth that some phone does not keep."""
    asked, wishes = problem.conditions, []
    bodies = {serial: problem.bodies.get(serial, UNTOLD) for serial in serials}
    empty = tuple(serial for serial, body in bodies.items() if asked.is_too_empty(body))
    if empty:
        fact = Fact("condition.battery", least=asked.least_battery_percent, phones=empty)
        wishes.append(_conditional(fact, "least_battery_percent"))
    warm = tuple(serial for serial, body in bodies.items() if asked.is_too_warm(body))
    if warm and asked.most_celsius is not None:
        fact = Fact("condition.heat", most=asked.most_celsius, phones=warm)
        wishes.append(_conditional(fact, "most_celsius"))
    return wishes


def _of_pin(pin: Pin) -> _Wish:
    fact = Fact("condition.pin", phone=pin.serial, first=pin.span.first, last=pin.span.last)
    return _Wish(fact, lambda each: replace(each, pins=tuple(p for p in each.pins if p != pin)))


def _conditional(fact: Fact, name: str) -> _Wish:
    nothing = {name: getattr(UNCONDITIONAL, name)}
    return _Wish(fact, lambda each: replace(each, conditions=replace(each.conditions, **nothing)))


def _keeping(
    kept: Iterable[_Wish], wishes: Sequence[_Wish], problem: PlacementProblem
) -> PlacementProblem:
    keep = {id(wish) for wish in kept}
    for wish in wishes:
        if id(wish) not in keep:
            problem = wish.without(problem)
    return problem


def _possible(problem: PlacementProblem) -> bool:
    """Tell whether anything keeps to that; beyond 12 phones whether it was found."""
    try:
        return least_overflow(CostModel(problem.admitted())).cost == 0
    except (DoesNotFitError, BadInputError):
        return False
