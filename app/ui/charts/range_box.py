"""The plot's own area: the wheel zooms, a drag selects, a double click shows all again."""

from __future__ import annotations

from typing import Any

import pyqtgraph
from PySide6.QtCore import Qt, Signal


class RangeBox(pyqtgraph.ViewBox):  # type: ignore[misc] # pyqtgraph has no types
    """Tells what was asked for; it moves nothing by itself."""

    zoomed = Signal(bool, float)
    """Closer or not, around which age."""
    selected = Signal(float, float)
    """From which age to which."""
    reset = Signal()

    def wheelEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: ANN401, N802
        """Zoom around the pointer."""
        del axis
        self.zoomed.emit(event.delta() > 0, self.mapSceneToView(event.scenePos()).x())
        event.accept()

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:  # noqa: ANN401, N802
        """Select what is dragged over."""
        del axis
        if event.button() is Qt.MouseButton.LeftButton:
            start = self.mapToView(event.buttonDownPos()).x()
            self.selected.emit(start, self.mapToView(event.pos()).x())
            event.accept()
        else:
            event.ignore()

    def mouseClickEvent(self, event: Any) -> None:  # noqa: ANN401, N802 - Qt's name
        """Show all again."""
        if event.double():
            self.reset.emit()
            event.accept()
        else:
            event.ignore()
