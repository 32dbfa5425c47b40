"""Edits of the requested assignment: preview, undo and redo, pins, plan and apply."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.core.assignment import Assignment
from app.core.identifiers import Serial
from app.placement.problem import Objective, Pin, Prediction
from app.rack.commands import Replan, RequestAssignment
from app.rack.snapshot import RackSnapshot
from app.ui.layer_map.state import MapState, refit_pins
from app.ui.rack_link import RackLink
from app.words.catalogue import Message, message

_FIGURES_MS = 200
"""Between pictures in which nothing but figures has changed: quicker ones cannot be read."""


class AssignmentEditor(QObject):
    """The one model behind the map and its table; both edit through the same undo stack."""

    changed = Signal()
    edited = Signal()
    """A person has changed what is asked for: the assignment or its pins."""
    pin_toggled = Signal(str)
    """Of the phone with that serial; after `edited`."""

    def __init__(self, link: RackLink) -> None:
        super().__init__()
        self.undo_stack = QUndoStack(self)
        self._link = link
        self._snapshot: RackSnapshot | None = None
        self._requested: Assignment | None = None
        self._prediction: Prediction | None = None
        self._preview: Assignment | None = None
        self._preview_prediction: Prediction | None = None
        self._pins: tuple[Pin, ...] = ()
        self._unanswered = 0
        self._replanned: Assignment | None = None
        self._figures = QTimer(self, singleShot=True, interval=_FIGURES_MS)
        self._figures.timeout.connect(self._show_figures)
        self._has_new_figures = False
        link.snapshot_changed.connect(self._take)
        link.aged.connect(self.changed)

    @property
    def requested(self) -> Assignment | None:
        """What the operator asked for, also while the rack has not answered yet."""
        return self._requested

    @property
    def pins(self) -> tuple[Pin, ...]:
        """Layers fixed by hand, for the next plan."""
        return self._pins

    @property
    def previewing(self) -> bool:
        """Whether a drag is being tried out."""
        return self._preview is not None

    @property
    def dirty(self) -> bool:
        """Whether something requested is not applied yet."""
        applied = self._snapshot.applied if self._snapshot else None
        return self._requested is not None and self._requested != applied

    def state(self) -> MapState | None:
        """Return what to show now; None before there is an assignment."""
        shown = self._preview or self._requested
        if shown is None or self._snapshot is None:
            return None
        prediction = self._preview_prediction if self._preview else self._prediction
        phones = {phone.serial: phone for phone in self._snapshot.phones}
        applied, now_s = self._snapshot.applied, self._link.now_s
        plan, excluded = self._snapshot.plan, self._snapshot.conditions.excluded
        return MapState(shown, applied, prediction, phones, self._pins, now_s, plan, excluded)

    def baseline(self) -> Prediction | None:
        """Return the prediction that a preview is compared with."""
        return self._prediction

    def preview(self, assignment: Assignment | None) -> None:
        """Show what an assignment would do; None goes back to the requested one."""
        if assignment == self._preview:
            return
        self._preview = assignment
        self._preview_prediction = self._link.predict(assignment) if assignment else None
        self.changed.emit()

    def commit(self, assignment: Assignment, words: Message) -> None:
        """Request an assignment as one undoable step; the same again is no step."""
        self._preview = None
        if self._requested is None or assignment == self._requested:
            self.changed.emit()
            return
        self.undo_stack.push(_AssignmentStep(self, self._requested, assignment, words))

    def toggle_pin(self, serial: Serial) -> None:
        """Fix a phone's layers for the next plan, or let them go."""
        stage = self._requested.stage_of(serial) if self._requested else None
        others = tuple(pin for pin in self._pins if pin.serial != serial)
        if len(others) == len(self._pins) and stage is not None:
            others = (*others, Pin(serial, stage.span))
        self._pins = others
        self.changed.emit()
        self.edited.emit()
        self.pin_toggled.emit(serial)

    def replan(self, objective: Objective) -> None:
        """Ask the planner; its answer becomes an undoable step."""
        self._replanned = self._requested
        command = Replan(objective, self._pins)
        self._link.submit(command, lambda _: self._planned(), self._planned)

    def request(self, assignment: Assignment) -> None:
        """Send an assignment to the rack; undo and redo come through here."""
        self._show(assignment, self._link.predict(assignment))
        self._unanswered += 1
        self.edited.emit()
        command = RequestAssignment(assignment)
        self._link.submit(command, lambda _: self._answered(), self._answered)

    def _planned(self) -> None:
        self._link.refresh()
        self._replanned = None

    def _answered(self) -> None:
        self._unanswered -= 1
        if self._unanswered == 0:
            self._link.refresh()

    def _take(self, snapshot: RackSnapshot) -> None:
        previous, self._snapshot = self._snapshot, snapshot
        if previous is None or previous.pins != snapshot.pins:
            self._pins = snapshot.pins
        if self._unanswered == 0 and snapshot.requested is not None:
            self._adopt(snapshot.requested, snapshot.prediction)
        same = previous is not None and _but_figures(previous) == _but_figures(snapshot)
        if same and self._figures.isActive():
            self._has_new_figures = True
            return
        self._has_new_figures = False
        self._figures.start()
        self.changed.emit()

    def _show_figures(self) -> None:
        if self._has_new_figures:
            self._has_new_figures = False
            self._figures.start()
            self.changed.emit()

    def _adopt(self, assignment: Assignment, prediction: Prediction | None) -> None:
        before = self._replanned
        if before is not None and assignment != before:
            self._replanned = None
            step = _AssignmentStep(self, before, assignment, message("Re-plan"), done=True)
            self.undo_stack.push(step)
        elif self._requested is not None and self._requested.model != assignment.model:
            self.undo_stack.clear()
        self._show(assignment, prediction or self._link.predict(assignment), announce=False)

    def _show(
        self, assignment: Assignment, prediction: Prediction | None, *, announce: bool = True
    ) -> None:
        self._requested = assignment
        self._prediction = prediction
        self._pins = refit_pins(self._pins, assignment)
        if announce:
            self.changed.emit()


def _but_figures(snapshot: RackSnapshot) -> tuple[object, ...]:
    """Return what of a picture shows on the map besides times, heat and memory."""
    phones = tuple((phone.serial, phone.state, phone.fault) for phone in snapshot.phones)
    asked = (snapshot.requested, snapshot.prediction, snapshot.plan, snapshot.conditions)
    return (*asked, snapshot.applied, snapshot.pins, snapshot.phase, phones)


class _AssignmentStep(QUndoCommand):
    """From one requested assignment to the next; `done` where the rack already holds it."""

    def __init__(
        self,
        editor: AssignmentEditor,
        before: Assignment,
        after: Assignment,
        words: Message,
        *,
        done: bool = False,
    ) -> None:
        super().__init__(words)
        self._editor = editor
        self._before = before
        self._after = after
        self._done = done

    def redo(self) -> None:
        """Request the later assignment."""
        if not self._done:
            self._editor.request(self._after)
        self._done = False

    def undo(self) -> None:
        """Request the earlier assignment again."""
        self._editor.request(self._before)
