from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.errors import WorkerError
from app.core.tasks import Complete
from app.faults.catalogue import Fault, FaultKind
from app.rack.commands import Ask, Inject
from app.rack.snapshot import Phase
from app.ui.layer_map.assignment_table import AssignmentTable
from app.ui.looks.appearance import Appearance
from app.ui.looks.seen import is_seen
from app.ui.playground.sampling_button import DEMO_SAMPLING
from app.ui.presenter.first_run import FirstRun
from app.ui.presenter.scenes import scene_named
from app.ui.presenter.stage import PresenterStage
from app.ui.rack_link import RackLink
from app.ui.settings import Settings
from app.ui.window import main_window
from app.ui.window.alert import Alert
from app.ui.window.header import HeaderBar
from app.ui.window.layout_names import Layout
from app.ui.window.main_window import MainWindow
from app.ui.window.notices import Notice
from app.words.catalogue import message
from app.words.sentences import facts_text
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import child, open_rack, open_window, publish, settle, shut


def has_beaten(beats: Sequence[int], times: int) -> bool:
    return len(beats) >= times


def shown(window: MainWindow) -> set[str]:
    return {name for name, dock in window.docks.items() if not dock.isHidden()}


def test_the_window_is_painted_before_the_rack_is_asked_for(
    qtbot: QtBot, qapp: QApplication, settings: Settings
) -> None:
    window = open_window(qtbot, qapp, settings)
    assert window.isVisible()
    assert window.link.snapshot is None
    assert "STARTING" in child(window, HeaderBar).phase.text()
    shut(qtbot, window)


def test_a_rack_that_cannot_be_opened_is_one_line(
    qtbot: QtBot, qapp: QApplication, settings: Settings
) -> None:
    window = open_window(qtbot, qapp, settings)

    def refuse() -> ScriptedControl:
        raise WorkerError("Port 5555 is in use.")

    with qtbot.waitSignal(window.link.failed):
        window.link.open(refuse)
    alert = child(window, Alert)
    assert alert.words.text() == "Port 5555 is in use."
    assert alert.isVisible()
    shut(qtbot, window)


@pytest.mark.parametrize("layout", list(Layout))
def test_a_layout_can_be_left_and_taken_again(window: MainWindow, layout: Layout) -> None:
    window.use_layout(layout)
    wanted = shown(window)
    assert {"map", "timeline", "playground"} <= wanted
    window.docks["map"].setFloating(True)
    window.docks["timeline"].hide()
    window.use_layout(layout)
    assert shown(window) == wanted
    assert not window.docks["map"].isFloating()
    window.reset_layout()
    assert shown(window) == set(window.docks)


def test_a_layout_chosen_before_the_window_was_painted_stays(
    qtbot: QtBot, qapp: QApplication, settings: Settings
) -> None:
    window = MainWindow(RackLink(), settings, Appearance(qapp, settings))
    window.show()
    window.use_layout(Layout.PRESENTER)
    wanted = shown(window)
    settle(qtbot, window)
    assert shown(window) == wanted != set(window.docks)
    shut(qtbot, window)


def test_panels_and_theme_are_remembered(
    qtbot: QtBot, qapp: QApplication, settings: Settings, tmp_path: Path
) -> None:
    first = open_window(qtbot, qapp, settings)
    first.use_layout(Layout.PRESENTER)
    first.appearance.set_theme("light")
    left = shown(first)
    shut(qtbot, first)
    second = open_window(qtbot, qapp, Settings(tmp_path / "window.ini"))
    assert shown(second) == left != set(second.docks)
    assert not second.appearance.tokens.dark
    shut(qtbot, second)


def test_state_of_another_version_falls_back_to_the_operator_layout(
    qtbot: QtBot, qapp: QApplication, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_window(qtbot, qapp, settings)
    first.use_layout(Layout.PRESENTER)
    shut(qtbot, first)
    monkeypatch.setattr(main_window, "STATE_VERSION", 99)
    second = open_window(qtbot, qapp, settings)
    assert shown(second) == set(second.docks)
    assert "another version" in second.log.text.toPlainText()
    shut(qtbot, second)


def test_the_window_answers_while_the_rack_never_does(
    qtbot: QtBot, qapp: QApplication, settings: Settings
) -> None:
    control = ScriptedControl(answers=False)
    control.make_ready()
    window = open_window(qtbot, qapp, settings)
    open_rack(qtbot, window, control)
    assert control.requested is not None
    beats: list[int] = []
    heart = QTimer(window, interval=5)
    heart.timeout.connect(lambda: beats.append(len(beats)))
    heart.start()
    before = control.requested
    window.editor.commit(before.with_seam(0, 1), message("Move boundary"))
    window.map.deployment.apply()
    window.map.replan.click()
    window.playground.start()
    window.link.submit(Inject(Fault(FaultKind.HANG, control.phones[0].serial)))
    for wanted in range(1, 11):
        publish(window, control)
        qtbot.waitUntil(partial(has_beaten, beats, wanted))
    assert window.editor.requested is not None
    shut(qtbot, window)


def test_the_demo_prompt_starts_by_itself_once(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl, settings: Settings
) -> None:
    settings.start_demo = True
    first = FirstRun(window.link, settings, None, PresenterStage(window))
    publish(window, control)
    publish(window, control)
    qtbot.waitUntil(lambda: len(control.requests) == 1)
    assert control.commands == [Ask(Complete("In the beginning"), 300, DEMO_SAMPLING)]
    control.settle()
    publish(window, control)
    assert len(control.requests) == 1
    first.deleteLater()


def test_the_demo_prompt_can_be_switched_off(
    window: MainWindow, control: ScriptedControl, settings: Settings
) -> None:
    first = FirstRun(window.link, settings, None, PresenterStage(window))
    publish(window, control)
    assert control.requests == []
    first.deleteLater()


def test_a_scene_sets_its_fault_before_it_generates(
    window: MainWindow, control: ScriptedControl, settings: Settings
) -> None:
    stage = PresenterStage(window)
    first = FirstRun(window.link, settings, scene_named("liar"), stage)
    for _ in range(3):
        publish(window, control)
        stage.player.step(1)
    assert [type(command) for command in control.commands] == [Inject, Ask]
    assert control.phones[1].fault == "wrong-output@8"
    first.deleteLater()


def test_the_notice_offers_to_connect_a_phone(window: MainWindow, control: ScriptedControl) -> None:
    publish(window, control)
    notice = child(window, Notice)
    assert notice.isVisible()
    assert notice.words.text() == facts_text(control.notices)
    control.phase = Phase.FAILED
    publish(window, control)
    assert notice.objectName() == "alert"
    control.notices = ()
    publish(window, control)
    assert not notice.isVisible()


def test_only_the_newest_snapshot_is_shown(window: MainWindow, control: ScriptedControl) -> None:
    seen: list[int] = []
    window.link.snapshot_changed.connect(lambda snapshot: seen.append(snapshot.sequence))
    for _ in range(50):
        control.publish()
    window.link._tick()
    assert seen == [control.snapshot().sequence]


def test_closing_stops_the_rack_first(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    settling: Future[None] = Future()
    control.close = lambda: settling  # type: ignore[method-assign]
    window.close()
    assert window.isVisible()
    with qtbot.waitSignal(window.stopped):
        settling.set_result(None)
    assert not window.isVisible()


def test_closing_gives_up_on_a_rack_that_never_stops(
    qtbot: QtBot,
    window: MainWindow,
    control: ScriptedControl,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(main_window, "CLOSE_LIMIT_MS", 100)
    control.close = Future  # type: ignore[method-assign]
    with qtbot.waitSignal(window.stopped):
        window.close()
    assert not window.isVisible()


def test_the_process_stays_for_a_rack_that_outlasts_its_window(control: ScriptedControl) -> None:
    stopping: Future[None] = Future()
    control.close = lambda: stopping  # type: ignore[method-assign]
    link = RackLink()
    link.open(lambda: control)
    assert not link.wait_closed(0.05)
    stopping.set_result(None)
    assert link.wait_closed(60)


def test_a_rack_that_could_not_be_opened_is_not_waited_for() -> None:
    def refuse() -> ScriptedControl:
        raise WorkerError("Port 5555 is in use.")

    link = RackLink()
    assert link.wait_closed(60)
    link.open(refuse)
    assert link.wait_closed(60)


def test_every_phase_and_twenty_four_phones_can_be_shown(
    qtbot: QtBot, qapp: QApplication, settings: Settings
) -> None:
    control = ScriptedControl(24, 32)
    window = open_window(qtbot, qapp, settings)
    open_rack(qtbot, window, control)
    window.add_charts()
    control.deploying(0.5)
    publish(window, control)
    control.make_ready()
    window.playground.start()
    control.emit_token()
    control.catch_liar(control.phones[1].serial)
    control.lose(control.phones[3].serial)
    for phase in Phase:
        control.phase = phase
        publish(window, control)
        window.grab()
    assert window.map.view.horizontalScrollBar().maximum() > 0
    shut(qtbot, window)


def test_a_panel_behind_a_tab_rests_and_catches_up_when_it_is_raised(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    table = window.docks["assignment"].findChild(AssignmentTable)
    assert isinstance(table, AssignmentTable)
    qtbot.waitUntil(lambda: not is_seen(table))
    before = table.rows.rows
    assert control.requested is not None
    window.editor.commit(control.requested.with_seam(0, 1), message("Move boundary"))
    publish(window, control)
    assert table.rows.rows == before
    window.docks["assignment"].raise_()
    wanted = control.requested.stages
    qtbot.waitUntil(lambda: table.rows.rows == wanted)


def test_a_window_that_is_gone_leaves_nothing_to_be_done(
    qtbot: QtBot, qapp: QApplication, settings: Settings
) -> None:
    window = MainWindow(RackLink(), settings, Appearance(qapp, settings))
    window.link.close = lambda closed: closed()  # type: ignore[method-assign]
    window.show()
    window.grab()
    window.close()
    window.deleteLater()
    window.appearance.deleteLater()
    with qtbot.captureExceptions() as failures:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        qtbot.wait(50)
    assert failures == []


def test_what_could_not_be_done_lies_over_the_window_and_pushes_nothing(
    qtbot: QtBot, window: MainWindow
) -> None:
    settle(qtbot, window)
    before = {name: dock.geometry() for name, dock in window.docks.items()}
    window.link.failed.emit("Pixel 7 cannot hold that. " * 8)
    settle(qtbot, window)
    assert {name: dock.geometry() for name, dock in window.docks.items()} == before
    alert = window.alert
    assert alert.isVisible()
    assert window.rect().contains(alert.geometry())
    alert.copy_button.click()
    assert QApplication.clipboard().text() == alert.words.text()
    window.resize(1050, 720)
    settle(qtbot, window)
    assert window.rect().contains(alert.geometry())
    alert.dismiss_button.click()
    assert not alert.isVisible()
