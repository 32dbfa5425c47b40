"""The experiments panel: plans at the left, what was found out at the right."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.faults.experiments.outcome import ExperimentRecord
from app.faults.experiments.plan import Experiment
from app.rack.snapshot import RackSnapshot
from app.ui.experiments.desk import ExperimentDesk
from app.ui.experiments.kept_column import KeptColumn
from app.ui.experiments.plan_column import PlanColumn
from app.ui.looks.appearance import Appearance
from app.ui.rack_link import RackLink

Read = tuple[tuple[Experiment, ...], tuple[ExperimentRecord, ...]]


class ExperimentsPanel(QWidget):
    """Reads plans and records on a thread of its own, when the rack opens and one has ended."""

    def __init__(self, link: RackLink, desk: ExperimentDesk, appearance: Appearance) -> None:
        super().__init__()
        self._link, self._desk = link, desk
        self._ran = False
        self.plans = PlanColumn(link)
        self.kept = KeptColumn(link, desk, appearance)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(16)
        layout.addWidget(self.plans, 2)
        layout.addWidget(self.kept, 3)
        self.kept.again.connect(self.plans.offer)
        link.opened.connect(self.refresh)
        link.snapshot_changed.connect(self._follow)

    def refresh(self) -> None:
        """Read again what there is."""
        desk = self._desk
        self._link.read(
            lambda _: (desk.plans(), desk.records()), self._show, self.kept.verdict.setText
        )

    def _show(self, read: Read) -> None:
        plans, records = read
        if self.plans.chosen is None:
            self.plans.show_plans(plans)
        newer = records[:1] != self.kept.table.rows.rows[:1]
        self.kept.show_records(records)
        if newer and records:
            self.kept.show_newest()

    def _follow(self, snapshot: RackSnapshot) -> None:
        status = snapshot.experiment
        runs = status is not None and status.runs
        if self._ran and not runs:
            self.refresh()
        self._ran = runs
