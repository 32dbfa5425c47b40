from __future__ import annotations

import math

import pytest
from pytestqt.qtbot import QtBot

from app.core.identifiers import Serial
from app.rack.snapshot import HistoryPoint, Metric, Window
from app.ui.charts.long_view import lines_of
from app.ui.charts.span import LookBack
from app.ui.charts.time_chart import TimeChart
from app.ui.charts.window import tick_ages
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish

NOW_S = 5000.0


def past(*values: float, period_s: float = 10.0) -> tuple[HistoryPoint, ...]:
    begin_s = NOW_S - period_s * len(values)
    return tuple(
        HistoryPoint(begin_s + period_s * index, value, value - 1, value + 5)
        for index, value in enumerate(values)
    )


@pytest.fixture
def chart(window: MainWindow, control: ScriptedControl) -> TimeChart:
    window.add_charts()
    publish(window, control)
    found = window.latency_slot.findChild(TimeChart)
    assert isinstance(found, TimeChart)
    return found


def test_a_line_tells_means_and_the_largest_single_reading() -> None:
    line = lines_of({Serial("A"): past(3.0, 1.0, 2.0), Serial("B"): ()}, NOW_S)[Serial("A")]
    assert line.curve.ages_s == (-30.0, -20.0, -10.0)
    assert line.figures is not None
    figures = line.figures
    assert (figures.now, figures.mean, figures.p95, figures.maximum) == (2.0, 2.0, 3.0, 8.0)
    assert lines_of({Serial("B"): ()}, NOW_S)[Serial("B")].figures is None


@pytest.mark.parametrize("span", list(LookBack))
def test_the_axis_reaches_from_the_whole_span_to_now(span: LookBack) -> None:
    places = tick_ages((-span.look.length_s, 0.0))
    assert (min(places), max(places)) == (-span.look.length_s, 0.0)
    assert 3 <= len(places) <= 6
    assert len({span.tick_text(place) for place in places}) == len(places)
    if span.look.window is not None:
        covered_s = span.look.window.period_s * span.look.window.points
        assert math.isclose(covered_s, span.look.length_s)


def test_a_longer_span_is_read_from_the_history_and_drawn(
    window: MainWindow, control: ScriptedControl, chart: TimeChart, qtbot: QtBot
) -> None:
    serial = control.phones[0].serial
    control.now_s = NOW_S
    control.past = {serial: past(*range(1, 41))}
    publish(window, control)
    window.actions_registry["span-HOUR"].trigger()
    qtbot.waitUntil(lambda: serial in chart._lines)
    assert (Metric.STAGE_MS, Window.HOUR) in control.histories
    ages, values = chart._curves[serial].getData()
    assert list(values) == list(range(1, 41))
    assert ages[0] == pytest.approx(NOW_S - 400.0 - chart._read_at_s)
    assert chart.plot.getPlotItem().viewRange()[0] == [-3600.0, 0.0]
    row = chart.legend.rows.rows[0]
    assert row.figures is not None
    assert row.figures.maximum == 45.0


def test_a_long_span_is_read_again_only_once_it_can_look_different_and_never_unseen(
    window: MainWindow, control: ScriptedControl, chart: TimeChart, qtbot: QtBot
) -> None:
    window.time.choose(LookBack.DAY)
    serial = control.phones[0].serial
    control.past = {serial: past(1.0)}
    qtbot.waitUntil(lambda: serial in chart._lines)
    asked = len([metric for metric, _ in control.histories if metric is Metric.STAGE_MS])
    for _ in range(10):
        chart._tick()
    assert not chart._reading
    window.docks["latency"].hide()
    chart._read_at_s = -math.inf
    for _ in range(10):
        chart._tick()
    again = len([metric for metric, _ in control.histories if metric is Metric.STAGE_MS])
    assert again == asked
