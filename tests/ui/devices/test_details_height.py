from __future__ import annotations

from pytestqt.qtbot import QtBot

from app.ui.devices.devices_panel import DevicesPanel
from app.ui.window.main_window import MainWindow
from app.words.phones.facts import PhoneFact
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish


def test_facts_that_take_two_lines_are_shown_whole(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    panel = window.findChild(DevicesPanel)
    assert isinstance(panel, DevicesPanel)
    publish(window, control)
    panel.list.setCurrentIndex(panel.model.index(1, 0))
    for fact in (PhoneFact.REACHED, PhoneFact.SYSTEM):
        panel.details.facts[fact].setText("loopback 127.0.0.1:36281 on the second floor")

    def is_whole() -> bool:
        shown = [label for label in panel.details.facts.values() if label.isVisible()]
        return all(label.height() >= label.heightForWidth(label.width()) for label in shown)

    qtbot.waitUntil(is_whole)
