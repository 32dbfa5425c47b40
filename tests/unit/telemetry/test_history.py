"""A day of figures, the older the coarser."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.identifiers import Serial
from app.telemetry.history import HistoryPoint, HistoryStore, Metric, RollUp, Window

PHONE = Serial("P-1")


def test_readings_of_one_period_become_one_point() -> None:
    store = HistoryStore()
    for at_s, celsius in ((10.0, 30.0), (10.4, 34.0), (10.9, 32.0), (11.0, 40.0)):
        store.record(PHONE, Metric.TEMPERATURE_CELSIUS, at_s, celsius)
    told = store.points(Metric.TEMPERATURE_CELSIUS, Window.FIVE_MINUTES, 11.0)
    assert told == {
        PHONE: (HistoryPoint(10.0, 32.0, 30.0, 34.0), HistoryPoint(11.0, 40.0, 40.0, 40.0))
    }
    assert store.points(Metric.BATTERY_PERCENT, Window.DAY, 11.0) == {}


def test_each_window_has_its_own_fineness_of_the_same_readings() -> None:
    store = HistoryStore()
    for second in range(120):
        store.record(PHONE, Metric.STAGE_MS, second, float(second))
    counts = {window: len(store.points(Metric.STAGE_MS, window, 120.0)[PHONE]) for window in Window}
    assert counts == {Window.FIVE_MINUTES: 120, Window.HOUR: 12, Window.DAY: 2}


def test_a_window_forgets_what_lies_before_it_and_stays_small() -> None:
    roll_up = RollUp(Window.FIVE_MINUTES)
    for second in range(5000):
        roll_up.record(float(second), 1.0)
    points = roll_up.points(4999.0)
    assert len(points) == Window.FIVE_MINUTES.points
    assert points[0].at_s == 4700.0
    assert all(len(column) <= 2 * Window.FIVE_MINUTES.points for column in roll_up._columns)


def test_a_silent_phone_leaves_a_gap_and_no_invented_points() -> None:
    roll_up = RollUp(Window.FIVE_MINUTES)
    roll_up.record(1.0, 5.0)
    roll_up.record(100.0, 7.0)
    assert [point.at_s for point in roll_up.points(100.0)] == [1.0, 100.0]
    assert roll_up.points(1000.0) == ()


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_figure_that_is_none_is_not_kept(value: float | None) -> None:
    store = HistoryStore()
    store.record(PHONE, Metric.PROCESSOR_LOAD, 1.0, value)
    assert store.points(Metric.PROCESSOR_LOAD, Window.DAY, 1.0) == {}


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(-1e6, 1e6)), min_size=1, max_size=200))
def test_means_lie_between_extremes_and_times_rise(readings: list[tuple[float, float]]) -> None:
    roll_up = RollUp(Window.HOUR)
    for at_s, value in readings:
        roll_up.record(at_s, value)
    points = roll_up.points(max(at_s for at_s, _ in readings))
    times = [point.at_s for point in points]
    assert times == sorted(set(times))
    for point in points:
        assert point.minimum - 1e-6 <= point.mean <= point.maximum + 1e-6
    values = [value for _, value in readings]
    assert all(min(values) <= point.minimum <= point.maximum <= max(values) for point in points)
