"""Slices of what is long: a few of its cases are run each time, all others by `make soak`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import pytest
from _pytest.mark import ParameterSet

Case = TypeVar("Case")


def slice_of(cases: Iterable[Case], *kept: Case) -> list[ParameterSet]:
    """Return the cases of a test with one argument, of which all but those kept are a soak."""
    return [pytest.param(each, marks=_marks(each in kept)) for each in cases]


def slice_of_several(
    cases: Iterable[tuple[object, ...]], *kept: tuple[object, ...]
) -> list[ParameterSet]:
    """Return the cases of a test with several arguments, of which all but those kept are a soak."""
    return [pytest.param(*each, marks=_marks(each in kept)) for each in cases]


def _marks(kept: bool) -> list[pytest.MarkDecorator]:  # noqa: FBT001 - what it is about
    return [] if kept else [pytest.mark.soak]
