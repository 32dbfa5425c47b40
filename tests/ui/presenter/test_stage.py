from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.ui.window.layout_names import Layout
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish, settle


@pytest.mark.parametrize("theme", ["dark", "contrast"])
@pytest.mark.parametrize("layout", list(Layout))
def test_every_layout_fits_a_small_screen_also_with_a_free_phone(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl, layout: Layout, theme: str
) -> None:
    assert control.requested is not None
    control.requested = control.requested.without(control.phones[2].serial)
    control.applied = control.requested
    window.appearance.set_theme(theme)
    window.add_charts()
    window.resize(1280, 720)
    window.playground.start()
    publish(window, control)
    for passing in (Layout.PRESENTER, layout):
        window.use_layout(passing)
        publish(window, control)
        settle(qtbot, window)
    assert window.minimumSizeHint().width() <= 1280
    assert window.minimumSizeHint().height() <= 720


def test_the_presenter_can_be_read_from_afar_and_grows_with_the_window(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    def sizes() -> list[float]:
        publish(window, control)
        settle(qtbot, window)
        shown = (
            window.playground.stream,
            window.playground.explanation,
            window.map.fit_line,
            window.header.phase,
        )
        return [widget.font().pointSizeF() for widget in shown]

    window.resize(1280, 720)
    desk = sizes()
    window.use_layout(Layout.PRESENTER)
    small = sizes()
    window.resize(1920, 1080)
    large = sizes()
    assert all(stage > usual for stage, usual in zip(small, desk, strict=True))
    assert large[0] > 1.3 * small[0]
    window.use_layout(Layout.OPERATOR)
    assert sizes() == desk


def test_a_tester_sees_faults_timeline_and_journal_at_once(
    qtbot: QtBot, window: MainWindow, control: ScriptedControl
) -> None:
    window.resize(1600, 1000)
    publish(window, control)
    window.use_layout(Layout.TESTER)
    journal = window.ledger.journal
    wanted = (window.docks["faults"].widget(), window.timeline, journal)
    qtbot.waitUntil(lambda: all(widget.visibleRegion().rectCount() > 0 for widget in wanted))
