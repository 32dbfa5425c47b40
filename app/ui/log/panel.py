"""The log, newest at the bottom."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from app.ui.looks.spoken import spoken

LINES_KEPT = 2000


class LogBridge(QObject):
    """Carries log lines from any thread to the GUI thread."""

    line = Signal(str)


class LogBridgeHandler(logging.Handler):
    """A logging handler that emits through a bridge."""

    def __init__(self, bridge: LogBridge) -> None:
        super().__init__(logging.INFO)
        self._bridge = bridge
        self.setFormatter(
            logging.Formatter("%(asctime)s  %(levelname)-7s  %(message)s", "%H:%M:%S")
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a line on."""
        self._bridge.line.emit(self.format(record))


class LogPanel(QWidget):
    """Shows what the program logged since it started, the last 2000 lines."""

    def __init__(self) -> None:
        super().__init__()
        self.bridge = LogBridge(self)
        self.handler = LogBridgeHandler(self.bridge)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setMaximumBlockCount(LINES_KEPT)
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        spoken(self.text.setAccessibleName, "Log")
        self.bridge.line.connect(self.text.appendPlainText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.text)
