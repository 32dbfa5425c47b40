"""The states of a phone: what may follow what, whoever asks for it and in whatever order."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import app.rack
from app.core.device import DeviceState
from app.core.facts import Fact
from app.rack.phones.phone import (
    TRANSITIONS,
    WAITING,
    ForbiddenTransitionError,
    Lifecycle,
)
from tests.unit.rack.support import a_phone

FOUND, PREPARING, STANDBY = DeviceState.FOUND, DeviceState.PREPARING, DeviceState.STANDBY
READY, JAILED, LOST = DeviceState.READY, DeviceState.JAILED, DeviceState.LOST
BUSY = DeviceState.BUSY
AWAY = Fact("phone.not_connected", phone="P")
IN_VAIN = Fact("phone.left_alone", phone="P", restarts=3, minutes=5)
BEGINNINGS = sorted({FOUND, LOST, *WAITING})
"""What discovery may say of a phone that nobody saw before."""


def test_the_table_names_every_state_and_none_that_only_snapshots_show() -> None:
    assert set(TRANSITIONS) == set(DeviceState)
    entered = frozenset[DeviceState]().union(*TRANSITIONS.values())
    assert entered == set(DeviceState) - {FOUND, DeviceState.WORKING}


@pytest.mark.parametrize(
    ("state", "before"),
    [
        (READY, {PREPARING, JAILED}),
        (JAILED, {PREPARING, READY}),
        (STANDBY, {PREPARING}),
        (PREPARING, set(DeviceState) - {PREPARING, DeviceState.WORKING}),
        (LOST, set(DeviceState) - {LOST, FOUND, DeviceState.WORKING}),
        (BUSY, {STANDBY, LOST, PREPARING} | (WAITING - {BUSY})),
        *((each, {STANDBY, LOST} | (WAITING - {each})) for each in sorted(WAITING - {BUSY})),
    ],
)
def test_a_state_is_entered_from_these_and_from_no_others(
    state: DeviceState, before: set[DeviceState]
) -> None:
    assert {each for each, after in TRANSITIONS.items() if state in after} == before


def test_a_state_that_cannot_follow_changes_nothing() -> None:
    phone = a_phone("P", state=LOST)
    phone.enter(LOST, AWAY)
    with pytest.raises(ForbiddenTransitionError, match=r"LOST.*READY"):
        phone.enter(READY)
    assert (phone.state, phone.lifecycle.reason) == (LOST, AWAY)


def test_a_state_may_get_another_reason_and_loses_it_with_the_state() -> None:
    phone = a_phone("P", state=LOST)
    phone.enter(LOST, IN_VAIN)
    assert phone.snapshot(working=False).state_reason == IN_VAIN
    phone.enter(PREPARING)
    assert phone.snapshot(working=False).state_reason is None


def test_no_module_of_the_rack_sets_a_state_past_the_table() -> None:
    folder = Path(app.rack.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                own = isinstance(node.value, ast.Name) and node.value.id == "self"
                assert own or node.attr not in {"_state", "_reason", "lifecycle"}, path


class AnyOrder(RuleBasedStateMachine):
    """Anybody asks for any state at any time; what counts is which of it was granted."""

    def __init__(self) -> None:
        super().__init__()
        self.lifecycle = Lifecycle()
        self.granted: list[DeviceState] = []

    @initialize(state=st.sampled_from(BEGINNINGS))
    def begin(self, state: DeviceState) -> None:
        self.lifecycle = Lifecycle(state)
        self.granted = [state]

    @rule(state=st.sampled_from(sorted(DeviceState)), reason=st.sampled_from([None, AWAY]))
    def ask_for(self, state: DeviceState, reason: Fact | None) -> None:
        before = self.lifecycle.state, self.lifecycle.reason
        try:
            self.lifecycle.enter(state, reason)
        except ForbiddenTransitionError:
            assert state not in TRANSITIONS[before[0]]
            assert (self.lifecycle.state, self.lifecycle.reason) == before
        else:
            assert (self.lifecycle.state, self.lifecycle.reason) == (state, reason)
            self.granted.append(state)

    @invariant()
    def it_was_made_ready_since_it_was_last_not_here(self) -> None:
        if self.lifecycle.state in {READY, JAILED, STANDBY}:
            away = [n for n, each in enumerate(self.granted) if each in {FOUND, LOST, *WAITING}]
            assert PREPARING in self.granted[away[-1] :]

    @invariant()
    def nobody_is_found_twice_and_no_phone_is_working(self) -> None:
        later = [
            now
            for before, now in zip(self.granted, self.granted[1:], strict=False)
            if now is not before
        ]
        assert not {FOUND, DeviceState.WORKING} & set(later)


TestAnyOrder = AnyOrder.TestCase
