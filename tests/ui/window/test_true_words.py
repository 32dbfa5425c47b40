"""What the window says of phones that cannot work, and of what is long past."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF
from PySide6.QtGui import QPalette
from pytestqt.qtbot import QtBot

from app.core.device import DeviceState
from app.ui.charts.statistics import Curve, is_recent
from app.ui.charts.time_chart import TimeChart
from app.ui.devices.devices_panel import DevicesPanel
from app.ui.layer_map.assignment_table import AssignmentTable
from app.ui.layer_map.compare_dialog import CompareDialog
from app.ui.layer_map.drawing.bar_item import BarItem, FreePhoneItem
from app.ui.layer_map.drawing.drag import BarDrag, DropKind, FreePhoneDrag
from app.ui.layer_map.drawing.view import LayerMapView
from app.ui.window.main_window import MainWindow
from app.words.ages import RECENT_S, age_text
from app.words.states import state_word
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish

WORKING = {DeviceState.READY, DeviceState.WORKING}
IDLE = sorted(set(DeviceState) - WORKING)
COMING_UP = {DeviceState.FOUND, DeviceState.PREPARING, DeviceState.STANDBY}


def bar_of(view: LayerMapView, position: int) -> BarItem:
    bars = [item for item in view.scene().items() if isinstance(item, BarItem)]
    return next(bar for bar in bars if bar.content.serial == f"VP{position:04d}")


def centre(view: LayerMapView, position: int) -> QPointF:
    return bar_of(view, position).sceneBoundingRect().center()


def chip_names(view: LayerMapView) -> list[str]:
    return [item.name for item in view.scene().items() if isinstance(item, FreePhoneItem)]


def fit_colour(window: MainWindow) -> str:
    return window.map.fit_line.palette().color(QPalette.ColorRole.WindowText).name()


@pytest.mark.parametrize("state", IDLE)
def test_a_phone_that_cannot_work_is_called_by_its_state_and_never_free(
    window: MainWindow, control: ScriptedControl, state: DeviceState
) -> None:
    assert control.requested is not None
    control.requested = control.requested.without(control.phones[3].serial)
    publish(window, control)
    assert chip_names(window.map.view) == ["Pixel 6a, free"]
    control.phones[3].state = state
    publish(window, control)
    assert chip_names(window.map.view) == [f"Pixel 6a, {state_word(state)}"]


@pytest.mark.parametrize("state", IDLE)
def test_nothing_fits_on_a_phone_that_cannot_work(
    window: MainWindow, control: ScriptedControl, state: DeviceState
) -> None:
    publish(window, control)
    assert (window.map.fit_line.text(), fit_colour(window)) == (
        "fits",
        window.appearance.tokens.good,
    )
    control.phones[2].state = state
    publish(window, control)
    start = "waits for" if state in COMING_UP else "cannot run:"
    assert window.map.fit_line.text() == f"{start} CUBOT X30 ({state_word(state)})"
    assert fit_colour(window) != window.appearance.tokens.good
    content = bar_of(window.map.view, 3).content
    assert content.blocked == ("" if state in COMING_UP else state_word(state))


def test_of_many_phones_that_cannot_work_some_are_named_and_the_rest_counted(
    window: MainWindow, control: ScriptedControl
) -> None:
    for phone in control.phones:
        phone.state = DeviceState.LOST
    publish(window, control)
    told = window.map.fit_line.text()
    assert told == "cannot run: Pixel 7 Pro (lost), Galaxy A54 (lost) and 2 more"


def test_the_assignment_table_says_who_cannot_work_and_offers_nobody_who_cannot(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    table = window.findChild(AssignmentTable)
    assert isinstance(table, AssignmentTable)
    control.phones[1].state = DeviceState.JAILED
    window.docks["assignment"].raise_()
    publish(window, control)
    qtbot.waitUntil(lambda: table.rows.index(1, 5).data() == "jailed")
    table.selectRow(0)
    menu = table.device_menu()
    assert menu is not None
    offers = {action.text(): action.isEnabled() for action in menu.actions()}
    assert not offers["Galaxy A54 (jailed)"]
    assert offers["CUBOT X30"]


def test_a_bar_is_not_swapped_with_a_phone_that_cannot_work_but_may_be_taken_over(
    window: MainWindow, control: ScriptedControl
) -> None:
    assert control.requested is not None
    control.requested = control.requested.without(control.phones[3].serial)
    control.phones[1].state = DeviceState.LOST
    publish(window, control)
    view = window.map.view
    state, layout, lane = view.state_shown, view.layout_shown, view._map.lane()
    assert state is not None
    assert layout is not None
    lost = centre(view, 2)
    bar = BarDrag(state.shown, layout, lane, control.phones[0].serial)
    assert bar.drop_at(lost.x(), lost.y()).kind is DropKind.REFUSED
    assert bar.assignment_at(lost.x(), lost.y()) == state.shown
    free = FreePhoneDrag(state.shown, layout, lane, control.phones[3].serial)
    assert free.drop_at(lost.x(), lost.y()).kind is DropKind.REPLACE
    after = free.assignment_at(lost.x(), lost.y())
    assert after == state.shown.with_phone(1, control.phones[3].serial)


def test_a_compared_plan_that_lost_a_phone_meanwhile_neither_fits_nor_can_be_used(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    window.show_comparison()
    dialog = window.findChild(CompareDialog)
    assert isinstance(dialog, CompareDialog)
    publish(window, control)
    dialog.table.selectRow(0)
    assert dialog.table.rows.index(0, 5).data() == "fits"
    assert dialog.use.isEnabled()
    control.phones[1].state = DeviceState.LOST
    publish(window, control)
    assert dialog.table.rows.index(0, 5).data() == "cannot run: Galaxy A54 (lost)"
    assert not dialog.use.isEnabled()
    assert "Galaxy A54 (lost)" in dialog.line.text()
    dialog.close()


def test_a_degraded_rack_says_which_phones_are_lost(
    window: MainWindow, control: ScriptedControl
) -> None:
    control.lose(control.phones[3].serial)
    publish(window, control)
    window.link.ticked.emit()
    assert "DEGRADED: Pixel 6a lost" in window.header.phase.text()
    for phone in control.phones:
        phone.state = DeviceState.LOST
    publish(window, control)
    window.link.ticked.emit()
    assert "DEGRADED: 4 phones lost" in window.header.phase.text()


def test_how_long_a_phone_is_lost_goes_on_counting_without_news(
    window: MainWindow, control: ScriptedControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = window.findChild(DevicesPanel)
    assert isinstance(panel, DevicesPanel)
    control.lose(control.phones[1].serial)
    publish(window, control)
    panel.list.setCurrentIndex(panel.model.index(1, 0))
    assert panel.details.age.text() == "Heard last 9 s ago."
    arrived_s = window.link._shown[1] if window.link._shown else 0.0
    for later_s in (1.0, 32.0, 100.0):
        monkeypatch.setattr("app.ui.rack_link.time.monotonic", lambda s=later_s: arrived_s + s)
        window.link.aged.emit()
        assert panel.details.age.text() == f"Heard last {age_text(9.0 + later_s)} ago."


def test_an_age_is_told_anew_by_the_windows_own_clock(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    publish(window, control)
    with qtbot.waitSignal(window.link.aged):
        pass


def test_a_step_long_past_is_not_what_a_stage_takes_now(
    window: MainWindow, control: ScriptedControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.add_charts()
    chart = window.latency_slot.findChild(TimeChart)
    assert isinstance(chart, TimeChart)
    window.playground.start()
    control.phones[0].fault = "slow@1"
    control.emit_token()
    publish(window, control)
    chart.draw()
    content = bar_of(window.map.view, 1).content
    assert content.below.endswith("x !")
    assert content.below_is_warning
    assert "-" not in chart.legend.rows.index(0, 1).data()
    arrived_s = window.link._shown[1] if window.link._shown else 0.0
    monkeypatch.setattr("app.ui.rack_link.time.monotonic", lambda: arrived_s + 32.0)
    window.link.aged.emit()
    chart.draw()
    content = bar_of(window.map.view, 1).content
    assert "x" not in content.below
    assert not content.below_is_warning
    assert "32 s ago" in content.explanation
    assert chart.legend.rows.index(0, 1).data() == "-"
    assert chart.legend.rows.index(0, 4).data() != "-"


def test_a_rate_is_not_shown_as_that_of_now_while_no_token_comes(
    window: MainWindow, control: ScriptedControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.playground.start()
    control.emit_token()
    publish(window, control)
    assert window.header.rate.text() == "28.4 tok/s"
    arrived_s = window.link._shown[1] if window.link._shown else 0.0
    monkeypatch.setattr("app.ui.rack_link.time.monotonic", lambda: arrived_s + 12.0)
    window.link.ticked.emit()
    assert window.header.rate.text() == "no token for 12 s"


@given(st.floats(0, 100), st.floats(0, 30))
def test_the_newest_point_stands_for_now_only_within_a_few_seconds(
    age_s: float, gap_s: float
) -> None:
    assert is_recent(Curve((-200.0, -age_s), (1.0, 1.0)), gap_s) is (age_s <= max(RECENT_S, gap_s))
    assert not is_recent(Curve((), ()), gap_s)


@given(st.floats(0, 1e6))
def test_an_age_is_told_in_whole_seconds_or_minutes(seconds: float) -> None:
    told = age_text(seconds)
    parts = [int(part) for part in told.split() if part.isdigit()]
    value = parts[0] if "min" not in told else 60 * parts[0] + parts[1]
    assert value == round(seconds)
    assert "." not in told
