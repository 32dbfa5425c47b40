"""Conditions in force, and those that plans are asked for until it is known whether they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.placement.conditions import Conditions


class AskedConditions:
    """Several may be on trial at a time and end in any order. Lives on the service loop."""

    def __init__(self, in_force: Conditions) -> None:
        self._asked = {0: in_force}
        """By number: the lowest are in force, the others on trial."""
        self._trials = 0

    @property
    def newest(self) -> Conditions:
        """What is asked of every plan that begins now."""
        return self._asked[max(self._asked)]

    @contextmanager
    def tried(self, conditions: Conditions | None) -> Iterator[Callable[[], bool]]:
        """Ask these meanwhile; what is yielded puts them in force, once a plan keeps them.

        It returns false where newer ones are in force by then, or the trial is over. Without it
        those before stay. With None there is nothing to try.
        """
        if conditions is None:
            yield lambda: True
            return
        self._trials += 1
        number = self._trials
        self._asked[number] = conditions
        try:
            yield lambda: self._put_in_force(number)
        finally:
            if number != min(self._asked):
                self._asked.pop(number, None)

    def _put_in_force(self, number: int) -> bool:
        if number not in self._asked:
            return False
        self._asked = {each: self._asked[each] for each in self._asked if each >= number}
        return True
