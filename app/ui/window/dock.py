"""A panel that can be moved, tabbed, floated and hidden."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.looks.seen import is_seen
from app.ui.looks.spoken import spoken
from app.words.catalogue import Message, message, tr


class Dock(QDockWidget):
    """A dock with a quiet title; `name` is what layouts are remembered by.

    Behind another's tab it is still visible to Qt: it lets the focus go when it gets there.
    """

    def __init__(self, name: str, title: Message, content: QWidget) -> None:
        super().__init__()
        self.title = title
        self.setObjectName(name)
        spoken(self.setWindowTitle, title)
        self._frame = QFrame()
        self._frame.setObjectName("panel")
        layout = QVBoxLayout(self._frame)
        layout.setContentsMargins(1, 0, 1, 1)
        layout.addWidget(content)
        self.setWidget(self._frame)
        self.visibilityChanged.connect(self._let_focus_go)
        self._title = _Title(title, self)
        self._no_title = QWidget()
        self.setTitleBarWidget(self._title)

    def toggle(self) -> None:
        """Bring the panel into sight, from behind another's tab too; hide it where it shows."""
        behind = self.isFloating() and not self.isActiveWindow()
        if is_seen(self._frame) and not behind:
            self.hide()
        else:
            self.reveal()

    def reveal(self) -> None:
        """Bring the panel into sight, from behind another's tab too."""
        self.show()
        self.raise_()
        self.activateWindow()

    def _let_focus_go(self, seen: bool) -> None:  # noqa: FBT001 - a Qt slot
        held = self._frame.focusWidget()
        if not seen and held is not None:
            held.clearFocus()

    def show_tabbed(self, *, tabbed: bool) -> None:
        """Drop the title while a tab carries it."""
        wanted = self._no_title if tabbed else self._title
        if self.titleBarWidget() is wanted:
            return
        self._title.setVisible(not tabbed)
        self.setTitleBarWidget(wanted)
        self._frame.setProperty("tabbed", tabbed)
        self._frame.style().unpolish(self._frame)
        self._frame.style().polish(self._frame)


class _Title(QFrame):
    """Dragging it moves the dock: Qt handles the mouse events that it leaves alone."""

    def __init__(self, title: Message, dock: QDockWidget) -> None:
        super().__init__()
        self.setObjectName("panelTitle")
        label = QLabel()
        spoken(label.setText, lambda: tr(title).upper())
        font = label.font()
        font.setPointSizeF(font.pointSizeF() * 0.82)
        label.setFont(font)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 5, 6, 3)
        layout.setSpacing(2)
        layout.addWidget(label)
        layout.addStretch(1)
        layout.addWidget(self._button("▫", message("Float or dock"), dock, floats=True))
        layout.addWidget(
            self._button("\N{MULTIPLICATION SIGN}", message("Hide"), dock, floats=False)
        )

    def _button(self, sign: str, tip: Message, dock: QDockWidget, *, floats: bool) -> QToolButton:
        button = QToolButton()
        button.setText(sign)
        spoken(button.setToolTip, tip)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        if floats:
            button.clicked.connect(lambda: dock.setFloating(not dock.isFloating()))
        else:
            button.clicked.connect(dock.hide)
        return button
