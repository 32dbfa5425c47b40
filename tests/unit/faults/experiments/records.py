"""Records of experiments for tests."""

from __future__ import annotations

from dataclasses import replace

from app.core.identifiers import Serial
from app.faults.experiments.outcome import (
    Account,
    CheatOutcome,
    ExperimentRecord,
    Happening,
    HonestOutcome,
    RequestOutcome,
    Round,
    StageSeries,
)
from app.faults.experiments.plan import Experiment, PlannedFault
from app.faults.kinds import FaultKind
from app.faults.specifications import Catcher

ACCOUNT = Account(0, 5_000_000, 0.9, 0.9, "ready")
CHEAT = CheatOutcome(
    Serial("A"),
    "Pixel <6a>",
    FaultKind.WRONG_OUTPUT,
    "wrong-output@8",
    Catcher.AUDIT,
    1.5,
    3,
    replace(ACCOUNT, stake_lost=100_000_000, earned=0, reputation_after=0.3, state="jailed"),
)
HONEST = HonestOutcome(Serial("B"), "Galaxy A54", ACCOUNT)
REQUEST = RequestOutcome(
    "r1", "settled", 24, 24, 17, 0, 5, 2.0, right=True, token_times_s=(0.1, 0.9)
)
SLASHED = '["penalty.slashed", [["phone", "Pixel 6a"], ["credits", 100.0], ["found", "x"]]]'
ROUND = Round(
    1,
    3.0,
    (CHEAT,),
    (HONEST,),
    (REQUEST,),
    (Happening(1.5, "slash", "A", SLASHED),),
    (StageSeries(Serial("A"), ((0.1, 4.0), (0.9, 5.0))), StageSeries(Serial("B"), ((0.1, 7.0),))),
)
CONTROL = replace(ROUND, number=0, cheats=(), happenings=())
RECORD = ExperimentRecord(
    "20261201-053735-liar",
    1_800_000_000_000,
    "virtual:3",
    "demo",
    Experiment("Liar & <friends>", (PlannedFault(FaultKind.WRONG_OUTPUT, "stage:middle", 8),)),
    (CONTROL, ROUND),
)


def record_with(**changes: object) -> ExperimentRecord:
    """Return the record with another faulty round."""
    return replace(RECORD, rounds=(CONTROL, replace(ROUND, **changes)))  # type: ignore[arg-type]
