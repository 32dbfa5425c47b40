"""What is kept: experiments with their verdicts; report, comparison, once more."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.facts import Fact
from app.faults.experiments.outcome import ExperimentRecord
from app.ui.experiments.compare_dialog import CompareExperimentsDialog
from app.ui.experiments.desk import ExperimentDesk
from app.ui.experiments.marks import verdict_colour
from app.ui.experiments.scrolled import scrolled
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import said, spoken
from app.ui.looks.table import ROW_ROLE, Column, RowsModel, Table
from app.ui.rack_link import RackLink
from app.words.catalogue import message, tr
from app.words.experiments.text import plan_name, when_text
from app.words.pages.experiments import caught_count, told_of, verdict_mark
from app.words.sentences import fact_text

COMPARED = 2


class KeptColumn(QWidget):
    """The newest first; of one that is chosen the whole verdict stands below."""

    again = Signal(object)
    """The `Experiment` that is to be carried out once more."""

    def __init__(self, link: RackLink, desk: ExperimentDesk, appearance: Appearance) -> None:
        super().__init__()
        self._link, self._desk, self._appearance = link, desk, appearance
        columns = self._columns()
        self.table = Table(RowsModel[ExperimentRecord](columns, lambda row: row.identifier))
        self.table.stretch_first_column()
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        spoken(self.table.setAccessibleName, "Experiments that are kept")
        self.verdict = QLabel()
        self.verdict.setWordWrap(True)
        self.report, self.compare, self.repeat = QPushButton(), QPushButton(), QPushButton()
        spoken(self.report.setText, "Open report")
        spoken(self.compare.setText, "Compare two")
        spoken(self.repeat.setText, "Run again")
        self._arrange()
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._say())
        self.table.activated.connect(lambda _: self._open_report())
        self.report.clicked.connect(self._open_report)
        self.compare.clicked.connect(self._compare)
        self.repeat.clicked.connect(self._again)
        appearance.changed.connect(self.table.rows.repaint)
        said(self, "verdict", KeptColumn._say)

    def show_records(self, records: Sequence[ExperimentRecord]) -> None:
        """List these and choose the newest where none is chosen."""
        self.table.rows.show_rows(records)
        if records and not self.table.selectionModel().hasSelection():
            self.table.selectRow(0)
        self._say()

    def show_newest(self) -> None:
        """Choose the newest: it has just ended."""
        self.table.clearSelection()
        self.table.selectRow(0)

    @property
    def chosen(self) -> list[ExperimentRecord]:
        """Those that are chosen, from above."""
        rows = sorted(self.table.selectionModel().selectedRows(), key=lambda index: index.row())
        return [index.data(ROW_ROLE) for index in rows]

    def _arrange(self) -> None:
        buttons = QHBoxLayout()
        for each in (self.report, self.compare, self.repeat):
            buttons.addWidget(each)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table, 2)
        layout.addWidget(scrolled(self.verdict), 3)
        layout.addLayout(buttons)

    def _columns(self) -> list[Column[ExperimentRecord]]:
        return [
            Column(message("Experiment"), lambda row: plan_name(row.experiment.name)),
            Column(
                message("Verdict"),
                verdict_mark,
                colour=lambda row: verdict_colour(row.verdict, self._appearance.tokens),
            ),
            Column(message("Noticed"), caught_count),
            Column(message("When"), when_text),
        ]

    def _say(self) -> None:
        chosen = self.chosen
        words = told_of(chosen[0]) if chosen else tr("Nothing is kept yet: start an experiment.")
        self.verdict.setText(words)
        self.report.setEnabled(len(chosen) == 1)
        self.repeat.setEnabled(len(chosen) == 1)
        self.compare.setEnabled(len(chosen) == COMPARED)

    def _open_report(self) -> None:
        chosen = self.chosen
        if len(chosen) == 1:
            record = chosen[0]
            self._link.read(
                lambda _: str(self._desk.write_report(record)), self._show, self.verdict.setText
            )

    def _show(self, file: str) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(file))
        self.verdict.setText(fact_text(Fact("experiment.report_written", file=file)))

    def _compare(self) -> None:
        chosen = self.chosen
        if len(chosen) == COMPARED:
            newer, older = chosen
            CompareExperimentsDialog(older, newer, self).show()

    def _again(self) -> None:
        if self.chosen:
            self.again.emit(self.chosen[0].experiment)
