"""Everything has its place at 1024x700, in every language and layout, whatever the rack does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QSize
from pytestqt.qtbot import QtBot

from app.ui.rack_link import RackLink
from app.ui.window.layout_names import Layout
from app.ui.window.main_window import MainWindow
from app.words.catalogue import LANGUAGES
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish, settle

SMALLEST = QSize(1024, 700)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("ready", [False, True])
def test_nothing_runs_past_the_edge_of_a_small_window(
    window: MainWindow,
    control: ScriptedControl,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    *,
    ready: bool,
) -> None:
    window.appearance.set_language(language)
    if ready:
        publish(window, control)
        window.playground.start()
        control.emit_token()
        publish(window, control)
        monkeypatch.setattr(RackLink, "silence_s", property(lambda _: 96.0))
    else:
        snapshot = ScriptedControl().snapshot()
        named = replace(snapshot, rack_name="a shelf of phones by the window on the left")
        window.link._shown = (named, 0.0)
        window.link.snapshot_changed.emit(named)
    window.link.ticked.emit()
    for layout in Layout:
        window.resize(SMALLEST)
        window.use_layout(layout)
        settle(qtbot, window)
        least = window.minimumSizeHint()
        assert least.width() <= SMALLEST.width(), (layout, least)
        assert least.height() <= SMALLEST.height(), (layout, least)
        assert window.size() == SMALLEST, layout
        header = window.header
        layout_of_header = header.layout()
        assert layout_of_header is not None
        layout_of_header.activate()  # a second that passed since may have made its words longer
        assert header.phase.width() >= header.phase.sizeHint().width(), layout
        assert header.palette_button.geometry().right() <= header.width(), layout


def test_a_full_tall_window_can_be_made_small(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    window.appearance.set_language("ja")  # its lines are the highest
    publish(window, control)
    for _ in range(3):
        window.playground.start()
        control.emit_token()
        publish(window, control)
    assert window.playground.strip.isVisible()
    for layout in (Layout.OPERATOR, Layout.TESTER):
        window.resize(1600, 1000)
        window.use_layout(layout)
        settle(qtbot, window)
        window.resize(SMALLEST)
        settle(qtbot, window)
        window.use_layout(layout)
        window.resize(SMALLEST)
        settle(qtbot, window)
        assert window.size() == SMALLEST, layout
