from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.modeltest import ModelTester
from pytestqt.qtbot import QtBot

from app.core.device import DeviceState
from app.core.units import significant
from app.faults.catalogue import Fault, FaultKind
from app.faults.specifications import PHONE_KINDS
from app.rack.commands import ClearFault, Identify, Inject, Release, RestartWorker
from app.ui.charts.statistics import figures
from app.ui.charts.time_chart import TimeChart
from app.ui.devices.devices_panel import DevicesPanel
from app.ui.faults.faults_panel import FaultsPanel
from app.ui.ledger.economy_view import PAGES
from app.ui.looks.marks import Mark, mark_of
from app.ui.looks.table import Column, RowsModel
from app.ui.window.main_window import MainWindow
from app.words.ages import is_stale
from app.words.catalogue import message
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import child, publish


def panel(window: MainWindow, kind: type) -> object:
    return next(dock.findChild(kind) for dock in window.docks.values() if dock.findChild(kind))


def test_a_slash_opens_its_evidence(window: MainWindow, control: ScriptedControl) -> None:
    window.playground.start()
    control.emit_token()
    control.catch_liar(control.phones[1].serial)
    publish(window, control)
    window.ledger.tabs.setCurrentWidget(window.ledger.slashing)
    rows = window.ledger.slashing.rows
    assert rows.rowCount() == 1
    assert window.ledger.tabs.tabText(1) == "Slashing (1)"
    dialog = window.ledger.open_evidence(rows.index(0, 0))
    assert json.loads(dialog.evidence.toPlainText())["layer"] == 5
    dialog.close()


def test_the_legend_tells_each_phones_figures(window: MainWindow, control: ScriptedControl) -> None:
    window.add_charts()
    chart = window.latency_slot.findChild(TimeChart)
    assert isinstance(chart, TimeChart)
    assert not chart.empty.isHidden()
    window.playground.start()
    for _ in range(20):
        control.emit_token()
    publish(window, control)
    chart.draw()
    assert chart.empty.isHidden()
    row = chart.legend.rows.rows[0]
    samples = control.samples()[row.serial]
    expected = figures([sample.stage_ms for sample in samples if sample.stage_ms is not None])
    assert row.figures == expected
    assert expected is not None
    shown = [chart.legend.rows.index(0, column).data() for column in range(1, 5)]
    values = (expected.now, expected.mean, expected.p95, expected.maximum)
    assert shown == [significant(value) for value in values]


def test_clicking_the_legend_hides_a_curve_and_double_click_shows_it_alone(
    window: MainWindow, control: ScriptedControl
) -> None:
    window.add_charts()
    chart = window.latency_slot.findChild(TimeChart)
    assert isinstance(chart, TimeChart)
    publish(window, control)
    chart.draw()
    legend = chart.legend
    legend.clicked.emit(legend.rows.index(1, 0))
    every = [phone.serial for phone in control.phones]
    assert legend.drawn(every) == set(every) - {every[1]}
    assert legend.rows.rows[1].hidden
    legend.clicked.emit(legend.rows.index(1, 0))
    legend.doubleClicked.emit(legend.rows.index(2, 0))
    assert legend.drawn(every) == {every[2]}


def test_the_crosshair_is_shared(window: MainWindow) -> None:
    window.add_charts()
    charts = [child(slot, TimeChart) for slot in (window.latency_slot, window.memory_slot)]
    now_s = window.link.now_s
    window.time.pause(now_s, on=True)
    window.time.pointed.emit(now_s - 12.0)
    assert [chart._line.value() for chart in charts] == pytest.approx([-12.0, -12.0])
    assert all(chart._line.isVisible() for chart in charts)


def test_a_phones_menu_injects_clears_and_releases(
    window: MainWindow, control: ScriptedControl
) -> None:
    devices = panel(window, DevicesPanel)
    assert isinstance(devices, DevicesPanel)
    control.phones[0].state = DeviceState.JAILED
    publish(window, control)
    menu = devices.menu_for(devices.model.rows[:1])
    identify, restart, _take, inject, clear, _, release, *_ = menu.actions()
    assert not clear.isEnabled()
    assert not restart.isEnabled()
    groups = [each.menu() for each in inject.menu().actions()]  # type: ignore[attr-defined]
    offered = {each.text(): each for group in groups for each in group.actions()}
    assert len(offered) == len(PHONE_KINDS)
    offered["Slow"].trigger()
    release.trigger()
    identify.trigger()
    serial = control.phones[0].serial
    slow = Fault(FaultKind.SLOW, serial)
    expected = [Inject(slow), Release(serial), Identify(serial)]
    assert control.commands[-3:] == expected
    publish(window, control)
    assert mark_of(devices.model.rows[0]) is Mark.FAULT
    _, restart, _, _, clear, *_ = devices.menu_for(devices.model.rows[:1]).actions()
    clear.trigger()
    restart.trigger()
    assert control.commands[-2:] == [ClearFault(serial), RestartWorker(serial)]


def test_the_faults_panel_sets_and_lists_a_fault(
    window: MainWindow, control: ScriptedControl
) -> None:
    faults = panel(window, FaultsPanel)
    assert isinstance(faults, FaultsPanel)
    publish(window, control)
    faults.phone.setCurrentIndex(2)
    faults.kind.setCurrentIndex(faults.kind.findData(FaultKind.CRASH))
    faults.token.setValue(10)
    faults.inject.click()
    crash = Fault(FaultKind.CRASH, control.phones[2].serial, 10)
    assert control.commands[-1] == Inject(crash)
    publish(window, control)
    assert [row.fault for row in faults.active.rows.rows] == ["crash@10"]
    faults.clear.click()
    assert control.commands[-1:] == [ClearFault(control.phones[2].serial)]


def test_lost_and_slashed_go_before_a_fault_and_old_figures_are_stale(
    control: ScriptedControl,
) -> None:
    phone = control.phones[0]
    phone.fault, phone.state, phone.age_s = "slow@1", DeviceState.JAILED, 2.5
    shown = control.snapshot()
    assert mark_of(shown.phones[0]) is Mark.SLASHED
    assert is_stale(shown.phones[0], shown.at_s)
    assert not is_stale(shown.phones[1], shown.at_s)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: (*rows, 9),
        lambda rows: rows[:1],
        lambda rows: tuple(reversed(rows)),
        lambda rows: rows[:0],
    ],
    ids=["append", "shrink", "reorder", "empty"],
)
def test_the_row_model_keeps_the_rules_of_item_models(
    qtmodeltester: ModelTester, change: Callable[[tuple[int, ...]], tuple[int, ...]]
) -> None:
    columns = [
        Column[int](message("n"), str, colour=lambda _: "#ffffff"),
        Column[int](message("twice"), _twice),
    ]
    model = RowsModel[int](columns, lambda row: row)
    model.show_rows((1, 2, 3))
    qtmodeltester.check(model)
    model.show_rows(change((1, 2, 3)))
    assert model.rows == change((1, 2, 3))
    qtmodeltester.check(model)
    assert model.headerData(1, Qt.Orientation.Horizontal) == "twice"


def test_the_ledger_models_keep_the_rules_of_item_models(
    window: MainWindow, control: ScriptedControl, qtmodeltester: ModelTester
) -> None:
    window.playground.start()
    control.emit_token()
    control.catch_liar(control.phones[1].serial)
    publish(window, control)
    ledger = window.ledger
    for page in (ledger.staking, ledger.slashing, ledger.reputation, ledger.journal):
        ledger.tabs.setCurrentWidget(page)
        assert page.rows.rowCount() > 0
        qtmodeltester.check(page.rows)
    ledger.tabs.setCurrentWidget(ledger.economy)
    for index, name in enumerate(PAGES):
        ledger.economy.page.setCurrentIndex(index)
        qtmodeltester.check(getattr(ledger.economy, name).rows)
    assert ledger.economy.stakes.rows.rowCount() > 0


def test_the_palette_finds_and_runs_a_command(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot, qapp: QApplication
) -> None:
    publish(window, control)
    window.show_palette()
    palette = window._palette
    assert palette is not None
    qtbot.keyClicks(palette.filter, "light theme")
    assert palette.found.count() == 1
    qtbot.keyClick(palette.filter, Qt.Key.Key_Return)
    assert window.appearance.theme == "light"
    assert not window.appearance.tokens.dark
    assert qapp.palette().window().color().name() == "#f7f8fa"


def _twice(row: int) -> str:
    return str(2 * row)
