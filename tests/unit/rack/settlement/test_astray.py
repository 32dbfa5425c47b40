"""A step that nobody computes: whether a way is at fault, or a phone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from app.core.clock import ManualClock
from app.core.errors import ShardloomError
from app.core.identifiers import RequestId, Serial
from app.pipeline.attempt import Attempt
from app.pipeline.failures import StageFailedError, StepLostError, UnusableRowsError
from app.rack.phones.phone import Phone
from app.rack.requests.request import Request
from app.rack.requests.request_runner import DISPUTES, STEPS_ASTRAY, RequestRunner, Workplace
from app.rack.timeline import Timeline
from app.words.sentences import fact_text
from tests.saying import raises_saying
from tests.unit.pipeline.support import SilentPhone, scripted_attempt
from tests.unit.rack.support import a_phone
from workers.protocol.sampling_rule import SamplingRule

FIRST, SECOND = a_phone("A", 1), a_phone("B", 2)
_Ways = list[tuple[Phone, Phone]]


class Bench:
    """A request whose rack tells scripted things of its ways."""

    def __init__(self, told: _Ways | StageFailedError) -> None:
        self.told = told
        self.lost: list[Phone] = []
        self.aside: list[Phone] = []
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
        )
        workplace = SimpleNamespace(
            assigner=self,
            timeline=self.timeline,
            fleet=fleet,
            clock=ManualClock(),
            changed=lambda: None,
        )
        self._runner = RequestRunner(self.request, cast(Workplace, workplace))

    async def broken_ways(self, _serials: list[Serial]) -> _Ways:
        if isinstance(self.told, StageFailedError):
            raise self.told
        return self.told

    async def went_astray(self) -> bool:
        return await self._runner._went_astray(self.attempt)

    def dispute(self) -> None:
        dispute = UnusableRowsError(FIRST.serial, SECOND.serial, "step 9 came")
        self._runner._set_both_aside(dispute, self.attempt)


def _attempt(busy_ms: float) -> Attempt:
    phones = [SilentPhone(phone.serial) for phone in (FIRST, SECOND)]
    phones[1].busy_ms = busy_ms
    return scripted_attempt(phones)


def test_a_step_is_lost_where_nobody_computes_and_a_phones_fault_where_one_does() -> None:
    assert type(_attempt(0.0)._stuck(1.0)) is StepLostError
    failure = _attempt(5.0)._stuck(1.0)
    assert type(failure) is StageFailedError
    assert failure.serial == SECOND.serial


async def test_where_a_way_is_broken_no_phone_is_blamed() -> None:
    bench = Bench([(FIRST, SECOND)])
    for times in range(1, STEPS_ASTRAY + 3):
        assert await bench.went_astray()
        assert bench.request.failovers == times
    assert bench.lost == []
    assert fact_text(bench.timeline.events[0].fact).startswith("The way from A to B broke:")


async def test_steps_lost_for_no_reason_are_forgiven_a_few_times() -> None:
    bench = Bench([])
    forgiven = [await bench.went_astray() for _ in range(STEPS_ASTRAY + 1)]
    assert forgiven == [True] * STEPS_ASTRAY + [False]


async def test_a_phone_that_does_not_answer_is_to_blame() -> None:
    bench = Bench(StageFailedError("stage.no_worker_answers", phone=SECOND.serial))
    assert await bench.went_astray()
    assert bench.lost == [SECOND]
    assert bench.request.failovers == 1


def test_of_two_phones_that_disagree_neither_counts_as_the_one_that_lied() -> None:
    bench = Bench([])
    for times in range(1, DISPUTES + 1):
        bench.dispute()
        assert bench.aside == [FIRST, SECOND] * times
    assert bench.lost == []
    assert fact_text(bench.timeline.events[-1].fact).startswith(
        "B cannot use what A sent it (step 9 came)"
    )
    with raises_saying(ShardloomError, match="not the first time"):
        bench.dispute()
