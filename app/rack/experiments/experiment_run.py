"""An experiment that is carried out, as far as it came."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.core.identifiers import Serial
from app.faults.experiments.outcome import Round
from app.faults.experiments.phases import Phases
from app.faults.experiments.plan import Experiment


@dataclass
class ExperimentRun:
    """The newest experiment."""

    identifier: str
    wall_ms: int
    experiment: Experiment
    phases: Phases = field(default_factory=Phases)
    rounds: list[Round] = field(default_factory=list)
    number: int = 0
    targets: tuple[Serial, ...] = ()
    began_s: float = 0.0
    control: tuple[int, ...] | None = None
    """The text without faults, once it is known."""
