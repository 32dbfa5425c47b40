"""What is written can be read, what can be focused has a name, in every theme."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QAbstractScrollArea, QAbstractSpinBox, QComboBox, QWidget

from app.core.device import DeviceState
from app.rack.snapshot import Phase, TimelineKind
from app.ui.looks.marks import Mark, event_colour, mark_colour, mark_of_state, phase_colour
from app.ui.looks.tokens import THEMES as EACH_THEME
from app.ui.looks.tokens import Tokens, blend, contrast, ink_on, phone_colour
from app.ui.window.layout_names import Layout
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish

TEXT, MARKS = 4.5, 3.0
THEMES = pytest.mark.parametrize("tokens", EACH_THEME.values(), ids=list(EACH_THEME))


@THEMES
def test_words_of_every_state_can_be_read_on_every_ground(tokens: Tokens) -> None:
    inks = {
        "text": tokens.text,
        "muted": tokens.muted,
        **{mark.name: mark_colour(mark, tokens) for mark in Mark},
        **{kind.name: event_colour(kind, tokens) for kind in TimelineKind},
        **{phase.name: phase_colour(phase, tokens) for phase in Phase},
        **{state.name: mark_colour(mark_of_state(state), tokens) for state in DeviceState},
    }
    grounds = {
        "surface": tokens.surface,
        "raised": tokens.raised,
        "field": blend(tokens.raised, tokens.surface, 0.7),
        "button": blend(tokens.raised, tokens.text, 0.06),
    }
    dim = {
        (ink, ground): round(contrast(colour, against), 2)
        for ink, colour in inks.items()
        for ground, against in grounds.items()
        if contrast(colour, against) < TEXT
    }
    assert dim == {}


@THEMES
def test_phones_stand_out_and_their_names_can_be_read_on_them(tokens: Tokens) -> None:
    for position in range(1, 201):
        colour = phone_colour(tokens, position)
        assert contrast(colour, tokens.raised) >= MARKS
        assert contrast(ink_on(colour), colour) >= TEXT


@pytest.mark.parametrize("layout", list(Layout))
def test_everything_that_takes_the_focus_has_a_name(
    window: MainWindow, control: ScriptedControl, layout: Layout
) -> None:
    window.add_charts()
    window.use_layout(layout)
    publish(window, control)
    focusable = [
        each
        for each in window.findChildren(QWidget)
        if each.focusPolicy() & Qt.FocusPolicy.TabFocus and each.window() is window
    ]
    nameless = [each for each in focusable if not (_is_within(each) or _name(each))]
    told = sorted({f"{type(each).__name__} in {type(each.parent()).__name__}" for each in nameless})
    assert not told, "; ".join(told)


def _is_within(widget: QWidget) -> bool:
    """Tell whether another widget speaks for this one, of which it is a part."""
    parent = widget.parent()
    if isinstance(parent, QAbstractScrollArea):
        return parent.viewport() is widget
    return isinstance(parent, QComboBox | QAbstractSpinBox)


def _name(widget: QWidget) -> str:
    told = QAccessible.queryAccessibleInterface(widget)
    return widget.accessibleName() or (told.text(QAccessible.Text.Name) if told else "")


def test_every_action_runs_from_the_keyboard_without_harm(
    window: MainWindow, control: ScriptedControl
) -> None:
    window.add_charts()
    publish(window, control)
    left_out = {"quit", "serve", "models"}
    for name, action in window.actions_registry.named().items():
        if name in left_out or not action.isEnabled():
            continue
        action.trigger()
        publish(window, control)
        for dialog in window.findChildren(QWidget):
            if dialog.isWindow() and dialog.isVisible() and dialog is not window:
                dialog.close()
    assert window.isVisible()
