"""A day of every figure of every phone, the older the coarser."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from threading import Lock

from app.core.identifiers import Serial


class Metric(StrEnum):
    """What is kept."""

    STAGE_MS = "stage_ms"
    RESIDENT_BYTES = "resident_bytes"
    TEMPERATURE_CELSIUS = "temperature_celsius"
    BATTERY_PERCENT = "battery_percent"
    PROCESSOR_LOAD = "processor_load"
    WIFI_MBIT_PER_SECOND = "wifi_mbit_per_second"


class Window(Enum):
    """How far back, and how fine: seconds for each point, and how many of them."""

    FIVE_MINUTES = (1.0, 300)
    HOUR = (10.0, 360)
    DAY = (60.0, 1440)

    @property
    def period_s(self) -> float:
        """Seconds that one point stands for."""
        return self.value[0]

    @property
    def points(self) -> int:
        """How many points there are at most."""
        return self.value[1]


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """What was recorded in one period; `at_s` is its beginning, monotonic."""

    at_s: float
    mean: float
    minimum: float
    maximum: float


History = Mapping[Serial, tuple[HistoryPoint, ...]]


class RollUp:
    """One figure of one phone in one window: about 40 bytes a point."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._columns = tuple(array("d") for _ in range(4))
        self._period = -1
        self._count = 0
        self._sum = 0.0
        self._minimum = math.inf
        self._maximum = -math.inf

    def record(self, at_s: float, value: float) -> None:
        """Add a reading; one that is older than the period being filled counts to that."""
        period = int(at_s // self._window.period_s)
        if period > self._period:
            self._close()
            self._period = period
        self._count += 1
        self._sum += value
        self._minimum = min(self._minimum, value)
        self._maximum = max(self._maximum, value)

    def points(self, now_s: float) -> tuple[HistoryPoint, ...]:
        """Return what the window reaches back to, oldest first, the period being filled last."""
        begin_s = now_s - self._window.period_s * self._window.points
        rows = [HistoryPoint(*row) for row in zip(*self._columns, strict=True)]
        if self._count:
            rows.append(HistoryPoint(*self._row()))
        return tuple(row for row in rows if row.at_s > begin_s)

    def _row(self) -> tuple[float, float, float, float]:
        at_s = self._period * self._window.period_s
        return at_s, self._sum / self._count, self._minimum, self._maximum

    def _close(self) -> None:
        if self._count:
            for column, number in zip(self._columns, self._row(), strict=True):
                column.append(number)
                if len(column) > 2 * self._window.points:
                    del column[: self._window.points]
        self._count, self._sum = 0, 0.0
        self._minimum, self._maximum = math.inf, -math.inf


class HistoryStore:
    """Every figure of every phone. Written on the service thread, read from any."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._roll_ups: dict[tuple[Serial, Metric], dict[Window, RollUp]] = {}

    def record(self, serial: Serial, metric: Metric, at_s: float, value: float | None) -> None:
        """Add a reading to every window; None is a figure that the phone does not tell."""
        if value is None or not math.isfinite(value):
            return
        with self._lock:
            windows = self._roll_ups.get((serial, metric))
            if windows is None:
                windows = {window: RollUp(window) for window in Window}
                self._roll_ups[serial, metric] = windows
            for roll_up in windows.values():
                roll_up.record(at_s, value)

    def points(self, metric: Metric, window: Window, now_s: float) -> History:
        """Return a figure of every phone that has it."""
        with self._lock:
            return {
                serial: windows[window].points(now_s)
                for (serial, kept), windows in self._roll_ups.items()
                if kept is metric
            }
