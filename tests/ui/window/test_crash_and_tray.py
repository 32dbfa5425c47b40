"""A run that did not close is told of at the next start; who looks elsewhere hears of a slash."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QIcon

from app.core.facts import Fact
from app.rack.snapshot import RequestState, TimelineKind
from app.ui.crash_report import CrashReport
from app.ui.window.main_window import MainWindow
from app.ui.window.tray import Tray
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish


def test_a_run_that_closed_leaves_no_report(tmp_path: Path) -> None:
    for _ in range(2):
        with CrashReport(tmp_path).kept() as left:
            assert left is None


def test_a_run_that_did_not_close_leaves_its_last_words(tmp_path: Path) -> None:
    report = CrashReport(tmp_path)
    with report.kept():
        report.note(ValueError("the last straw"))
        (tmp_path / "window.running").rename(tmp_path / "mark")
    (tmp_path / "mark").rename(tmp_path / "window.running")
    with CrashReport(tmp_path).kept() as left:
        assert left is not None
        assert "the last straw" in left.read_text("utf-8")
    with CrashReport(tmp_path).kept() as left:
        assert left is None


def test_a_home_that_cannot_be_written_costs_only_the_report(tmp_path: Path) -> None:
    with CrashReport(tmp_path / "missing").kept() as left:
        assert left is None


def test_a_slash_and_a_long_text_are_told_once_and_what_was_before_is_not(
    window: MainWindow, control: ScriptedControl, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(Tray, "tell", lambda _tray, words: told.append(words))
    control.tell(TimelineKind.SLASH, Fact("layers.renewed"))
    tray = Tray(window.link, window, QIcon())
    publish(window, control)
    assert told == []
    window.playground.start()
    control.emit_token()
    publish(window, control)
    control.catch_liar(control.phones[1].serial)
    control.change(-1, text_s=75.0, state=RequestState.SETTLED)
    for _ in range(3):
        publish(window, control)
    assert len(told) == 3
    assert "was slashed" in told[1]
    assert told[2].startswith("Finished after 1 min 15 s: In the beginning")
    tray.deleteLater()
