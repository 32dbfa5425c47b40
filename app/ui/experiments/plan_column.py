"""Choosing a plan: what it does, whom it strikes on this rack, start and stop."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.core.errors import BadInputError
from app.core.identifiers import HOST
from app.faults.experiments.plan import Experiment
from app.faults.experiments.targets import Candidate, Strike, strikes_of
from app.rack.commands import StartExperiment, StopExperiment
from app.rack.snapshot import RackSnapshot
from app.ui.experiments.scrolled import scrolled
from app.ui.looks.seen import is_seen
from app.ui.looks.spoken import said, spoken, spoken_items
from app.ui.rack_link import RackLink
from app.words.experiments.text import badge_text, plan_name
from app.words.pages.experiments import plan_text, struck_text
from app.words.sentences import error_text
from app.words.states import phone_name


class PlanColumn(QWidget):
    """Counts the targets on the rack as it is, before anything is done."""

    started = Signal()
    """An experiment was begun."""

    def __init__(self, link: RackLink) -> None:
        super().__init__()
        self._link = link
        self._plans: list[Experiment] = []
        self._running = False
        self.plan = QComboBox()
        spoken(self.plan.setAccessibleName, "Planned experiment")
        spoken_items(self.plan, lambda name: plan_name(str(name)))
        self.description, self.targets, self.line = QLabel(), QLabel(), QLabel()
        for label in (self.description, self.targets, self.line):
            label.setWordWrap(True)
        self.description.setObjectName("muted")
        self.line.setObjectName("muted")
        self.start, self.stop = QPushButton(), QPushButton()
        spoken(self.start.setText, "Start")
        self.start.setObjectName("primary")
        spoken(self.stop.setText, "Stop and restore")
        self._arrange()
        self.plan.currentIndexChanged.connect(lambda _: self._say())
        self.start.clicked.connect(self._start)
        self.stop.clicked.connect(lambda: link.ask(StopExperiment(), None, self.line.setText))
        link.snapshot_changed.connect(self._follow)
        said(self, "plan", PlanColumn._say)

    def show_plans(self, plans: Sequence[Experiment]) -> None:
        """Offer these; what was chosen stays so."""
        chosen = self.plan.currentData()
        self._plans = list(plans)
        self.plan.clear()
        for each in self._plans:
            self.plan.addItem(plan_name(each.name), each.name)
        self.plan.setCurrentIndex(max(self.plan.findData(chosen), 0))
        self._say()

    def offer(self, experiment: Experiment) -> None:
        """Offer one more and choose it: to run again what is kept."""
        if experiment not in self._plans:
            self.show_plans([*self._plans, experiment])
        self.plan.setCurrentIndex(self._plans.index(experiment))

    @property
    def chosen(self) -> Experiment | None:
        """The plan that is chosen."""
        at = self.plan.currentIndex()
        return self._plans[at] if 0 <= at < len(self._plans) else None

    def _arrange(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.start)
        buttons.addWidget(self.stop)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plan)
        layout.addWidget(scrolled(self.targets, self.line, self.description), 1)
        layout.addLayout(buttons)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Catch up with what happened while hidden."""
        super().showEvent(event)
        self._say()

    def _follow(self, snapshot: RackSnapshot) -> None:
        status = snapshot.experiment
        running = status is not None and status.runs
        if status is not None and running:
            self.line.setText(badge_text(status))
        elif self._running:
            self.line.clear()
        self._running = running
        if is_seen(self):
            self._say()

    def _say(self) -> None:
        plan, snapshot = self.chosen, self._link.snapshot
        self.description.setText(plan_text(plan) if plan else "")
        strikes, why = _strikes(plan, snapshot) if plan and snapshot else ((), "")
        if snapshot is not None and strikes:
            names = {phone.serial: phone_name(phone) for phone in snapshot.phones}
            serials = [each.fault.serial for each in strikes]
            struck = [names[serial] for serial in serials if serial in names]
            why = struck_text(struck, len(snapshot.phones), host=HOST in serials)
        if self.targets.text() != why:
            self.targets.setText(why)
        self.start.setEnabled(bool(strikes) and not self._running)
        self.stop.setEnabled(self._running)

    def _start(self) -> None:
        plan = self.chosen
        if plan is not None:
            self.line.clear()
            self._link.ask(StartExperiment(plan), self._begun, self.line.setText)

    def _begun(self, _identifier: str) -> None:
        self._link.refresh()
        self.started.emit()


def _strikes(plan: Experiment, snapshot: RackSnapshot) -> tuple[tuple[Strike, ...], str]:
    """Return what a plan would strike, or why it cannot be carried out."""
    ring = snapshot.applied.serials if snapshot.applied else ()
    candidates = [
        Candidate(
            phone.serial,
            phone.position,
            ring.index(phone.serial) if phone.serial in ring else None,
        )
        for phone in snapshot.phones
        if phone.usable
    ]
    try:
        return strikes_of(plan, candidates), ""
    except BadInputError as error:
        return (), error_text(error)
