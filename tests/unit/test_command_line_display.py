from __future__ import annotations

import pytest

from app.command_line import display


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
    assert display.window_obstacle() == "The display :4242 does not answer."


def test_missing_system_libraries_are_told_with_the_line_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(display, "missing_libraries", lambda: ("libxcb-cursor.so.0",))
    obstacle = display.window_obstacle()
    assert obstacle is not None
    assert "sudo apt-get install libxcb-cursor0" in obstacle


def test_an_explicit_qt_platform_needs_no_x_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "missing_libraries", lambda: ())
    monkeypatch.setenv("DISPLAY", ":4242")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert display.window_obstacle() is None
