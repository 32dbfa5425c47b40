"""Everything has its place at 1024x700, in every language and layout, whatever the rack does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QStyle,
    QStyleOptionComboBox,
    QTabBar,
    QToolButton,
)
from pytestqt.qtbot import QtBot

from app.ui.layer_map.drawing.scene import SCENE_HEIGHT
from app.ui.looks.seen import is_seen
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


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_on_a_button_or_in_a_box_is_cut_in_a_small_window(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot, language: str
) -> None:
    window.appearance.set_language(language)
    publish(window, control)
    window.playground.start()
    control.emit_token()
    publish(window, control)
    cut: list[str] = []
    for layout in Layout:
        window.resize(SMALLEST)
        window.use_layout(layout)
        settle(qtbot, window)
        for page in (window.ledger.staking, window.ledger.journal):
            window.ledger.tabs.setCurrentWidget(page)
            QApplication.processEvents()
            cut += [f"{layout}: {_words(each)}" for each in _labelled(window) if _is_cut(each)]
    assert sorted(set(cut)) == []


def test_a_phone_without_layers_makes_no_small_window_larger(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    publish(window, control)
    window.resize(SMALLEST)
    window.use_layout(Layout.OPERATOR)
    settle(qtbot, window)
    control.applied = control.requested = control._even([p.serial for p in control.phones[:3]])
    publish(window, control)
    settle(qtbot, window)
    assert window.map.view.scene().sceneRect().height() > SCENE_HEIGHT
    assert window.size() == SMALLEST


def _labelled(window: MainWindow) -> list[QAbstractButton | QComboBox]:
    every: list[QAbstractButton | QComboBox] = [*window.findChildren(QAbstractButton)]
    every += window.findChildren(QComboBox)
    return [each for each in every if is_seen(each) and _words(each)]


def _words(widget: QAbstractButton | QComboBox) -> str:
    return widget.currentText() if isinstance(widget, QComboBox) else widget.text()


def _is_cut(widget: QAbstractButton | QComboBox) -> bool:
    """Tell whether the words have less room than they take, or lie beyond an edge."""
    if widget.visibleRegion().boundingRect().width() < widget.width():
        return True
    if not isinstance(widget, QComboBox):
        return widget.width() < widget.minimumSizeHint().width()
    option = QStyleOptionComboBox()
    widget.initStyleOption(option)
    field = widget.style().subControlRect(
        QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, widget
    )
    return field.width() < widget.fontMetrics().horizontalAdvance(widget.currentText())


def test_the_last_tab_of_many_texts_is_whole_and_so_is_its_button(
    window: MainWindow, control: ScriptedControl, qtbot: QtBot
) -> None:
    publish(window, control)
    for _ in range(9):
        window.playground.start()
        control.emit_token()
        control.settle()
        publish(window, control)
    strip = window.playground.strip
    for width in (1024, 1280):
        window.resize(width, 800)
        window.use_layout(Layout.OPERATOR)
        settle(qtbot, window)
        for index in (0, strip.count() - 1):
            strip.setCurrentIndex(index)
            settle(qtbot, window)
            button = strip.tabButton(index, QTabBar.ButtonPosition.RightSide)
            scrollers = [
                each
                for each in strip.findChildren(QToolButton)
                if each.arrowType() is not Qt.ArrowType.NoArrow
            ]
            whole = strip.rect()
            for each in scrollers:
                if each.isVisible():
                    whole.setRight(min(whole.right(), each.geometry().left() - 1))
            assert whole.contains(button.geometry()), (width, index)


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
