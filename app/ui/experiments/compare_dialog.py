"""Two experiments side by side."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from app.faults.experiments.outcome import ExperimentRecord
from app.ui.looks.spoken import spoken
from app.ui.looks.table import Column, RowsModel, Table
from app.words.catalogue import message
from app.words.experiments.comparison import compared_rows
from app.words.experiments.text import when_text

Compared = tuple[str, str, str]


class CompareExperimentsDialog(QDialog):
    """Stays beside the window, which goes on."""

    def __init__(self, older: ExperimentRecord, newer: ExperimentRecord, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "Compare experiments")
        columns: list[Column[Compared]] = [
            Column(message("Figure"), lambda row: row[0]),
            Column(lambda: when_text(older), lambda row: row[1]),
            Column(lambda: when_text(newer), lambda row: row[2]),
        ]
        self.table = Table(RowsModel[Compared](columns, lambda row: row[0]))
        spoken(self.table.setAccessibleName, "Compare experiments")
        self.table.rows.show_rows(compared_rows(older, newer))
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        self.resize(680, 380)
