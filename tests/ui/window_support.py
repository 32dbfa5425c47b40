"""Opens, feeds and shuts the main window for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QEvent, QPointF, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.ui.layer_map.drawing.scene import BAR_TOP
from app.ui.layer_map.drawing.view import LayerMapView
from app.ui.looks.appearance import Appearance
from app.ui.rack_link import RackLink
from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl

Child = TypeVar("Child", bound=QWidget)
PATIENCE_MS = 60_000
"""How long anything may take on a crowded machine; a test takes no longer for it."""


class PatientBot(QtBot):
    """Waits for what will come also where the machine has little time for it."""

    def waitSignal(self, signal: Any, **options: Any) -> Any:  # noqa: ANN401, N802 - pytest-qt's
        return super().waitSignal(signal, **{"timeout": PATIENCE_MS} | options)

    def waitUntil(self, callback: Callable[[], bool | None], **options: Any) -> None:  # noqa: ANN401, N802 - pytest-qt's
        super().waitUntil(callback, **{"timeout": PATIENCE_MS} | options)

    def waitExposed(self, widget: Any, **options: Any) -> Any:  # noqa: ANN401, N802 - pytest-qt's
        return super().waitExposed(widget, **{"timeout": PATIENCE_MS} | options)


def open_window(qtbot: QtBot, qapp: QApplication, settings: Settings) -> MainWindow:
    window = MainWindow(RackLink(), settings, Appearance(qapp, settings))
    window.resize(1400, 900)
    with qtbot.waitExposed(window):
        window.show()
    settle(qtbot, window)
    return window


def child(parent: QWidget, kind: type[Child]) -> Child:
    """Return the only child of a class."""
    (found,) = parent.findChildren(kind)
    return found


def seam_point(view: LayerMapView) -> QPointF:
    """Return the middle of the seam after the first stage, in the viewport."""
    assert view.layout_shown is not None
    assert view.state_shown is not None
    x = sum(view.layout_shown.hop(view.state_shown.shown.stages[0])) / 2
    return QPointF(view.mapFromScene(QPointF(x, BAR_TOP + 24)))


def open_rack(qtbot: QtBot, window: MainWindow, control: ScriptedControl) -> None:
    """Give the window its rack and wait until it shows it."""
    with qtbot.waitSignal(window.link.opened):
        window.link.open(lambda: control)
    settle(qtbot, window)


def settle(qtbot: QtBot, window: MainWindow) -> None:
    """Wait until the window was painted and nothing in it is about to move by itself."""
    qtbot.waitUntil(lambda: _is_at_rest(window))


def _is_at_rest(window: MainWindow) -> bool:
    QApplication.processEvents()
    timers = window.findChildren(QTimer)
    return window._painted and not any(each.isActive() and each.isSingleShot() for each in timers)


def shut(qtbot: QtBot, window: MainWindow) -> None:
    """Close the window and delete all that hangs on it, here and now, on this thread."""
    if window.isVisible():
        window.link.close = lambda closed: closed()  # type: ignore[method-assign]
        with qtbot.waitSignal(window.stopped):
            window.close()
    for part in (window, window.appearance, window.editor, window.link):
        part.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def publish(window: MainWindow, control: ScriptedControl) -> None:
    """Publish and show at once what the script has done."""
    control.publish()
    window.link.refresh()
