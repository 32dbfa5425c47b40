from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from app.core.facts import Fact
from app.rack.snapshot import TimelineKind
from app.ui.log.lines import LogLine, LogLines
from app.ui.window.main_window import MainWindow
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import publish

THEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC).astimezone()


def test_every_event_has_one_line_and_what_could_not_be_done_too(
    window: MainWindow, control: ScriptedControl, tmp_path: Path
) -> None:
    serial = control.phones[1].serial
    control.lose(serial)
    window.playground.start()
    control.emit_token()
    control.catch_liar(control.phones[2].serial)
    for _ in range(3):
        publish(window, control)
    window.link.failed.emit("That did not work.")
    lines = window.log.text.toPlainText().splitlines()
    assert len(lines) == len(control.timeline) + 1
    assert "slashed" in lines[-2]
    assert lines[-1].endswith("That did not work.")
    window.log.search.setText("galaxy AUDIT")
    assert window.log.text.toPlainText() == ""
    window.log.search.setText("cubot SLASH")
    assert len(window.log.text.toPlainText().splitlines()) == 1
    window.log.export_to(tmp_path / "log.txt")
    assert "slash" in (tmp_path / "log.txt").read_text("utf-8")


def test_a_log_that_cannot_be_written_is_told(window: MainWindow, tmp_path: Path) -> None:
    window.log.export_to(tmp_path / "missing" / "log.txt")
    assert "could not be written" in window.alert.words.text()


def test_lines_outlive_the_program_and_junk_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    LogLines(path).add(LogLine(THEN, "slash", "one\nline\tof three", 12.0))
    with path.open("ab") as file:
        file.write(b"\xff\xfe junk\n2026-99-99T00:00:00\tinfo\tno day\n\n")
    (line,) = LogLines(path).all
    assert line == LogLine(THEN, "slash", "one line of three")


def test_a_long_file_is_put_aside_and_still_read(tmp_path: Path) -> None:
    path = tmp_path / "events.log"
    lines = LogLines(path)
    text = "x" * 100_000
    for number in range(25):
        lines.add(LogLine(THEN, "info", f"{number} {text}"))
    assert path.with_name("events.log.1").exists()
    assert path.stat().st_size < 2_100_000
    assert [line.text.split()[0] for line in LogLines(path).all] == [str(n) for n in range(25)]


def test_a_folder_that_is_gone_costs_no_line(tmp_path: Path) -> None:
    lines = LogLines(tmp_path / "missing" / "events.log")
    lines.add(LogLine(THEN, "info", "kept in memory"))
    assert len(lines.all) == 1


def test_an_event_before_the_window_looked_has_its_line_too(
    window: MainWindow, control: ScriptedControl
) -> None:
    for _ in range(2):
        control.tell(TimelineKind.INFO, Fact("layers.renewed"))
    publish(window, control)
    assert len(window.log.text.toPlainText().splitlines()) == 2
