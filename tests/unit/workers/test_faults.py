from __future__ import annotations

import time

import numpy as np
import pytest

from app.faults.kinds import FaultKind
from app.faults.specifications import SPECIFICATIONS, BroughtBy
from workers.fault_names import FaultName
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
    fault = InjectedFault(FaultName.SLOW, token=2, amount=4.0)
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

    of_workers = {kind.value for kind in FaultKind if SPECIFICATIONS[kind].by is BroughtBy.WORKER}
    assert of_workers | {FaultName.NONE} == set(FaultName)


def test_a_share_of_the_steps_is_drawn_and_the_same_each_time() -> None:
    fault = InjectedFault(FaultName.WRONG_OUTPUT, share=0.25, seed=3)
    shown = [fault.is_active(FaultName.WRONG_OUTPUT, step) for step in range(1, 401)]
    assert 60 < sum(shown) < 140
    again = InjectedFault(FaultName.WRONG_OUTPUT, share=0.25, seed=3)
    assert shown == [again.is_active(FaultName.WRONG_OUTPUT, step) for step in range(1, 401)]


@pytest.mark.parametrize(
    "name",
    [FaultName.NOISE, FaultName.COARSE, FaultName.NOT_FINITE, FaultName.WRONG_SHAPE],
)
def test_every_lie_is_another_tensor_and_leaves_the_truth_alone(name: FaultName) -> None:
    hidden = np.linspace(-1, 1, 24, dtype=np.float32).reshape(1, 2, 12)
    truth = hidden.copy()
    lie = InjectedFault(name, amount=0.01 if name is FaultName.NOISE else 3).alter_hidden(1, hidden)
    assert not np.array_equal(lie, truth)
    assert lie.dtype == np.float32
    np.testing.assert_array_equal(hidden, truth)


def test_coarse_numbers_keep_their_size_and_no_more_bits_than_told() -> None:
    numbers = np.array([0.0, 1.0, -1.3, 1e-20, 3e7], np.float32)
    rounded = InjectedFault(FaultName.COARSE, amount=4).alter_hidden(1, numbers)
    np.testing.assert_allclose(rounded, numbers, rtol=2**-5)
    assert not (rounded.view(np.uint32) & ((1 << 19) - 1)).any()


def test_a_skipped_stage_passes_on_what_it_got_where_that_fits() -> None:
    fault, inputs = InjectedFault(FaultName.SKIPPED), np.ones((1, 2, 4), np.float32)
    outputs = np.zeros((1, 2, 4), np.float32)
    assert fault.alter_hidden(1, outputs, inputs).tolist() == inputs.tolist()
    tokens = np.ones((1, 2), np.int64)
    assert fault.alter_hidden(1, outputs, tokens) is outputs


def test_a_stale_stage_passes_on_the_step_before() -> None:
    fault = InjectedFault(FaultName.STALE, token=2)
    first, second = np.ones((1, 1, 2), np.float32), np.zeros((1, 1, 2), np.float32)
    assert fault.alter_hidden(1, first) is first
    assert fault.alter_hidden(2, second).tolist() == first.tolist()


def test_false_figures_leave_the_token_right() -> None:
    logits = np.array([0.5, 2.0, 1.0], np.float32)
    fault = InjectedFault(FaultName.FALSE_FIGURES)
    assert fault.alter_logits(1, logits) is logits
    assert np.argmax(fault.alter_figures(1, logits)) == 1
    second = InjectedFault(FaultName.SECOND_BEST).alter_logits(1, logits)
    assert np.argmax(second) == 2
