from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.errors import BadInputError
from app.rack.commands import Apply, Replan
from app.rack.snapshot import Phase
from app.ui.settings import Settings
from app.ui.window.main_window import MainWindow
from app.words.catalogue import message
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


@contextmanager
def restarted(
    qtbot: QtBot, qapp: QApplication, settings: Settings, rack: ScriptedControl
) -> Iterator[MainWindow]:
    again = open_window(qtbot, qapp, settings)
    open_rack(qtbot, again, rack)
    yield again
    shut(qtbot, again)


def edit(window: MainWindow) -> None:
    requested = window.editor.requested
    assert requested is not None
    seam = requested.stages[0].last_layer - 1
    window.editor.commit(requested.with_seam(0, seam), message("Re-plan"))


@pytest.fixture
def starting() -> ScriptedControl:
    """A rack whose weights are still on their way."""
    rack = ScriptedControl()
    rack.deploying(0.1)
    return rack


def test_an_edit_before_the_rack_is_ready_costs_no_pin(
    qtbot: QtBot, qapp: QApplication, settings: Settings, starting: ScriptedControl
) -> None:
    pins = tuple(pinned(phone.serial, 0, 2) for phone in starting.phones[:1])
    settings.save_pins("demo", pins)
    own = starting.phones[1].serial
    with restarted(qtbot, qapp, settings, starting) as again:
        again.editor.toggle_pin(own)
        assert settings.pins("demo") == pins
        starting.make_ready()
        publish(again, starting)
        expected = {own, pins[0].serial}
        (asked,) = starting.commands_of(Replan)
        assert {pin.serial for pin in asked.pins} == expected
        assert {pin.serial for pin in settings.pins("demo")} == expected


def test_pins_are_put_back_on_a_rack_that_has_lost_a_phone(
    window: MainWindow, settings: Settings, control: ScriptedControl
) -> None:
    pins = (pinned(control.phones[0].serial, 0, 2), pinned(control.phones[3].serial, 9, 11))
    settings.save_pins("demo", pins)
    window.pins._restored = None
    control.lose(control.phones[3].serial)
    publish(window, control)
    assert [each.pins for each in control.commands_of(Replan)] == [pins[:1]]
    control.phones[3].state = control.phones[0].state
    publish(window, control)
    edit(window)
    assert pins[1] in settings.pins("demo")
    window.editor.toggle_pin(pins[1].serial)
    window.editor.toggle_pin(pins[1].serial)
    assert pins[1].serial not in {pin.serial for pin in settings.pins("demo")}


def test_pins_that_are_refused_are_kept_until_a_person_pins_or_frees_a_phone(
    window: MainWindow,
    settings: Settings,
    control: ScriptedControl,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pins = (pinned(control.phones[0].serial, 0, 2),)
    settings.save_pins("demo", pins)
    refused: Future[None] = Future()
    act = control._act
    monkeypatch.setattr(
        control, "_act", lambda each: refused if isinstance(each, Replan) else act(each)
    )
    window.pins._restored = None
    publish(window, control)
    edit(window)
    assert settings.pins("demo") == pins
    refused.set_exception(BadInputError("hub.no_name", text="x"))
    edit(window)
    assert settings.pins("demo") == pins
    other = control.phones[1].serial
    window.editor.toggle_pin(other)
    assert [pin.serial for pin in settings.pins("demo")] == [other]


def test_a_phone_that_is_unplugged_keeps_its_pin(
    window: MainWindow, settings: Settings, control: ScriptedControl
) -> None:
    publish(window, control)
    window.editor.toggle_pin(control.phones[3].serial)
    kept = settings.pins("demo")
    control.lose(control.phones[3].serial)
    control.requested = control.applied = control._even([p.serial for p in control.phones[:3]])
    publish(window, control)
    assert window.editor.pins == ()
    edit(window)
    assert settings.pins("demo") == kept


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
