"""Room between the border of a number's field and the number, as in every other field."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractSpinBox

_INSET_PX = 5


def inset(box: QAbstractSpinBox) -> None:
    """Set off what a box shows: a style sheet's padding does not reach the field inside it."""
    box.lineEdit().setTextMargins(_INSET_PX, 0, 0, 0)
