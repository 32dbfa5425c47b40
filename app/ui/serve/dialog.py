"""Serve over HTTP: the address, its port, who may use it, on and off."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.ui.looks.inset import inset
from app.ui.looks.spoken import said, spoken, spoken_label
from app.ui.serve.serving import ServeState, Serving
from app.ui.settings import HIGHEST_PORT
from app.words.catalogue import tr
from app.words.window import serve_keys_text, served_text


class ServeDialog(QDialog):
    """Stays beside the window and follows what the address does."""

    def __init__(self, serving: Serving, parent: QWidget) -> None:
        super().__init__(parent)
        self._serving = serving
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "Serve over HTTP")
        self.port = QSpinBox(minimum=0, maximum=HIGHEST_PORT, value=serving.port)
        inset(self.port)
        spoken(self.port.setToolTip, "0 takes one that is free.")
        self.line = QLabel()
        self.line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.line.setWordWrap(True)
        self.keys = QLabel()
        self.keys.setObjectName("muted")
        self.keys.setWordWrap(True)
        self.switch = QPushButton()
        self.switch.setObjectName("primary")
        self.switch.clicked.connect(self._switch)
        self._arrange()
        serving.changed.connect(self._show)
        said(self, "words", ServeDialog._show)

    def _switch(self) -> None:
        if self._serving.state is ServeState.ON:
            self._serving.close()
        else:
            self._serving.open(self.port.value())

    def _show(self) -> None:
        state = self._serving.state
        resting = state in (ServeState.OFF, ServeState.LOST)
        self.port.setEnabled(resting)
        self.switch.setEnabled(resting or state is ServeState.ON)
        self.switch.setText(tr("Stop") if state is ServeState.ON else tr("Serve"))
        self.line.setText(self._words(state))
        self.keys.setText(serve_keys_text(self._serving.keys()))

    def _words(self, state: ServeState) -> str:
        match state:
            case ServeState.OFF:
                return self._serving.failure or tr("Off: only this window uses the rack.")
            case ServeState.OPENING:
                return tr("Opening…")
            case ServeState.ON:
                return served_text(self._serving.address)
            case ServeState.CLOSING:
                return tr("Answers under way are ended…")
            case ServeState.LOST:
                return tr("The address has stopped by itself; the log tells why.")
            case _:
                assert_never(state)

    def _arrange(self) -> None:
        rows = QFormLayout()
        rows.addRow(spoken_label("Port"), self.port)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.switch)
        layout = QVBoxLayout(self)
        layout.addLayout(rows)
        layout.addWidget(self.line)
        layout.addWidget(self.keys)
        layout.addLayout(buttons)
        self.setMinimumWidth(420)
