from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter, QPalette, QTextCharFormat, QTextCursor

from app.core.tasks import Complete
from app.rack.commands import Ask
from app.rack.snapshot import RequestState
from app.ui.looks.marks import Shield
from app.ui.looks.shapes import paint_shield
from app.ui.looks.tokens import DARK
from app.ui.playground.stream_view import StreamView
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import TEXT, ScriptedControl
from tests.ui.window_support import publish


def pieces(stream: StreamView) -> list[tuple[str, QTextCharFormat]]:
    """The text's runs of one format each."""
    found: list[tuple[str, QTextCharFormat]] = []
    cursor = QTextCursor(stream.document())
    while not cursor.atEnd():
        cursor.movePosition(
            QTextCursor.MoveOperation.NextCharacter, QTextCursor.MoveMode.KeepAnchor
        )
        letter, look = cursor.selectedText(), cursor.charFormat()
        if found and found[-1][1] == look:
            found[-1] = (found[-1][0] + letter, look)
        else:
            found.append((letter, look))
        cursor.clearSelection()
    return found


def generate(window: MainWindow, control: ScriptedControl, tokens: int) -> None:
    window.playground.start()
    for _ in range(tokens):
        control.emit_token()
    publish(window, control)


def test_text_that_may_be_taken_back_looks_different_and_is_explained(
    window: MainWindow, control: ScriptedControl
) -> None:
    generate(window, control, 20)
    runs = pieces(window.playground.stream)
    dotted = window.playground.stream.open_format()
    assert [text.split()[0] for text, _ in runs] == ["In", "God", "the"]
    assert runs[2][1].underlineStyle() == dotted.underlineStyle()
    assert runs[1][1].underlineStyle() != dotted.underlineStyle()
    assert runs[1][1].foreground() != runs[2][1].foreground()
    assert "not settled yet" in window.playground.explanation.text()
    assert window.playground.shield.shield is Shield.EMPTY
    assert "20/300" in window.playground.figures.text()
    assert "412 ms" in window.playground.figures.text()


def test_text_is_verified_where_every_stage_was_audited(
    window: MainWindow, control: ScriptedControl
) -> None:
    generate(window, control, 20)
    control.settle()
    publish(window, control)
    runs = pieces(window.playground.stream)
    assert len(runs) == 2
    assert TEXT.startswith(runs[1][0].strip())
    assert "All of this text is verified" in window.playground.explanation.text()
    assert window.playground.figures.text().startswith("verified")
    assert window.playground.shield.shield is Shield.FULL
    assert window.playground.shield.colour == DARK.good


@pytest.mark.parametrize("audited", [0, 1, 3])
def test_text_of_which_not_all_was_audited_is_settled_and_never_green(
    window: MainWindow, control: ScriptedControl, audited: int
) -> None:
    generate(window, control, 20)
    control.settle(audited)
    publish(window, control)
    told = window.playground
    assert f"Settled, {audited} of 4 stages audited" in told.explanation.text()
    assert told.figures.text().startswith("settled")
    assert "verified" not in told.explanation.text() + told.figures.text()
    assert told.shield.isVisible()
    assert (told.shield.shield, told.shield.colour) == (Shield.HALF, DARK.text)
    colour = told.explanation.palette().color(QPalette.ColorRole.WindowText).name()
    assert colour != DARK.good


def test_a_cancelled_text_that_was_not_checked_is_never_called_being_checked(
    window: MainWindow, control: ScriptedControl
) -> None:
    generate(window, control, 20)
    control.change(-1, state=RequestState.CANCELLED)
    publish(window, control)
    assert window.playground.explanation.text() == "Dotted text was never checked."


def test_half_a_shield_is_filled_on_one_side_only() -> None:
    pixels = {}
    for shield in Shield:
        picture = QImage(32, 32, QImage.Format.Format_RGB32)
        picture.fill(0)
        painter = QPainter(picture)
        paint_shield(painter, QRectF(2, 2, 28, 28), shield, "#ffffff")
        painter.end()
        pixels[shield] = [picture.pixelColor(x, 15).lightness() > 200 for x in (10, 22)]
    assert pixels == {
        Shield.EMPTY: [False, False],
        Shield.HALF: [True, False],
        Shield.FULL: [True, True],
    }


def test_a_rollback_stays_visible_struck_through(
    window: MainWindow, control: ScriptedControl
) -> None:
    generate(window, control, 20)
    control.catch_liar(control.phones[1].serial, taken_back=7)
    publish(window, control)
    struck = [text for text, look in pieces(window.playground.stream) if look.fontStrikeOut()]
    assert struck == [" and void; and darkness was upon the"]
    assert "taken back" in window.playground.explanation.text()
    for _ in range(9):
        control.emit_token()
    publish(window, control)
    shown = window.playground.stream.toPlainText()
    assert shown.count("and void; and darkness was upon the") == 2
    assert shown.endswith("face of")


def test_a_prompt_goes_out_as_typed_and_can_be_cancelled(
    window: MainWindow, control: ScriptedControl
) -> None:
    window.playground.prompt.setText("Once")
    window.playground.tokens.setValue(7)
    window.playground.sampling.temperature.setValue(0.8)
    window.playground.generate.click()
    asked = control.commands_of(Ask)[-1]
    assert (asked.task, asked.tokens) == (Complete("Once"), 7)
    assert asked.sampling.temperature == 0.8
    publish(window, control)
    window.playground.cancel.click()
    assert control.requests[-1].state is RequestState.CANCELLED
    publish(window, control)
    assert not window.playground.cancel.isEnabled()
