from __future__ import annotations

from collections.abc import Sequence

import pytest

from app.command_line.commands import control_centre
from app.command_line.machine import display
from app.command_line.parser import build_parser
from app.words.sentences import reason_text


@pytest.fixture(autouse=True)
def _bare_session(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)


def test_without_any_display_variable_there_is_no_display() -> None:
    assert not display.has_display()


@pytest.mark.parametrize("name", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_each_variable_alone_names_a_display(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "anything")
    assert display.has_display()
    monkeypatch.setenv(name, "")
    assert not display.has_display()


def test_an_x_server_that_does_not_answer_is_told_before_qt_would_abort(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(display, "missing_libraries", lambda: ())
    monkeypatch.setenv("DISPLAY", ":4242")
    assert reason_text(display.window_obstacle()) == "The display :4242 does not answer."


def test_missing_system_libraries_are_told_with_the_line_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(display, "missing_libraries", lambda: ("libxcb-cursor.so.0",))
    obstacle = display.window_obstacle()
    assert "sudo apt-get install libxcb-cursor0" in reason_text(obstacle)


def test_an_explicit_qt_platform_needs_no_x_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "missing_libraries", lambda: ())
    monkeypatch.setenv("DISPLAY", ":4242")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert display.window_obstacle() is None


def test_without_a_display_a_scene_plays_in_the_terminal_with_its_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands: list[Sequence[str]] = []

    def run_command(command: Sequence[str]) -> int:
        commands.append(command)
        return 0

    monkeypatch.setattr(control_centre, "run_command", run_command)
    arguments = build_parser().parse_args(["--scene", "liar"])
    assert control_centre.execute(arguments) == 0
    parsed = build_parser().parse_args(commands[0])
    assert (parsed.module, parsed.model, parsed.fault) == ("run", "demo", ["wrong-output:2@8"])
    assert "No display here" in capsys.readouterr().err
