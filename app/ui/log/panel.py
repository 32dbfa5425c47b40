"""The log, newest at the bottom: every event of the rack, and what the program says of itself."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.facts import Fact
from app.rack.snapshot import RackSnapshot, TimelineEvent
from app.ui.charts.time_view import TimeView
from app.ui.log.lines import LINES_KEPT, LogLine, LogLines
from app.ui.looks.spoken import said, spoken
from app.ui.rack_link import RackLink
from app.words.catalogue import tr
from app.words.pages.log import line_text, lines_shown
from app.words.sentences import fact_text


class LogBridge(QObject):
    """Carries log lines from any thread to the GUI thread."""

    line = Signal(str, str)
    """Its level and its words."""


class LogBridgeHandler(logging.Handler):
    """A logging handler that emits through a bridge."""

    def __init__(self, bridge: LogBridge) -> None:
        super().__init__(logging.INFO)
        self._bridge = bridge
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a line on."""
        self._bridge.line.emit(record.levelname.lower(), self.format(record))


class LogPanel(QWidget):
    """What is typed above filters the lines, and so does a time selected in charts or timeline."""

    def __init__(self, link: RackLink, view: TimeView, path: Path) -> None:
        """Keep the lines in a file at `path`."""
        super().__init__()
        self._link, self._view = link, view
        self._told = 0
        """The sequence of the newest event that has a line."""
        self._brushed: tuple[float, float] | None = None
        self.lines = LogLines(path)
        self.bridge = LogBridge(self)
        self.handler = LogBridgeHandler(self.bridge)
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        spoken(self.search.setPlaceholderText, "Search the log")
        spoken(self.search.setAccessibleName, "Search the log")
        self.count = QLabel()
        self.count.setObjectName("muted")
        self.export = QPushButton()
        spoken(self.export.setText, "Save as…")
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(LINES_KEPT)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont))
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        spoken(self.text.setAccessibleName, "Log")
        line = QHBoxLayout()
        line.addWidget(self.search, 1)
        line.addWidget(self.count)
        line.addWidget(self.export)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.addLayout(line)
        layout.addWidget(self.text, 1)
        self.bridge.line.connect(lambda level, text: self._add(LogLine(_now(), level, text)))
        self.search.textChanged.connect(lambda _: self._show_all())
        self.export.clicked.connect(self.ask_where)
        link.snapshot_changed.connect(self._take)
        link.failed.connect(lambda line: self._add(LogLine(_now(), "error", line, link.now_s)))
        view.changed.connect(self._select)
        said(self, "lines", LogPanel._show_all)

    def say(self, text: str) -> None:
        """Add a line of the window's own."""
        self._add(LogLine(_now(), "info", text))

    def ask_where(self) -> None:
        """Ask for a file, and write what is shown into it."""
        dialog = QFileDialog(self.window(), tr("Save the log"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile("shardloom-log.txt")
        dialog.fileSelected.connect(lambda path: self.export_to(Path(path)))
        dialog.open()

    def export_to(self, path: Path) -> None:
        """Write the lines that are shown into a file; why that failed is told by the window."""
        try:
            path.write_text("".join(f"{each.written}\n" for each in self._shown()), "utf-8")
        except OSError as error:
            reason = error.strerror or str(error)
            told = Fact("file.not_written", path=str(path), reason=reason)
            self._link.failed.emit(fact_text(told))

    def _take(self, snapshot: RackSnapshot) -> None:
        """Add a line for each event that has none yet."""
        for event in snapshot.timeline:
            if event.sequence > self._told:
                self._add(_line_of(event))
        self._told = max((event.sequence for event in snapshot.timeline), default=self._told)

    def _add(self, line: LogLine) -> None:
        self.lines.add(line)
        if self._is_wanted(line):
            self.text.appendPlainText(line_text(line.moment, line.kind, line.text))
            self._count()

    def _is_wanted(self, line: LogLine) -> bool:
        words = self.search.text().casefold().split()
        text = line_text(line.moment, line.kind, line.text).casefold()
        if not all(word in text for word in words):
            return False
        brushed = self._view.brushed
        return brushed is None or (line.at_s is not None and self._view.selects(line.at_s))

    def _shown(self) -> list[LogLine]:
        return [line for line in self.lines.all if self._is_wanted(line)]

    def _select(self) -> None:
        if self._view.brushed != self._brushed:
            self._brushed = self._view.brushed
            self._show_all()

    def _show_all(self) -> None:
        shown = self._shown()
        self.text.setPlainText(
            "\n".join(line_text(each.moment, each.kind, each.text) for each in shown)
        )
        bar = self.text.verticalScrollBar()
        bar.setValue(bar.maximum())
        self._count()

    def _count(self) -> None:
        shown = 0 if self.text.document().isEmpty() else self.text.blockCount()
        self.count.setText(lines_shown(shown, len(self.lines.all)))


def _line_of(event: TimelineEvent) -> LogLine:
    moment = datetime.fromtimestamp(event.wall_ms / 1000, UTC).astimezone()
    return LogLine(moment, event.kind.value, fact_text(event.fact), event.at_s)


def _now() -> datetime:
    return datetime.now(UTC).astimezone()
