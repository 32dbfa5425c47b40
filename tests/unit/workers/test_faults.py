from __future__ import annotations

import time

import numpy as np
import pytest

from workers.protocol.commands import FaultName
from workers.ring.faults import InjectedFault


@pytest.mark.parametrize(
    ("token", "generated", "active"),
    [(1, 0, True), (1, 1, True), (1, 9, True), (2, 0, False), (2, 1, False), (2, 2, True)],
)
def test_a_fault_starts_at_its_token_and_token_one_includes_the_prompt(
    token: int, generated: int, *, active: bool
) -> None:
    fault = InjectedFault(FaultName.SLOW, token)
    assert fault.is_active(FaultName.SLOW, generated) is active
    assert not fault.is_active(FaultName.CRASH, generated)


def test_a_lie_is_the_same_each_time_and_leaves_the_truth_alone() -> None:
    hidden = np.arange(1, 9, dtype=np.float32).reshape(1, 2, 4)
    truth = hidden.copy()
    fault = InjectedFault(FaultName.WRONG_OUTPUT, token=3)
    assert fault.alter_hidden(2, hidden) is hidden
    lie = fault.alter_hidden(3, hidden)
    np.testing.assert_array_equal(lie, fault.alter_hidden(4, hidden))
    np.testing.assert_array_equal(hidden, truth)
    assert not np.array_equal(lie, truth)
    logits = np.array([1, 5, 2], np.float32)
    assert fault.alter_logits(2, logits) is logits
    np.testing.assert_array_equal(fault.alter_logits(3, logits), [2, 1, 5])
    np.testing.assert_array_equal(logits, [1, 5, 2])


def test_a_slow_phone_waits_a_multiple_of_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    fault = InjectedFault(FaultName.SLOW, token=2, factor=4.0)
    fault.stretch(1, 0.5)
    fault.stretch(2, 0.5)
    assert waited == [1.5]


def test_no_fault_does_nothing() -> None:
    fault = InjectedFault()
    hidden = np.ones((1, 1, 2), np.float32)
    fault.before_computing(1)
    assert fault.alter_hidden(1, hidden) is hidden
    assert fault.alter_logits(1, hidden[0, 0]).tolist() == [1, 1]


def test_names_are_those_of_the_catalogue() -> None:
    from app.faults.catalogue import FaultKind  # noqa: PLC0415 - only this test joins the two

    of_workers = {kind.value for kind in FaultKind if not kind.befalls_phone}
    assert of_workers | {FaultName.NONE} == set(FaultName)
