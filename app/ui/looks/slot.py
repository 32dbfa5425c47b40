"""A place for content that comes later, so that the window can be painted first."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget


class Slot(QWidget):
    """Empty until `fill`."""

    def __init__(self) -> None:
        super().__init__()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)

    @property
    def filled(self) -> bool:
        """Whether the content has come."""
        return self._layout.count() > 0

    def fill(self, content: QWidget) -> None:
        """Show the content from now on."""
        self._layout.addWidget(content)
