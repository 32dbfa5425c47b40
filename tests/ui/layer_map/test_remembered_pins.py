from __future__ import annotations

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.rack.commands import Apply, Replan
from app.rack.snapshot import Phase
from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from tests.assignments import pinned
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import open_rack, open_window, publish, shut


def test_a_pin_is_remembered_and_planned_with_at_the_next_start(
    window: MainWindow,
    settings: Settings,
    control: ScriptedControl,
    qtbot: QtBot,
    qapp: QApplication,
) -> None:
    publish(window, control)
    serial = control.phones[1].serial
    window.editor.toggle_pin(serial)
    pin = pinned(serial, 3, 5)
    assert settings.pins("demo") == (pin,)
    again, rack = open_window(qtbot, qapp, settings), ScriptedControl()
    open_rack(qtbot, again, rack)
    assert rack.commands_of(Replan) == []
    rack.make_ready()
    rack.applied = rack.applied and rack.applied.with_seam(0, 1)
    publish(again, rack)
    assert [each.pins for each in rack.commands_of(Replan)] == [(pin,)]
    assert len(rack.commands_of(Apply)) == 1
    assert again.editor.pins == (pin,)
    publish(again, rack)
    assert len(rack.commands_of(Replan)) == 1
    again.editor.toggle_pin(serial)
    assert settings.pins("demo") == ()
    shut(qtbot, again)


def test_pins_of_phones_that_are_gone_move_nothing(
    window: MainWindow, settings: Settings, control: ScriptedControl
) -> None:
    settings.save_pins("demo", (pinned(control.phones[0].serial, 0, 2),))
    control.phones[0].state = control.phones[0].state.LOST
    window.pins._restored = None
    control.phase = Phase.READY
    publish(window, control)
    assert control.commands_of(Replan) == []


def test_odd_lines_of_the_settings_are_no_pins(settings: Settings) -> None:
    for odd in (
        "",
        "x",
        "decoder 1 2",
        "decoder 5 3 V",
        "decoder -1 3 V",
        "decoder 1.5 2 V",
        "eyes 1 2 V",
    ):
        settings._store.setValue(settings._pins_of("demo"), odd)
        assert settings.pins("demo") == ()
