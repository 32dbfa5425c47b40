"""A step that nobody computes: whether a way is at fault, or a phone; nobody is blamed unproven."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import ShardloomError
from app.core.identifiers import RequestId, Serial
from app.pipeline.attempt import Attempt
from app.pipeline.failures import DisputedRowsError, StageFailedError, StepLostError
from app.pipeline.prompts.step_record import StepRecord
from app.rack.phones.phone import Phone
from app.rack.requests.request import Request
from app.rack.requests.troubles import DISPUTES, STEPS_ASTRAY, Troubles, place_of_loss
from app.rack.requests.workplace import Workplace
from app.rack.timeline import Timeline
from app.testing.clocks import ManualClock
from app.words.sentences import fact_text
from tests.saying import raises_saying
from tests.unit.pipeline.support import SilentPhone, scripted_attempt
from tests.unit.rack.support import a_phone
from workers.identity.receipts import ReceiptBody
from workers.protocol.sampling_rule import SamplingRule

FIRST, SECOND = a_phone("A", 1), a_phone("B", 2)
_Ways = list[tuple[Phone, Phone]]


class Bench:
    """A request whose rack tells scripted things of its ways."""

    def __init__(self, told: _Ways | StageFailedError) -> None:
        self.told = told
        self.lost: list[Phone] = []
        self.aside: list[Phone] = []
        self.distrusted: list[tuple[Serial, Serial]] = []
        self.distrust = SimpleNamespace(add=lambda *way: self.distrusted.append(way[:2]))
        self.timeline = Timeline(ManualClock())
        self.request = Request(RequestId("r"), "", (1,), 3, frozenset(), SamplingRule(), None, 0.0)
        self.attempt = _attempt(0.0)
        phones = {phone.serial: phone for phone in (FIRST, SECOND)}
        for stage in self.attempt.stages:
            phones[stage.serial].worker.client = stage.client
        fleet = SimpleNamespace(
            phones=phones,
            mark_lost=lambda phone, _: self.lost.append(phone),
            set_aside=lambda phone, _: self.aside.append(phone),
            name_of=lambda serial: phones[serial].name,
        )
        workplace = SimpleNamespace(
            assigner=self,
            timeline=self.timeline,
            fleet=fleet,
            clock=ManualClock(),
            changed=lambda: None,
        )
        self._troubles = Troubles(self.request, cast(Workplace, workplace))

    async def broken_ways(self, _serials: list[Serial]) -> _Ways:
        if isinstance(self.told, StageFailedError):
            raise self.told
        return self.told

    async def lose_step(self, *signed: int) -> None:
        """Let a step be lost; `signed` is for how many of them each phone signs."""
        await self._troubles.step_lost(self.attempt)
        self.attempt.steps = [StepRecord(step, step, (1,), True, step + 1) for step in range(3)]
        self.attempt.completed_steps = 2
        self._troubles.look_where_lost(self.attempt, receipts(*signed))

    def signed_otherwise(self) -> None:
        self._troubles.signed_otherwise(self.attempt.transaction, [(SECOND.serial, FIRST.serial)])

    def dispute(self) -> None:
        dispute = DisputedRowsError(FIRST.serial, SECOND.serial, "step 9 came")
        self._troubles.rows_unusable(dispute, self.attempt)


def receipts(*steps: int) -> dict[Serial, ReceiptBody]:
    phones = (FIRST, SECOND)
    bodies = [cast(ReceiptBody, SimpleNamespace(steps=done)) for done in steps]
    return {phone.serial: body for phone, body in zip(phones, bodies, strict=False)}


def _attempt(busy_ms: float) -> Attempt:
    phones = [SilentPhone(phone.serial) for phone in (FIRST, SECOND)]
    phones[1].busy_ms = busy_ms
    return scripted_attempt(phones)


def test_a_step_is_lost_where_nobody_computes_and_a_phones_fault_where_one_does() -> None:
    assert type(_attempt(0.0).outcomes._stuck(1.0)) is StepLostError
    failure = _attempt(5.0).outcomes._stuck(1.0)
    assert type(failure) is StageFailedError
    assert failure.serial == SECOND.serial


async def test_where_a_way_is_broken_no_phone_is_blamed() -> None:
    bench = Bench([(FIRST, SECOND)])
    for times in range(1, STEPS_ASTRAY + 3):
        await bench.lose_step(3, 2)
        assert bench.request.failovers == times
    assert bench.lost == bench.aside == []
    assert fact_text(bench.timeline.events[0].fact).startswith("The way from A to B broke:")


@pytest.mark.parametrize(
    ("signed", "aside"),
    [
        ((3, 2), [FIRST, SECOND]),
        ((2, 2), [FIRST]),
        ((3, 3), [SECOND]),
    ],
)
async def test_phones_around_steps_lost_again_and_again_are_set_aside_and_not_blamed(
    signed: tuple[int, ...], aside: list[Phone]
) -> None:
    bench = Bench([])
    for _ in range(STEPS_ASTRAY):
        await bench.lose_step(*signed)
    assert bench.aside == []
    await bench.lose_step(*signed)
    assert bench.lost == []
    assert bench.aside == aside
    assert bench.request.failovers == STEPS_ASTRAY + 1


async def test_phones_that_lose_steps_whatever_is_done_end_the_request_with_its_reason() -> None:
    bench = Bench([])
    for _ in range((STEPS_ASTRAY + 1) * (DISPUTES + 1) - 1):
        await bench.lose_step(3, 2)
    with raises_saying(ShardloomError, match="lost again and again at A and B"):
        await bench.lose_step(3, 2)
    assert bench.lost == []


@given(st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=2, max_size=2), st.integers(0, 5))
def test_a_loss_is_seen_beside_phones_of_the_ring_or_nowhere(
    signed: list[int | None], completed: int
) -> None:
    attempt = _attempt(0.0)
    attempt.steps = [StepRecord(step, step, (1,), True, step + 1) for step in range(5)]
    attempt.completed_steps = completed
    told = {
        phone.serial: cast(ReceiptBody, SimpleNamespace(steps=done))
        for phone, done in zip((FIRST, SECOND), signed, strict=True)
        if done is not None
    }
    around = place_of_loss(attempt, told)
    assert set(around) <= told.keys()
    assert list(around) == [serial for serial in (FIRST.serial, SECOND.serial) if serial in around]
    whole = [5, *(done for done in signed if done is not None), completed]
    if all(came >= sent for sent, came in pairwise(whole)):
        assert around == ()


async def test_a_phone_that_does_not_answer_is_to_blame() -> None:
    bench = Bench(StageFailedError("stage.no_worker_answers", phone=SECOND.serial))
    await bench.lose_step(3, 3)
    assert bench.lost == [SECOND]
    assert bench.request.failovers == 1


def test_where_two_phones_signed_different_things_nobody_is_lost_and_that_way_is_left() -> None:
    bench = Bench([])
    bench.signed_otherwise()
    assert bench.distrusted == [(SECOND.serial, FIRST.serial)]
    assert bench.aside == bench.lost == []
    assert "B and A signed for different things" in fact_text(bench.timeline.events[-1].fact)


def test_of_two_phones_that_disagree_neither_counts_as_the_one_that_lied() -> None:
    bench = Bench([])
    for times in range(1, DISPUTES + 1):
        bench.dispute()
        assert bench.aside == [FIRST, SECOND] * times
    assert bench.lost == []
    assert set(bench.distrusted) == {(FIRST.serial, SECOND.serial)}
    assert fact_text(bench.timeline.events[-1].fact).startswith(
        "B cannot use what A sent it (step 9 came)"
    )
    with raises_saying(ShardloomError, match="not the first time"):
        bench.dispute()
