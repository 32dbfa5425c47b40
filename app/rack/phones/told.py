"""What discovery tells of phones and places, as facts."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.facts import Fact


def fact_of(told: Fact | str | None) -> Fact | None:
    """Return a fact as it is, and words as one that holds them; None where nothing is told."""
    if isinstance(told, str):
        return Fact("phone.told", words=told) if told else None
    return told


def facts_of(told: Iterable[Fact | str]) -> tuple[Fact, ...]:
    """Return each as a fact."""
    return tuple(fact for each in told if (fact := fact_of(each)) is not None)
