"""What the map shows, gathered from a snapshot and the editor. Qt-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.core.assignment import Assignment, StageAssignment
from app.core.identifiers import Serial
from app.placement.problem import Pin, Plan, Prediction, StagePrediction
from app.rack.compared_plans import Standing, plan_standing
from app.rack.snapshot import PhoneSnapshot
from app.words.stage_times import MeasuredStep


class BarMeasure(StrEnum):
    """What the width of a bar stands for."""

    TIME = "time"
    BYTES = "bytes"
    LAYERS = "layers"


@dataclass(frozen=True)
class MapState:
    """One picture of the map; `shown` is the preview while dragging, else the requested one."""

    shown: Assignment
    applied: Assignment | None
    prediction: Prediction | None
    phones: Mapping[Serial, PhoneSnapshot]
    pins: tuple[Pin, ...]
    now_s: float
    """The present, on the axis of the snapshots' `at_s`."""
    plan: Plan | None = None
    """The planner's newest answer, whether or not it is shown."""
    standing_by: frozenset[str] = frozenset()
    """Serials of phones that a person keeps out of plans."""

    @property
    def standing(self) -> Standing:
        """What may be said of what is shown, where that is what the planner answered."""
        planned = self.plan is not None and self.plan.assignment == self.shown
        return plan_standing(self.plan) if self.plan and planned else Standing.NONE

    def predicted(self, serial: Serial) -> StagePrediction | None:
        """Return what is predicted of a phone's stage."""
        stages = self.prediction.stages if self.prediction else ()
        return next((stage for stage in stages if stage.serial == serial), None)

    def measured(self, serial: Serial) -> MeasuredStep | None:
        """Return the phone's last step, where it runs the span that is shown.

        None where steps are whole texts, which no prediction of one token can be held against.
        """
        phone = self.phones.get(serial)
        told = phone.telemetry if phone else None
        if told is None or self.applied is None or not self.writes:
            return None
        if self.applied.stage_of(serial) != self.shown.stage_of(serial):
            return None
        if told.stage_ms is None or told.stage_at_s is None:
            return None
        return MeasuredStep(told.stage_ms, self.now_s - told.stage_at_s)

    @property
    def writes(self) -> bool:
        """Whether the model is taken to write tokens, and not only to answer texts."""
        return self.prediction is None or self.prediction.writes

    def arrived(self, serial: Serial) -> float:
        """Return which part (0 to 1) of the bytes on their way to a phone has arrived."""
        phone = self.phones.get(serial)
        transfer = phone.transfer if phone else None
        return transfer.done_bytes / max(transfer.total_bytes, 1) if transfer else 0.0

    def pinned(self, serial: Serial) -> bool:
        """Whether a person fixed layers to the phone."""
        return any(pin.serial == serial for pin in self.pins)

    def unusable(self) -> tuple[PhoneSnapshot, ...]:
        """Return the phones that are given layers here and cannot work now."""
        return unusable_in(self.shown, self.phones)

    def phones_without_layers(self) -> tuple[PhoneSnapshot, ...]:
        """Return them in rack order, those that cannot work now too."""
        used = set(self.shown.serials)
        return tuple(phone for phone in self.phones.values() if phone.serial not in used)

    def weights(self, measure: BarMeasure) -> tuple[float, ...]:
        """Return the bars' relative widths; by layers where nothing is predicted."""
        return tuple(self._weight(stage, measure) for stage in self.shown.stages)

    def hops(self) -> tuple[float, ...]:
        """Return how long the ways out of the stages take, in seconds; nothing if not predicted."""
        stages = self.prediction.stages if self.prediction else ()
        alone = len(self.shown.stages) == 1
        return () if alone else tuple(stage.hop_s for stage in stages)

    def _weight(self, stage: StageAssignment, measure: BarMeasure) -> float:
        predicted = self.predicted(stage.serial)
        if predicted is None or measure is BarMeasure.LAYERS:
            return float(stage.layer_count)
        return predicted.compute_s if measure is BarMeasure.TIME else float(predicted.needed_bytes)


def unusable_in(
    assignment: Assignment, phones: Mapping[Serial, PhoneSnapshot]
) -> tuple[PhoneSnapshot, ...]:
    """Return the phones of an assignment that cannot work now, in ring order."""
    held = (phones.get(serial) for serial in assignment.serials)
    return tuple(phone for phone in held if phone is not None and not phone.usable)


def refit_pins(pins: tuple[Pin, ...], assignment: Assignment) -> tuple[Pin, ...]:
    """Return the pins cut to the layers their phones still hold; the others fall away."""
    kept = []
    for pin in pins:
        stage = assignment.stage_of(pin.serial)
        both = stage.span.shared_with(pin.span) if stage else None
        if both is not None:
            kept.append(Pin(pin.serial, both))
    return tuple(kept)
