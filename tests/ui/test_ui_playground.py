from __future__ import annotations

from PySide6.QtGui import QTextCharFormat, QTextCursor
from scripted_control import TEXT, ScriptedControl
from ui_window import publish

from app.rack.snapshot import RequestState
from app.ui.main_window import MainWindow
from app.ui.stream_view import StreamView


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


def test_unverified_text_looks_different_and_is_explained(
    window: MainWindow, control: ScriptedControl
) -> None:
    generate(window, control, 20)
    runs = pieces(window.playground.stream)
    unverified = window.playground.stream.unverified_format()
    assert [text.split()[0] for text, _ in runs] == ["In", "God", "the"]
    assert runs[2][1].underlineStyle() == unverified.underlineStyle()
    assert runs[1][1].underlineStyle() != unverified.underlineStyle()
    assert runs[1][1].foreground() != runs[2][1].foreground()
    assert "not verified yet" in window.playground.explanation.text()
    assert "20/300" in window.playground.figures.text()
    assert "412 ms" in window.playground.figures.text()


def test_settled_text_is_all_verified(window: MainWindow, control: ScriptedControl) -> None:
    generate(window, control, 20)
    control.settle()
    publish(window, control)
    runs = pieces(window.playground.stream)
    assert len(runs) == 2
    assert TEXT.startswith(runs[1][0].strip())
    assert "verified" in window.playground.explanation.text()


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
    kind, prompt, tokens, sampling = control.calls[-1]
    assert (kind, prompt, tokens, sampling.temperature) == ("generate", "Once", 7, 0.8)  # type: ignore[attr-defined]
    publish(window, control)
    window.playground.cancel.click()
    assert control.requests[-1].state is RequestState.CANCELLED
    publish(window, control)
    assert not window.playground.cancel.isEnabled()
