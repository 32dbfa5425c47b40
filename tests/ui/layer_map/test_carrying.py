from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.device import DeviceState
from app.rack.commands import RequestAssignment
from app.ui.layer_map.drawing.bar_item import BarItem
from app.ui.layer_map.drawing.ghost import Ghost
from app.ui.layer_map.drawing.view import LayerMapView
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish, seam_point, settle

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def middle(view: LayerMapView, index: int) -> QPoint:
    bars = [item for item in view.scene().items() if isinstance(item, BarItem)]
    bars.sort(key=lambda bar: bar.pos().x())
    box = bars[index].sceneBoundingRect()
    return view.mapFromScene(QPointF(box.center().x(), box.top() + 30))


def lift(view: LayerMapView, start: QPoint, end: QPoint) -> None:
    port = view.viewport()
    QTest.mousePress(port, LEFT, NONE, start)
    QTest.mouseMove(port, (start + end) / 2)
    QTest.mouseMove(port, end)


def ghosts(window: MainWindow) -> list[Ghost]:
    return [ghost for ghost in window.findChildren(Ghost) if ghost.isVisible()]


def test_a_ghost_follows_the_pointer_and_says_what_a_drop_does(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    view = window.map.view
    lift(view, middle(view, 0), middle(view, 2))
    (ghost,) = ghosts(window)
    assert ghost.content is not None
    assert ghost.content.name == "Pixel 7 Pro"
    assert ghost.content.caption == "swap layers with CUBOT X30"
    carrying = view.carrying
    assert carrying is not None
    assert set(carrying.targets) == {phone.serial for phone in control.phones[1:]}
    lit = [carrying.lit]
    first = ghost.pos()
    outside = QPoint(middle(view, 2).x(), view.viewport().height() + 80)
    QTest.mouseMove(view.viewport(), outside)
    assert ghost.pos() != first
    assert ghost.content.caption == "drop here to free this phone"
    assert [*lit, carrying.lit] == [control.phones[2].serial, None]
    QTest.mouseRelease(view.viewport(), LEFT, NONE, outside)
    assert ghosts(window) == []
    assert control.requested is not None
    assert control.phones[0].serial not in control.requested.serials


def test_a_free_phone_says_whose_layers_it_would_share(
    window: MainWindow, control: ScriptedControl
) -> None:
    assert control.requested is not None
    control.requested = control.requested.without(control.phones[3].serial)
    publish(window, control)
    view = window.map.view
    lane = view._map.lane()
    left, top, right, bottom = lane.free[control.phones[3].serial]
    chip = view.mapFromScene(QPointF((left + right) / 2, (top + bottom) / 2))
    lift(view, chip, middle(view, 1))
    (ghost,) = ghosts(window)
    assert ghost.content is not None
    assert ghost.content.caption == "take half the layers of Galaxy A54"
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert ghosts(window) == []


def test_a_jailed_phone_takes_no_layers_and_cannot_be_carried(
    window: MainWindow, control: ScriptedControl
) -> None:
    jailed = control.phones[3]
    assert control.requested is not None
    control.requested = control.requested.without(jailed.serial)
    jailed.state = DeviceState.JAILED
    publish(window, control)
    view = window.map.view
    left, top, right, bottom = view._map.lane().free[jailed.serial]
    chip = view.mapFromScene(QPointF((left + right) / 2, (top + bottom) / 2))
    lift(view, chip, middle(view, 1))
    assert ghosts(window) == []
    QTest.mouseRelease(view.viewport(), LEFT, NONE, middle(view, 1))
    lift(view, middle(view, 0), chip)
    (ghost,) = ghosts(window)
    assert ghost.content is not None
    assert ghost.content.caption == "Pixel 6a cannot be used now"
    assert view.carrying is not None
    assert jailed.serial not in view.carrying.targets
    QTest.mouseRelease(view.viewport(), LEFT, NONE, chip)
    assert control.commands_of(RequestAssignment) == []


def test_dragging_a_seam_lifts_no_ghost(window: MainWindow, control: ScriptedControl) -> None:
    publish(window, control)
    view = window.map.view
    start = seam_point(view).toPoint()
    lift(view, start, start + QPoint(60, 0))
    assert ghosts(window) == []
    QTest.keyClick(view, Qt.Key.Key_Escape)


def test_the_map_is_larger_on_a_stage_and_drags_the_same(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    view = window.map.view
    before = view.mapFromScene(QPointF(0, 100)).y() - view.mapFromScene(QPointF(0, 0)).y()
    window.actions_registry["layout-presenter"].trigger()
    publish(window, control)
    settle(qtbot, window)
    after = view.mapFromScene(QPointF(0, 100)).y() - view.mapFromScene(QPointF(0, 0)).y()
    assert after > 1.4 * before
    assert view.horizontalScrollBar().maximum() == 0
    requested = control.requested
    assert requested is not None
    lift(view, middle(view, 0), middle(view, 2))
    QTest.mouseRelease(view.viewport(), LEFT, NONE, middle(view, 2))
    assert control.requested == requested.with_phone(2, requested.serials[0])
