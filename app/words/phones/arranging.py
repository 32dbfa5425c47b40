"""Phones in an order and in groups, and what these are called."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.rack.snapshot import PhoneSnapshot
from app.words.catalogue import tr
from app.words.phones.filter import figure_of
from app.words.states import phone_name, state_word

_HOTTEST, _COOLEST = 46.0, 26.0
_URGENT = (
    DeviceState.LOST,
    DeviceState.JAILED,
    DeviceState.UNAUTHORIZED,
    DeviceState.BUSY,
    DeviceState.UNSUITABLE,
)


class SortBy(Enum):
    """What phones are put in order by; figures by what is worst first."""

    PLACE = "place"
    NAME = "name"
    STATE = "state"
    HEAT = "heat"
    BATTERY = "battery"
    LOAD = "load"
    MEMORY = "memory"
    STAGE = "stage"
    REPUTATION = "reputation"
    STAKE = "stake"


_LEAST_IS_WORST = frozenset({SortBy.BATTERY, SortBy.MEMORY, SortBy.REPUTATION, SortBy.STAKE})
_NO_FIGURE = frozenset({SortBy.PLACE, SortBy.NAME, SortBy.STATE})


def sort_word(by: SortBy) -> str:
    """Return what an order is called."""
    match by:
        case SortBy.PLACE:
            return tr("by place")
        case SortBy.NAME:
            return tr("by name")
        case SortBy.STATE:
            return tr("by state")
        case SortBy.HEAT:
            return tr("by heat")
        case SortBy.BATTERY:
            return tr("by battery")
        case SortBy.LOAD:
            return tr("by load")
        case SortBy.MEMORY:
            return tr("by free memory")
        case SortBy.STAGE:
            return tr("by stage time")
        case SortBy.REPUTATION:
            return tr("by reputation")
        case SortBy.STAKE:
            return tr("by stake")
        case _:
            assert_never(by)


def in_order(phones: Iterable[PhoneSnapshot], by: SortBy) -> list[PhoneSnapshot]:
    """Return the phones in an order; those without the figure come last."""
    if by is SortBy.PLACE:
        return list(phones)
    return sorted(phones, key=lambda phone: (_key(phone, by), phone.position))


def _key(phone: PhoneSnapshot, by: SortBy) -> tuple[float, str]:
    if by is SortBy.NAME:
        return 0.0, phone_name(phone).casefold()
    if by is SortBy.STATE:
        urgent = _URGENT.index(phone.state) if phone.state in _URGENT else len(_URGENT)
        return float(urgent), phone.state.value
    figure = figure_of(by.value, phone)
    if figure is None:
        return math.inf, ""
    return (figure if by in _LEAST_IS_WORST else -figure), ""


def shown_figure(by: SortBy) -> SortBy:
    """Return what a heat map is coloured by where phones are in that order."""
    return SortBy.HEAT if by in _NO_FIGURE else by


def strain(phone: PhoneSnapshot, by: SortBy, phones: Sequence[PhoneSnapshot]) -> float | None:
    """Return how far from well a figure is, 0 to 1; None where the phone does not tell.

    Heat from 26 to 46 degrees, shares as they are, the others against the most among the phones.
    """
    figure = figure_of(by.value, phone)
    if figure is None:
        return None
    if by is SortBy.HEAT:
        share = (figure - _COOLEST) / (_HOTTEST - _COOLEST)
    elif by in (SortBy.LOAD, SortBy.BATTERY):
        share = figure / 100
    elif by is SortBy.REPUTATION:
        share = figure
    else:
        share = figure / max((figure_of(by.value, each) or 0.0 for each in phones), default=1.0)
    share = min(max(share, 0.0), 1.0)
    return 1 - share if by in _LEAST_IS_WORST else share


def figure_text(phone: PhoneSnapshot, by: SortBy) -> str:
    """Return a figure as short as it can be; a dash where the phone does not tell."""
    figure = figure_of(by.value, phone)
    if figure is None:
        return "-"
    if by is SortBy.HEAT:
        return f"{figure:.0f}°"
    if by in (SortBy.BATTERY, SortBy.LOAD):
        return f"{figure:.0f}%"
    if by is SortBy.REPUTATION:
        return f"{figure:.2f}"
    return f"{figure:.3g}"


@dataclass(frozen=True)
class PhoneGroup:
    """Phones that have something in common, and the filter's term that leaves them alone."""

    title: str
    term: str
    count: int


def groups_of(
    phones: Iterable[PhoneSnapshot], tags: Callable[[Serial], Sequence[str]]
) -> tuple[tuple[str, tuple[PhoneGroup, ...]], ...]:
    """Return the groups there are, by state, model and tag; each kind with its title."""
    every = list(phones)
    states = Counter(phone.state for phone in every)
    models = Counter(phone_name(phone) for phone in every if phone.description)
    called = Counter(tag for phone in every for tag in tags(phone.serial))
    return (
        (
            tr("State"),
            tuple(
                PhoneGroup(state_word(state), f"state:{state.value}", count)
                for state, count in states.most_common()
            ),
        ),
        (
            tr("Model"),
            tuple(
                PhoneGroup(name, f'model:"{name}"' if " " in name else f"model:{name}", count)
                for name, count in models.most_common()
            ),
        ),
        (
            tr("Tag"),
            tuple(PhoneGroup(tag, f"tag:{tag}", count) for tag, count in called.most_common()),
        ),
    )


def group_text(group: PhoneGroup) -> str:
    """Return a group with how many are in it."""
    return tr("{title} ({count})").format(title=group.title, count=group.count)
