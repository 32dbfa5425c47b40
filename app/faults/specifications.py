"""What each kind of fault is: where, by whom, in what dose, and who should notice how soon.

One entry of one table a kind; everything else asks it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from app.faults.kinds import FaultKind


class Where(StrEnum):
    """What is struck."""

    WORK = "work"
    """What a phone computes, signs and says."""
    LINK = "link"
    CLOCK = "clock"
    MEMORY = "memory"
    STORAGE = "storage"
    PHONE = "phone"
    HOST = "host"


class BroughtBy(StrEnum):
    """Who can bring it about."""

    WORKER = "worker"
    """The worker of any phone, real or virtual."""
    VIRTUAL_PHONE = "virtual-phone"
    """A phone that this computer simulates; on a real one hands are needed."""
    HOST = "host"


class Catcher(StrEnum):
    """What notices a fault."""

    AUDIT = "audit"
    """Computing again: an audit, or reading the text again."""
    PAPERS = "papers"
    """What is signed, said or shown does not fit what is known."""
    DEADLINE = "deadline"
    """A step does not come in time."""
    CONNECTION = "connection"
    """A connection that breaks, a pulse that stops."""
    BALANCING = "balancing"
    """Stage times, heat and batteries: layers move."""
    NOBODY = "nobody"
    """Nothing depends on it: the text and everybody's account stay right."""


class Unit(StrEnum):
    """What a dose's amount counts."""

    TIMES = "times"
    SHARE = "share"
    BITS = "bits"
    STEPS = "steps"
    MILLISECONDS = "ms"
    SECONDS = "s"
    MEBIBYTES = "MiB"
    CELSIUS = "celsius"


@dataclass(frozen=True)
class Dose:
    """How much of a fault there may be."""

    unit: Unit
    usual: float
    least: float
    most: float


@dataclass(frozen=True)
class Specification:
    """One kind of fault."""

    where: Where
    by: BroughtBy
    caught_by: frozenset[Catcher]
    """Any of them in time is what should happen."""
    within_s: float
    """How soon, from when it first shows, on a rack that audits everything."""
    dose: Dose | None = None
    in_steps: bool = False
    """Whether it may show in a share of the steps only."""
    lasts: bool = True
    """Whether it goes on until it is lifted."""
    unnoticed_s: float = math.inf
    """For how long nobody need notice it, where nobody may: a short text is over before."""


_AUDIT_S: Final = 30.0
_PAPERS_S: Final = 30.0
_CANARIES_S: Final = 120.0
"""Three texts of some length."""
_DEADLINE_S: Final = 40.0
_BALANCING_S: Final = 90.0


def _work(
    *caught_by: Catcher, within_s: float, dose: Dose | None = None, in_steps: bool = True
) -> Specification:
    return Specification(
        Where.WORK, BroughtBy.WORKER, frozenset(caught_by), within_s, dose, in_steps
    )


def _link(
    *caught_by: Catcher, within_s: float, dose: Dose | None = None, in_steps: bool = False
) -> Specification:
    return Specification(
        Where.LINK, BroughtBy.WORKER, frozenset(caught_by), within_s, dose, in_steps
    )


def _phone(*caught_by: Catcher, dose: Dose | None = None, lasts: bool = True) -> Specification:
    return Specification(
        Where.PHONE,
        BroughtBy.VIRTUAL_PHONE,
        frozenset(caught_by),
        _BALANCING_S,
        dose,
        lasts=lasts,
    )


def _host(dose: Dose) -> Specification:
    nobody = frozenset({Catcher.NOBODY})
    return Specification(Where.HOST, BroughtBy.HOST, nobody, 0.0, dose, lasts=False)


_LIE: Final = _work(Catcher.AUDIT, Catcher.PAPERS, within_s=_AUDIT_S)
_FALSE_PAPER: Final = _work(Catcher.PAPERS, Catcher.AUDIT, within_s=_PAPERS_S, in_steps=False)
_SILENCE: Final = _work(Catcher.DEADLINE, Catcher.CONNECTION, within_s=_DEADLINE_S, in_steps=False)

SPECIFICATIONS: Final[Mapping[FaultKind, Specification]] = MappingProxyType(
    {
        FaultKind.WRONG_OUTPUT: _LIE,
        FaultKind.NOISE: _work(
            Catcher.AUDIT, within_s=_AUDIT_S, dose=Dose(Unit.SHARE, 0.01, 1e-6, 1.0), in_steps=True
        ),
        FaultKind.COARSE: _work(
            Catcher.AUDIT, within_s=_AUDIT_S, dose=Dose(Unit.BITS, 7, 1, 22), in_steps=True
        ),
        FaultKind.SKIPPED: _LIE,
        FaultKind.STALE: _LIE,
        FaultKind.SECOND_BEST: _LIE,
        FaultKind.FALSE_FIGURES: _LIE,
        FaultKind.TWO_TONGUES: _LIE,
        FaultKind.NOT_FINITE: _LIE,
        FaultKind.WRONG_SHAPE: _LIE,
        FaultKind.WRONG_STEP: _LIE,
        FaultKind.EARLY_ANSWER: _LIE,
        FaultKind.FALSE_REPORT: _LIE,
        FaultKind.HIDDEN_TRANSCRIPT: _LIE,
        FaultKind.FORGED_TRANSCRIPT: _FALSE_PAPER,
        FaultKind.BLOATED_TRANSCRIPT: _FALSE_PAPER,
        FaultKind.WITHHELD_RECEIPT: _FALSE_PAPER,
        FaultKind.CLAIMED_STEPS: _work(
            Catcher.PAPERS,
            Catcher.AUDIT,
            within_s=_PAPERS_S,
            dose=Dose(Unit.STEPS, 1, 1, 1e6),
            in_steps=False,
        ),
        FaultKind.FORGED_INPUT: _FALSE_PAPER,
        FaultKind.FOREIGN_KEY: _FALSE_PAPER,
        FaultKind.FALSE_CLAIM: _work(
            Catcher.PAPERS,
            Catcher.AUDIT,
            within_s=_CANARIES_S,
            dose=Dose(Unit.TIMES, 10, 1.3, 1_000),
            in_steps=False,
        ),
        FaultKind.SLOW: replace(
            _work(
                Catcher.BALANCING,
                Catcher.DEADLINE,
                Catcher.NOBODY,
                within_s=_BALANCING_S,
                dose=Dose(Unit.TIMES, 4, 1, 1_000),
            ),
            unnoticed_s=_BALANCING_S,
        ),
        FaultKind.CRASH: _SILENCE,
        FaultKind.HANG: _SILENCE,
        FaultKind.LINK_DELAY: _link(
            Catcher.BALANCING,
            Catcher.DEADLINE,
            Catcher.NOBODY,
            within_s=_BALANCING_S,
            dose=Dose(Unit.MILLISECONDS, 50, 1, 10_000),
        ),
        FaultKind.LINK_LOSS: _link(Catcher.DEADLINE, within_s=_DEADLINE_S, in_steps=True),
        FaultKind.LINK_CORRUPTION: _link(
            Catcher.PAPERS, Catcher.AUDIT, Catcher.DEADLINE, within_s=_DEADLINE_S, in_steps=True
        ),
        FaultKind.ONE_WAY: _link(Catcher.DEADLINE, Catcher.CONNECTION, within_s=_DEADLINE_S),
        FaultKind.PARTITION: _link(Catcher.DEADLINE, Catcher.CONNECTION, within_s=_DEADLINE_S),
        FaultKind.CLOCK_SKEW: Specification(
            Where.CLOCK,
            BroughtBy.WORKER,
            frozenset({Catcher.NOBODY}),
            0.0,
            Dose(Unit.SECONDS, 3_600, 0.001, 86_400),
        ),
        FaultKind.MEMORY_HOG: Specification(
            Where.MEMORY,
            BroughtBy.WORKER,
            frozenset({Catcher.NOBODY, Catcher.CONNECTION}),
            _DEADLINE_S,
            Dose(Unit.MEBIBYTES, 128, 1, 1_024),
        ),
        FaultKind.STORAGE_FULL: Specification(
            Where.STORAGE, BroughtBy.WORKER, frozenset({Catcher.PAPERS}), _PAPERS_S
        ),
        FaultKind.ADBD_RESTART: _phone(Catcher.CONNECTION, Catcher.NOBODY, lasts=False),
        FaultKind.UNPLUG: _phone(Catcher.BALANCING, Catcher.NOBODY),
        FaultKind.OVERHEAT: _phone(
            Catcher.BALANCING, Catcher.NOBODY, dose=Dose(Unit.CELSIUS, 48, 30, 54)
        ),
        FaultKind.TAKEN: replace(
            _phone(Catcher.CONNECTION, Catcher.NOBODY), unnoticed_s=_BALANCING_S
        ),
        FaultKind.HOST_STALL: _host(Dose(Unit.MILLISECONDS, 1_000, 1, 5_000)),
        FaultKind.LEDGER_STALL: _host(Dose(Unit.MILLISECONDS, 1_000, 1, 10_000)),
    }
)


def kinds_at(where: Where) -> tuple[FaultKind, ...]:
    """Return the kinds that strike there."""
    return tuple(kind for kind, each in SPECIFICATIONS.items() if each.where is where)


PHONE_KINDS: Final = tuple(
    kind for kind, each in SPECIFICATIONS.items() if each.where is not Where.HOST
)
"""Those that a phone can have."""
