"""Asks where a chart is to be saved, and in what form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.errors import BadInputError
from app.words.catalogue import tr
from app.words.sentences import error_text
from app.words.window import chart_forms


def ask_where(
    parent: QWidget,
    name: str,
    write: Callable[[Path], None],
    failed: Callable[[str], object],
) -> QFileDialog:
    """Open a dialog and write to the file chosen; `failed` is told why that was not done."""
    dialog = QFileDialog(parent.window(), tr("Save the chart"))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(chart_forms())
    dialog.selectFile(f"{name}.png")

    def save(chosen: str) -> None:
        try:
            write(Path(chosen))
        except BadInputError as error:
            failed(error_text(error))

    dialog.fileSelected.connect(save)
    dialog.open()
    return dialog
