from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.core.errors import BadInputError
from app.core.facts import Fact
from app.rack.snapshot import TimelineEvent, TimelineKind
from app.ui.charts.span import LookBack
from app.ui.charts.time_chart import TimeChart
from app.ui.charts.window import LEAST_S, shifted, tick_ages, zoomed
from app.ui.settings import Settings
from app.ui.timeline.lanes import TimelineLane, lane_of
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish


@given(
    st.floats(-86_400, -1),
    st.floats(0.01, 1),
    st.floats(0.1, 10),
    st.floats(0, 1),
    st.floats(-1e6, 1e6),
)
def test_zoomed_and_shifted_ages_stay_within_the_span(
    oldest: float, share: float, factor: float, place: float, by_s: float
) -> None:
    length_s = -oldest + LEAST_S
    ages = (oldest, oldest * (1 - share))
    around_s = ages[0] + place * (ages[1] - ages[0])
    for left, right in (zoomed(ages, factor, around_s, length_s), shifted(ages, by_s, length_s)):
        assert -length_s - 1e-6 <= left < right <= 1e-6
        assert len(tick_ages((left, right))) <= 6


@pytest.fixture
def charts(window: MainWindow, control: ScriptedControl) -> dict[str, TimeChart]:
    window.add_charts()
    window.playground.start()
    for _ in range(30):
        control.now_s += 0.5
        control.emit_token()
    publish(window, control)
    for chart in window._charts.values():
        chart._curves_left = 8
        chart.draw()
        chart.draw()
    return window._charts


def test_a_paused_axis_stands_still_and_goes_on(
    window: MainWindow, control: ScriptedControl, charts: dict[str, TimeChart]
) -> None:
    chart, serial = charts["latency"], control.phones[0].serial
    window.actions_registry["pause"].trigger()
    assert window.time.paused
    before = chart._curves[serial].getData()[0].tolist()
    control.now_s += 5.0
    publish(window, control)
    for _ in range(4):
        chart._tick()
    assert chart._curves[serial].getData()[0].tolist() == before
    window.actions_registry["whole-time"].trigger()
    assert not window.actions_registry["pause"].isChecked()
    assert chart._curves[serial].getData()[0].tolist()[-1] < before[-1] - 4


def test_what_is_selected_counts_in_charts_timeline_and_log(
    window: MainWindow, control: ScriptedControl, charts: dict[str, TimeChart]
) -> None:
    control.tell(TimelineKind.MOVE, Fact("layers.renewed"))
    publish(window, control)
    assert "layers" in window.log.text.toPlainText()
    now_s = window.link.now_s
    window.time.brush(-10.0, -6.0, now_s)
    assert window.log.text.toPlainText() == ""
    assert all(chart._region.isVisible() for chart in charts.values())
    figures = charts["latency"].legend.rows.rows[0].figures
    window.time.show_all()
    whole = charts["latency"].legend.rows.rows[0].figures
    assert figures is not None
    assert whole is not None
    assert figures != whole
    assert "layers" in window.log.text.toPlainText()


def test_a_click_on_a_title_sorts_and_a_second_one_does_not(charts: dict[str, TimeChart]) -> None:
    legend = charts["latency"].legend
    given = [row.serial for row in legend.rows.rows]
    legend._sort_by(4)
    figures = [row.figures.maximum for row in legend.rows.rows if row.figures]
    assert figures == sorted(figures, reverse=True)
    assert len(set(figures)) > 1
    legend._sort_by(4)
    assert [row.serial for row in legend.rows.rows] == given


def test_a_chart_is_saved_as_picture_drawing_and_figures(
    control: ScriptedControl, charts: dict[str, TimeChart], tmp_path: Path
) -> None:
    chart = charts["latency"]
    for name in ("a.png", "a.svg", "a.csv"):
        chart.export_to(tmp_path / name)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (tmp_path / "a.svg").read_text("utf-8")
    with (tmp_path / "a.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["serial"] for row in rows} == {phone.serial for phone in control.phones}
    assert all(float(row["ms"]) > 0 for row in rows)
    for path in (tmp_path / "a.gif", tmp_path / "missing" / "a.csv"):
        with pytest.raises(BadInputError):
            chart.export_to(path)


def test_the_span_is_remembered(window: MainWindow, settings: Settings) -> None:
    window.time.choose(LookBack.HOUR)
    assert settings.chosen("span", [span.name for span in LookBack], "") == "HOUR"


def test_keys_go_from_event_to_event(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    for code in ("layers.renewed", "rack.no_model"):
        control.tell(TimelineKind.INFO, Fact(code))
    publish(window, control)
    strip = window.timeline
    pointed: list[float | None] = []
    window.time.pointed.connect(pointed.append)
    qtbot.keyClick(strip, Qt.Key.Key_Left)
    assert strip._at == 2
    qtbot.keyClick(strip, Qt.Key.Key_Left)
    assert strip._at == 1
    assert pointed == [control.now_s] * 2
    assert "renewed" in strip.accessibleDescription()


@pytest.mark.parametrize(
    ("kind", "code", "lane"),
    [
        (TimelineKind.INFO, "request.tokens_paid", TimelineLane.MONEY),
        (TimelineKind.SLASH, "penalty.slashed", TimelineLane.MONEY),
        (TimelineKind.ERROR, "request.step_lost", TimelineLane.REQUESTS),
        (TimelineKind.MOVE, "layers.moved", TimelineLane.LAYERS),
        (TimelineKind.AUDIT_OK, "audit.passed", TimelineLane.AUDITS),
        (TimelineKind.ERROR, "phone.stopped_answering", TimelineLane.PHONES),
    ],
)
def test_every_event_has_the_lane_of_its_subject(
    kind: TimelineKind, code: str, lane: TimelineLane
) -> None:
    assert lane_of(TimelineEvent(1, 0.0, 0, kind, None, Fact(code))) is lane
