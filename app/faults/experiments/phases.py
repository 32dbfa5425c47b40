"""The phases of an experiment, and which may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ExperimentPhase(StrEnum):
    """What an experiment is doing; a repeated one injects again after it has restored."""

    INJECTING = "injecting"
    RUNNING = "running"
    RESTORING = "restoring"
    FINISHED = "finished"


ALLOWED: Final[Mapping[ExperimentPhase, frozenset[ExperimentPhase]]] = MappingProxyType(
    {
        ExperimentPhase.INJECTING: frozenset({ExperimentPhase.RUNNING, ExperimentPhase.RESTORING}),
        ExperimentPhase.RUNNING: frozenset({ExperimentPhase.RESTORING}),
        ExperimentPhase.RESTORING: frozenset({ExperimentPhase.INJECTING, ExperimentPhase.FINISHED}),
        ExperimentPhase.FINISHED: frozenset(),
    }
)
"""What may come next: nothing ends without having restored."""


class Phases:
    """The phase an experiment is in."""

    def __init__(self) -> None:
        self.now = ExperimentPhase.INJECTING

    def enter(self, phase: ExperimentPhase) -> None:
        """Go on to another. Raises `ValueError` for one that may not follow."""
        if phase not in ALLOWED[self.now]:
            raise ValueError(self.now, phase)
        self.now = phase
