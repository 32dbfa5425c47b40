"""Serve over HTTP: the address on and off, its keys, what is under way and what was refused."""

from __future__ import annotations

from typing import assert_never

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.ui.looks.appearance import Appearance
from app.ui.looks.inset import inset
from app.ui.looks.spoken import said, spoken, spoken_label
from app.ui.rack_link import RackLink
from app.ui.serve.keys_view import KeysView
from app.ui.serve.refusals import refusals_table
from app.ui.serve.serving import HttpDoor, ServeState, Serving
from app.ui.settings import HIGHEST_PORT
from app.words.catalogue import tr
from app.words.pages.serve import activity_text, refused_title, served_text


class ServeDialog(QDialog):
    """Stays beside the window and follows what the address does, once a second."""

    def __init__(
        self,
        link: RackLink,
        serving: Serving,
        door: HttpDoor,
        appearance: Appearance,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._serving = serving
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "Serve over HTTP")
        self.port = QSpinBox(minimum=0, maximum=HIGHEST_PORT, value=serving.port)
        inset(self.port)
        spoken(self.port.setToolTip, "0 takes one that is free.")
        self.line, self.activity = QLabel(), QLabel()
        self.line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.line.setWordWrap(True)
        self.activity.setObjectName("muted")
        self.copy, self.switch = QPushButton(), QPushButton()
        spoken(self.copy.setText, "Copy the address")
        self.switch.setObjectName("primary")
        self.keys = KeysView(link, door, appearance)
        self.refusals = refusals_table()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        spoken(self.tabs.tabBar().setAccessibleName, "Pages of the address")
        self.copy.clicked.connect(self._copy)
        self.switch.clicked.connect(self._switch)
        self._arrange()
        serving.changed.connect(self._show)
        link.aged.connect(self._follow)
        said(self, "words", ServeDialog._show)

    def done(self, result: int) -> None:
        """Close, and wait for no file."""
        self.keys.close_readers()
        super().done(result)

    def _switch(self) -> None:
        if self._serving.state is ServeState.ON:
            self._serving.close()
        else:
            self._serving.open(self.port.value())

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._serving.address)

    def _show(self) -> None:
        state = self._serving.state
        resting = state in (ServeState.OFF, ServeState.LOST)
        self.port.setEnabled(resting)
        self.switch.setEnabled(resting or state is ServeState.ON)
        self.switch.setText(tr("Stop") if state is ServeState.ON else tr("Serve"))
        self.copy.setVisible(state is ServeState.ON)
        self.line.setText(self._words(state))
        self.keys.refresh()
        self._follow()

    def _follow(self) -> None:
        activity = self._serving.activity()
        self.activity.setText(activity_text(activity))
        self.activity.setVisible(self._serving.state is ServeState.ON)
        self.refusals.rows.show_rows(activity.refusals[::-1])
        self.tabs.setTabText(0, tr("API keys"))
        self.tabs.setTabText(1, refused_title(activity.refused))

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
        top = QHBoxLayout()
        label = spoken_label("Port")
        label.setBuddy(self.port)
        top.addWidget(label)
        top.addWidget(self.port)
        top.addWidget(self.switch)
        top.addSpacing(12)
        top.addWidget(self.line, 1)
        top.addWidget(self.copy)
        self.tabs.addTab(self.keys, "")
        self.tabs.addTab(self.refusals, "")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 14)
        layout.addLayout(top)
        layout.addWidget(self.activity)
        layout.addWidget(self.tabs, 1)
        self.resize(760, 460)
