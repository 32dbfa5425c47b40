"""Targets are counted before anything is done, and drawn the same by the same seed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInputError
from app.core.identifiers import HOST, Serial
from app.faults.experiments.plan import Experiment, PlannedFault
from app.faults.experiments.targets import Candidate, strikes_of
from app.faults.kinds import FaultKind
from tests.saying import raises_saying

PHONES = [
    Candidate(Serial("A"), 1, 2),
    Candidate(Serial("B"), 2, 0),
    Candidate(Serial("C"), 3, None),
    Candidate(Serial("D"), 4, 1),
]


def _struck(target: str, kind: FaultKind = FaultKind.CRASH, seed: int = 0) -> list[str]:
    experiment = Experiment("x", (PlannedFault(kind, target),), seed=seed)
    return [strike.fault.serial for strike in strikes_of(experiment, PHONES)]


@pytest.mark.parametrize(
    ("target", "struck"),
    [
        ("phone:3", ["C"]),
        ("serial:D", ["D"]),
        ("stage:first", ["B"]),
        ("stage:middle", ["D"]),
        ("stage:last", ["A"]),
        ("stage:2", ["D"]),
        ("all", ["B", "D", "A"]),
        ("share:1", ["B", "D", "A"]),
    ],
)
def test_targets_name_phones(target: str, struck: list[str]) -> None:
    assert sorted(_struck(target)) == sorted(struck)


@pytest.mark.parametrize("target", ["phone:9", "serial:Z", "stage:7"])
def test_a_target_that_no_phone_is_refused(target: str) -> None:
    with raises_saying(BadInputError, match="No phone of this rack"):
        _struck(target)


def test_this_computer_is_a_target_of_its_own() -> None:
    assert _struck("host", FaultKind.HOST_STALL) == [HOST]
    with pytest.raises(BadInputError):
        _struck("phone:1", FaultKind.HOST_STALL)


@given(st.integers(0, 2**32 - 1))
def test_a_share_is_at_least_one_phone_and_the_same_for_the_same_seed(seed: int) -> None:
    drawn = _struck("share:0.25", seed=seed)
    assert len(drawn) == 1
    assert drawn == _struck("share:0.25", seed=seed)


def test_two_faults_on_one_phone_are_refused() -> None:
    faults = (PlannedFault(FaultKind.SLOW, "all"), PlannedFault(FaultKind.CRASH, "phone:1"))
    with raises_saying(BadInputError, match="can have only one"):
        strikes_of(Experiment("x", faults), PHONES)
