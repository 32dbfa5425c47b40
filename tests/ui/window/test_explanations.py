from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QStyleOptionViewItem, QToolTip
from pytestqt.qtbot import QtBot

from app.ui.devices.devices_panel import DevicesPanel
from app.ui.layer_map.drawing.bar_item import BarItem
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish, settle


def tip_at(panel: DevicesPanel, row: int, below_top: int) -> str:
    """What hovering shows so many pixels below the top of a row."""
    view, index = panel.list, panel.model.index(row, 0)
    option = QStyleOptionViewItem()
    option.rect = view.visualRect(index)
    at = QPoint(40, option.rect.top() + below_top)
    event = QHelpEvent(QEvent.Type.ToolTip, at, view.viewport().mapToGlobal(at))
    assert view.itemDelegate().helpEvent(event, view, option, index)
    return QToolTip.text()


def test_letters_of_a_phones_standing_are_explained_with_its_figures(
    window: MainWindow, control: ScriptedControl
) -> None:
    publish(window, control)
    panel = window.findChild(DevicesPanel)
    assert isinstance(panel, DevicesPanel)
    standing = tip_at(panel, 0, 52)
    assert standing.startswith("R 0.97: reputation.")
    assert "S 500 cr: stake." in standing
    QToolTip.hideText()
    phone = tip_at(panel, 0, 10)
    assert control.phones[0].serial in phone
    assert "reputation" not in phone
    QToolTip.hideText()


def test_the_figures_under_a_bar_are_explained(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    window.playground.start()
    for _ in range(3):
        control.emit_token()
    publish(window, control)
    settle(qtbot, window)
    items = window.map.view.scene().items()
    bar = min((item for item in items if isinstance(item, BarItem)), key=lambda item: item.x())
    factor = bar.content.below.split()[-1].removesuffix("x")
    assert "Predicted " in bar.toolTip()
    assert f"{factor} times as long" in bar.toolTip()
