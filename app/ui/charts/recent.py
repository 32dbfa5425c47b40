"""The last minute of every phone as curves; only what has come since is looked at. Qt-free."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from app.core.identifiers import Serial
from app.rack.snapshot import Samples, StageSample
from app.ui.charts.long_view import LongCurve
from app.ui.charts.statistics import WINDOW_S, Curve, figures

Measured = Callable[[StageSample], float | None]
_OTHERS_AT_ONCE: Final = 16
"""Phones that are not drawn and get new figures in one drawing: a legend need not be quicker."""


class RecentLine:
    """One phone's points. The newest sample may still change; the others never do."""

    def __init__(self, measure: Measured) -> None:
        self._measure = measure
        self._at_s: deque[float] = deque()
        self._values: deque[float] = deque()
        self._seen_s = -math.inf
        """When the newest sample was that was looked at."""

    def take(self, samples: Sequence[StageSample], now_s: float) -> None:
        """Add what is new and drop what has left the window."""
        if not samples or samples[-1].at_s < self._seen_s:
            self._begin_again()
        while self._at_s and self._at_s[-1] >= self._seen_s:
            self._at_s.pop()
            self._values.pop()
        fresh = []
        for sample in reversed(samples):
            if sample.at_s < self._seen_s:
                break
            fresh.append(sample)
        for sample in reversed(fresh):
            value = self._measure(sample)
            if value is not None:
                self._at_s.append(sample.at_s)
                self._values.append(value)
        if samples:
            self._seen_s = samples[-1].at_s
        while self._at_s and now_s - self._at_s[0] > WINDOW_S:
            self._at_s.popleft()
            self._values.popleft()

    def _begin_again(self) -> None:
        """Forget another rack's points."""
        self._at_s.clear()
        self._values.clear()
        self._seen_s = -math.inf

    def curve(self, now_s: float) -> Curve:
        """Return the points as they are seen at a moment."""
        return Curve(tuple([at_s - now_s for at_s in self._at_s]), tuple(self._values))


class RecentLines:
    """All phones. Those that are drawn are new each time, the others by turns."""

    def __init__(self, measure: Measured) -> None:
        self._measure = measure
        self._points: dict[Serial, RecentLine] = {}
        self._lines: dict[Serial, LongCurve] = {}
        self._turn = 0

    def take(
        self, samples: Samples, serials: Sequence[Serial], drawn: Collection[Serial], now_s: float
    ) -> Mapping[Serial, LongCurve]:
        """Return the curves of phones at a moment."""
        others = [serial for serial in serials if serial not in drawn]
        chosen = others[self._turn : self._turn + _OTHERS_AT_ONCE]
        self._turn = self._turn + _OTHERS_AT_ONCE if chosen[_OTHERS_AT_ONCE - 1 :] else 0
        missing = [serial for serial in others if serial not in self._lines]
        for serial in {*drawn, *chosen, *missing}:
            line = self._points.setdefault(serial, RecentLine(self._measure))
            line.take(samples.get(serial, ()), now_s)
            curve = line.curve(now_s)
            self._lines[serial] = LongCurve(curve, figures(curve.values))
        return {serial: self._lines[serial] for serial in serials}
