"""Opens, feeds and shuts the main window for tests."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from scripted_control import ScriptedControl

from app.ui.appearance import Appearance
from app.ui.main_window import MainWindow
from app.ui.rack_link import RackLink
from app.ui.settings import Settings


def open_window(qtbot: QtBot, qapp: QApplication, settings: Settings) -> MainWindow:
    window = MainWindow(RackLink(), settings, Appearance(qapp, settings))
    window.resize(1400, 900)
    window.show()
    qtbot.waitExposed(window)
    qtbot.wait(50)
    return window


def shut(qtbot: QtBot, window: MainWindow) -> None:
    if window.isVisible():
        window.link.close = lambda closed: closed()  # type: ignore[method-assign]
        with qtbot.waitSignal(window.stopped):
            window.close()
    window.deleteLater()
    window.appearance.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def publish(window: MainWindow, control: ScriptedControl) -> None:
    """Publish and show at once what the script has done."""
    control.publish()
    window.link.refresh()
