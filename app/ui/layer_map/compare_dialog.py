"""The planner's answer beside other ways to place the model, to read and to take over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.device import DeviceState
from app.core.identifiers import Serial
from app.core.tasks import TaskKind
from app.core.units import format_duration, significant
from app.rack.commands import Compare
from app.rack.snapshot import PhoneSnapshot
from app.ui.layer_map.editor import AssignmentEditor
from app.ui.layer_map.fit import fit_colour
from app.ui.layer_map.state import unusable_in
from app.ui.looks.appearance import Appearance
from app.ui.looks.spoken import said, spoken
from app.ui.looks.table import Column, RowsModel, Table
from app.ui.rack_link import RackLink
from app.words.catalogue import message, tr
from app.words.fit import fit_text, stopped_since_planned
from app.words.layer_map import assignment_text, compared_plan, standing_text, streams_text
from app.words.sentences import reason_text
from app.words.states import phone_name

if TYPE_CHECKING:
    from app.rack.compared_plans import PlanComparison


class CompareDialog(QDialog):
    """Stays beside the window, which goes on: the linear program may take seconds."""

    def __init__(
        self, link: RackLink, editor: AssignmentEditor, appearance: Appearance, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._editor = editor
        self._appearance = appearance
        self._link = link
        self._names = {phone.serial: phone_name(phone) for phone in self._phones.values()}
        self._writes = _writes(link)
        self._closed = False
        self._states_shown = self._states()
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        spoken(self.setWindowTitle, "Compare plans")
        self.table = Table(RowsModel(self._columns(), lambda row: row.name))
        spoken(self.table.setAccessibleName, "Plans")
        self.line = QLabel()
        self.line.setObjectName("muted")
        self.use = QPushButton()
        spoken(self.use.setText, "Use this")
        self.use.setObjectName("primary")
        self.use.setEnabled(False)
        self._arrange()
        said(self, "line", CompareDialog._choose)
        self.table.selectionModel().currentRowChanged.connect(lambda _: self._choose())
        self.table.doubleClicked.connect(lambda _: self._use())
        self.use.clicked.connect(self._use)
        self.finished.connect(self._end)
        link.snapshot_changed.connect(self._follow)

    def ask(self) -> None:
        """Ask the rack; its answer fills the table, a refusal closes the dialog."""
        self._link.submit(Compare(), self._show, self._refused)

    def _end(self) -> None:
        self._closed = True

    def _refused(self) -> None:
        if not self._closed:
            self.reject()

    def _show(self, plans: tuple[PlanComparison, ...]) -> None:
        if self._closed:
            return
        self.table.rows.show_rows(plans)
        self.table.resizeColumnsToContents()
        self.table.selectRow(0)
        self._choose()

    def _chosen(self) -> PlanComparison | None:
        row = self.table.currentIndex().row()
        return self.table.rows.rows[row] if 0 <= row < self.table.rows.rowCount() else None

    def _usable(self) -> bool:
        chosen = self._chosen()
        if chosen is None or chosen.plan is None:
            return False
        fits = chosen.plan.prediction.fits and not self._unusable(chosen)
        return fits and chosen.plan.assignment != self._editor.requested

    def _choose(self) -> None:
        chosen = self._chosen()
        self.use.setEnabled(self._usable())
        self.line.setText(self._said_of(chosen))

    def _said_of(self, chosen: PlanComparison | None) -> str:
        if chosen is None:
            asking = tr("Every method is placing the model. This may take seconds…")
            return asking if self.table.rows.rowCount() == 0 else ""
        if chosen.plan is None:
            return reason_text(chosen.reason)
        if unusable := self._unusable(chosen):
            return stopped_since_planned(unusable)
        if not chosen.plan.prediction.fits:
            return tr("This needs more memory than the phones have.")
        if chosen.plan.assignment == self._editor.requested:
            return tr("This is what is requested now.")
        return tr("Use this requests it; nothing moves before Apply.")

    def _use(self) -> None:
        chosen = self._chosen()
        if self._usable() and chosen is not None and chosen.plan is not None:
            self._editor.commit(chosen.plan.assignment, message("Use a compared plan"))
            self.accept()

    def _columns(self) -> tuple[Column[PlanComparison], ...]:
        right = Qt.AlignmentFlag.AlignRight
        one = message("A token") if self._writes else message("A text of one token")
        rate = message("Streams") if self._writes else message("At once")
        return (
            Column(message("Plan"), lambda row: compared_plan(row.name)),
            Column(message("Layers"), self._assignment, tooltip=self._assignment),
            Column(one, _latency, right),
            Column(rate, _rate, right),
            Column(message("Energy of it"), _energy, right),
            Column(message("Memory"), self._fit, colour=self._fit_colour),
            Column(message("Standing"), _standing, tooltip=_standing),
            Column(message("Solved in"), lambda row: format_duration(row.solve_s), right),
        )

    def _assignment(self, row: PlanComparison) -> str:
        if row.plan is None:
            return reason_text(row.reason)
        return assignment_text(row.plan.assignment, self._names)

    def _fit_colour(self, row: PlanComparison) -> str:
        tokens = self._appearance.tokens
        if row.plan is None:
            return tokens.bad
        return fit_colour(row.plan.prediction, self._unusable(row), tokens)

    def _fit(self, row: PlanComparison) -> str:
        return fit_text(row.plan.prediction, self._unusable(row)) if row.plan else "-"

    def _unusable(self, row: PlanComparison) -> tuple[PhoneSnapshot, ...]:
        return unusable_in(row.plan.assignment, self._phones) if row.plan else ()

    @property
    def _phones(self) -> Mapping[Serial, PhoneSnapshot]:
        snapshot = self._link.snapshot
        return {phone.serial: phone for phone in snapshot.phones} if snapshot else {}

    def _follow(self) -> None:
        """Tell anew what fits where: phones may be lost while plans are compared."""
        if self._states() != self._states_shown:
            self._states_shown = self._states()
            self.table.rows.repaint()
            self._choose()

    def _states(self) -> list[DeviceState]:
        return [phone.state for phone in self._phones.values()]

    def _arrange(self) -> None:
        header = self.table.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        below = QHBoxLayout()
        below.addWidget(self.line, 1)
        below.addWidget(self.use)
        below.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 14)
        layout.setSpacing(10)
        layout.addWidget(self.table, 1)
        layout.addLayout(below)
        self.resize(1120, 260)


def _writes(link: RackLink) -> bool:
    snapshot = link.snapshot
    model = snapshot.model if snapshot else None
    return model is None or TaskKind.GENERATE in model.tasks


def _latency(row: PlanComparison) -> str:
    return format_duration(row.plan.prediction.token_latency_s) if row.plan else "-"


def _rate(row: PlanComparison) -> str:
    return streams_text(row.plan.prediction) if row.plan else "-"


def _energy(row: PlanComparison) -> str:
    if row.plan is None:
        return "-"
    return f"{significant(row.plan.prediction.energy_joules_per_token * 1e3)} mJ"


def _standing(row: PlanComparison) -> str:
    return standing_text(row.standing)
