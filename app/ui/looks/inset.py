"""Where things stand in forms: numbers in their fields, labels beside them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractSpinBox, QFormLayout

_INSET_PX = 5


def inset(box: QAbstractSpinBox) -> None:
    """Set off what a box shows: a style sheet's padding does not reach the field inside it."""
    box.lineEdit().setTextMargins(_INSET_PX, 0, 0, 0)


def form_layout(spacing: int = 6) -> QFormLayout:
    """Return an empty form whose labels stand beside the middle of their fields."""
    form = QFormLayout()
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    form.setSpacing(spacing)
    return form
