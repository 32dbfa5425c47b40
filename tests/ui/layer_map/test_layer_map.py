from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from app.core.assignment import Assignment
from app.placement.problem import Objective
from app.rack.commands import Replan, RequestAssignment
from app.ui.layer_map.assignment_table import AssignmentTable
from app.ui.layer_map.drawing.bar_item import BarItem
from app.ui.layer_map.drawing.view import LayerMapView
from app.ui.looks.spoken import say_again, spoken_items
from app.ui.window.main_window import MainWindow
from app.words.catalogue import message
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish, seam_point

LEFT = Qt.MouseButton.LeftButton


def layer_point(view: LayerMapView, layer: int) -> QPoint:
    assert view.layout_shown is not None
    at = view.mapFromScene(QPointF(view.layout_shown.edges[layer], 0))
    return QPoint(at.x(), seam_point(view).toPoint().y())


def bar_point(view: LayerMapView, index: int) -> QPoint:
    bars = [item for item in view.scene().items() if isinstance(item, BarItem)]
    bars.sort(key=lambda bar: bar.pos().x())
    centre = bars[index].mapToScene(bars[index].boundingRect().center())
    return view.mapFromScene(centre)


def drag(view: LayerMapView, start: QPoint, end: QPoint, *, drop: bool = True) -> None:
    port = view.viewport()
    QTest.mousePress(port, LEFT, Qt.KeyboardModifier.NoModifier, start)
    QTest.mouseMove(port, (start + end) / 2)
    QTest.mouseMove(port, end)
    if drop:
        QTest.mouseRelease(port, LEFT, Qt.KeyboardModifier.NoModifier, end)


def bars(view: LayerMapView) -> list[BarItem]:
    return [item for item in view.scene().items() if isinstance(item, BarItem)]


def asked(control: ScriptedControl) -> list[Assignment]:
    return [command.assignment for command in control.commands_of(RequestAssignment)]


def test_dragging_a_seam_requests_once_and_undo_restores(
    window: MainWindow, control: ScriptedControl
) -> None:
    before = control.requested
    assert before is not None
    view = window.map.view
    drag(view, seam_point(view).toPoint(), layer_point(view, 1))
    assert asked(control) == [before.with_seam(0, 1)]
    assert window.editor.requested == before.with_seam(0, 1)
    assert window.editor.dirty
    assert window.map.apply.isEnabled()
    window.editor.undo_stack.undo()
    assert control.requested == before
    assert window.editor.requested == before
    window.editor.undo_stack.redo()
    assert control.requested == before.with_seam(0, 1)


def test_the_preview_follows_the_pointer_and_nothing_is_requested_before_the_drop(
    window: MainWindow, control: ScriptedControl
) -> None:
    view, line = window.map.view, window.map.preview_line
    before = line.text()
    drag(view, seam_point(view).toPoint(), layer_point(view, 1), drop=False)
    assert line.text().startswith("preview")
    assert "→" in line.text()
    assert asked(control) == []
    publish(window, control)
    assert line.text().startswith("preview")
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert line.text() == before
    QTest.mouseRelease(view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, layer_point(view, 1))
    assert asked(control) == []


def test_a_span_that_does_not_fit_is_blocked_and_says_what_is_missing(
    window: MainWindow, control: ScriptedControl
) -> None:
    view = window.map.view
    control.phones[1].memory_bytes = 30_000_000
    drag(view, seam_point(view).toPoint(), layer_point(view, 1), drop=False)
    blocked = [bar.content.blocked for bar in bars(view) if bar.content.blocked]
    assert blocked == ["needs 15.0 MB more"]
    assert "15.0 MB missing" in window.map.fit_line.text()


def test_dropping_a_bar_on_another_swaps_and_outside_frees_then_gives_back(
    window: MainWindow, control: ScriptedControl
) -> None:
    before = control.requested
    assert before is not None
    view = window.map.view
    drag(view, bar_point(view, 0), bar_point(view, 2))
    assert control.requested == before.with_phone(2, before.serials[0])
    window.editor.undo_stack.undo()
    drag(view, bar_point(view, 0), QPoint(200, view.viewport().height() + 60))
    assert control.requested == before.without(before.serials[0])
    chips = window.map.view.state_shown
    assert chips is not None
    assert [phone.serial for phone in chips.phones_without_layers()] == [before.serials[0]]


def test_the_pin_is_kept_for_the_next_plan(window: MainWindow, control: ScriptedControl) -> None:
    view = window.map.view
    bar = min(bars(view), key=lambda bar: bar.pos().x())
    at = view.mapFromScene(bar.mapToScene(bar.pin_box().center()))
    QTest.mouseClick(view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, at)
    assert [pin.serial for pin in window.editor.pins] == [control.phones[0].serial]
    window.map.replan.click()
    assert control.commands[-1] == Replan(Objective.LATENCY, window.editor.pins)


def test_a_plan_becomes_one_undoable_step(window: MainWindow, control: ScriptedControl) -> None:
    even = control.requested
    assert even is not None
    window.editor.commit(even.with_seam(0, 1), message("Move boundary"))
    window.map.replan.click()
    assert window.editor.requested == even
    window.editor.undo_stack.undo()
    assert control.requested == even.with_seam(0, 1)


def test_keys_move_boundaries_and_phones_in_the_table(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    before = control.requested
    assert before is not None
    dock = window.docks["assignment"]
    dock.raise_()
    table = dock.findChild(AssignmentTable)
    assert isinstance(table, AssignmentTable)
    qtbot.waitUntil(table.isVisible)
    table.refresh()
    table.selectRow(1)
    alt = Qt.KeyboardModifier.AltModifier
    qtbot.keyClick(table, Qt.Key.Key_Right, alt)
    assert control.requested == before.with_seam(1, before.stages[2].first_layer + 1)
    qtbot.keyClick(table, Qt.Key.Key_Left, alt)
    assert control.requested == before
    qtbot.keyClick(table, Qt.Key.Key_Up, alt)
    assert control.requested == before.with_seam(0, before.stages[1].first_layer - 1)
    window.editor.undo_stack.undo()
    menu = table.device_menu()
    assert menu is not None
    first = next(each for each in menu.actions() if control.phones[0].name in each.text())
    first.trigger()
    assert control.requested == before.with_phone(1, before.serials[0])


def test_transfers_fill_the_outline(window: MainWindow, control: ScriptedControl) -> None:
    control.applied = None
    control.deploying(0.5)
    publish(window, control)
    filled = [bar.content.filled for bar in bars(window.map.view)]
    assert all(0.4 < end < 0.9 and start == 0 for start, end in filled)


def test_the_dot_travels_only_while_text_flows_and_motion_is_wanted(
    window: MainWindow, control: ScriptedControl
) -> None:
    window.playground.start()
    publish(window, control)
    assert window.map.dot.moving
    window.appearance.set_reduce_motion(reduced=True)
    assert not window.map.dot.moving


def test_a_box_grows_with_the_words_of_another_language(qtbot: QtBot) -> None:
    words = {"a": "幅"}
    box = QComboBox()
    box.addItem("", "a")
    spoken_items(box, lambda key: words[key])
    qtbot.addWidget(box)
    box.show()
    before = box.sizeHint().width()
    words["a"] = "width: how long a stage takes"
    say_again()
    assert box.sizeHint().width() > before + 50
