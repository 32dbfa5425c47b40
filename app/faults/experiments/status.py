"""How an experiment under way stands, for everybody who shows the rack."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.identifiers import Serial
from app.faults.experiments.phases import ExperimentPhase


@dataclass(frozen=True)
class ExperimentStatus:
    """The newest experiment of a rack. Moments are on the axis of the rack's `at_s`."""

    identifier: str
    name: str
    phase: ExperimentPhase
    round: int
    """0 is the one without faults."""
    repeat: int
    targets: tuple[Serial, ...]
    """What is struck in this round."""
    began_s: float
    ends_s: float
    """When this round is broken off at the latest."""

    @property
    def runs(self) -> bool:
        """Whether it has not finished."""
        return self.phase is not ExperimentPhase.FINISHED
