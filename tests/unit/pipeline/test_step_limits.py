"""A step in nobody's hands, or in those of a phone that hangs, is lost within seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import zmq
import zmq.asyncio

from app.core.identifiers import Serial, TransactionId
from app.core.nursery import Nursery
from app.pipeline import step_outcomes
from app.pipeline.failures import StageFailedError, StepLostError
from app.pipeline.groups import ComputeAndHop
from app.pipeline.listening import LONGEST_LOOK_S
from app.pipeline.prompts.step_record import StepRecord
from app.pipeline.step_limits import BASE_S, PREDICTION_FACTOR, TOTAL_FACTOR, TOTAL_S, StepPace
from app.pipeline.worker_client import HEARD_LATELY_S, Pulse, WorkerAddress, WorkerClient
from app.pipeline.zmq_port import HostKeys, ZmqPort
from app.testing.clocks import ManualClock
from tests.saying import raises_saying
from tests.unit.pipeline.support import (
    NOTHING_PREDICTED,
    SilentPhone,
    say,
    scripted_attempt,
    token_message,
)
from workers.protocol.commands import Measure
from workers.protocol.step_message import MAXIMUM_DRAFTS

TICK_S = 0.125
LATE_S = 8 * TICK_S
"""How far the clock may have gone on between the end of a limit and the look that finds it."""
NEVER_S = float("inf")
TOKEN = 7
PROMPT = range(10)
HERE, THERE = TransactionId("here"), TransactionId("there")


class TickingClock(ManualClock):
    """Goes on a little whenever it is read, and does something once when its time has come."""

    def __init__(self) -> None:
        super().__init__()
        self._due: tuple[float, Callable[[], None]] | None = None

    def call_at(self, time_s: float, action: Callable[[], None]) -> None:
        self._due = time_s, action

    @property
    def elapsed_s(self) -> float:
        return super().monotonic_s()

    def monotonic_s(self) -> float:
        self.advance(TICK_S)
        if self._due is not None and self.elapsed_s >= self._due[0]:
            self._due[1]()
            self._due = None
        return self.elapsed_s


class ScriptedPhone(SilentPhone):
    """A phone at work in one stretch of time."""

    def __init__(self, name: str, clock: TickingClock, from_s: float, until_s: float) -> None:
        super().__init__(name)
        self._clock = clock
        self._from_s, self._until_s = from_s, until_s

    @property
    def at_work(self) -> bool:  # type: ignore[override] # read only here
        return self._from_s <= self._clock.elapsed_s < self._until_s

    @property
    def working_s(self) -> float:  # type: ignore[override]
        return self._clock.elapsed_s - self._from_s if self.at_work else 0.0

    @property
    def busy_ms(self) -> float:  # type: ignore[override]
        return self.working_s * 1000


class Restless(ScriptedPhone):
    """A phone that says, as long as it works, that it has only just begun."""

    @property
    def working_s(self) -> float:  # type: ignore[override]
        return 0.1 * self.at_work


class Ring:
    """Two phones, the first at work and then the second, and the answer that may come."""

    def __init__(
        self,
        first: tuple[float, float] = (NEVER_S, NEVER_S),
        second: tuple[float, float] = (NEVER_S, NEVER_S),
        times: ComputeAndHop = NOTHING_PREDICTED,
        kind: type[ScriptedPhone] = ScriptedPhone,
    ) -> None:
        self.clock = TickingClock()
        stretches = zip("AB", (first, second), strict=True)
        phones = [kind(name, self.clock, *stretch) for name, stretch in stretches]
        self.attempt = scripted_attempt(phones, self.clock, times)

    async def prefill(self, answer_s: float = NEVER_S) -> int:
        """Return the token that the prompt leads to, said at that time."""
        self.clock.call_at(answer_s, lambda: say(self.attempt, 1, token_message(token=TOKEN)))
        return (await self.attempt.prefill(PROMPT, 1)).token


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_outcomes, "LOOK_INTERVAL_S", 0.0)


async def test_a_chunk_that_no_phone_takes_up_is_lost_as_soon_as_a_token_would_be() -> None:
    ring = Ring()
    with pytest.raises(StepLostError):
        await ring.prefill()
    assert BASE_S <= ring.clock.elapsed_s <= BASE_S + LATE_S


async def test_a_chunk_that_vanishes_behind_a_phone_is_lost_soon_after_that_ends() -> None:
    ring = Ring(first=(0.0, 10.0), times=ComputeAndHop(0.2, 0.0))
    with pytest.raises(StepLostError):
        await ring.prefill()
    given_s = BASE_S + PREDICTION_FACTOR * 0.4
    assert 10.0 + given_s <= ring.clock.elapsed_s <= 10.0 + given_s + LATE_S


async def test_slow_phones_are_waited_for_as_long_as_was_to_be_expected_of_them() -> None:
    ring = Ring((1.0, 50.0), (51.0, 90.0), ComputeAndHop(1.0, 0.0))
    assert await ring.prefill(answer_s=91.0) == TOKEN


async def test_a_chunk_is_waited_for_while_it_crosses_a_slow_link() -> None:
    assert await Ring(times=ComputeAndHop(0.0, 0.5)).prefill(answer_s=15.0) == TOKEN


async def test_a_phone_that_hangs_in_the_prompt_is_blamed_after_seconds() -> None:
    ring = Ring(second=(1.0, NEVER_S), times=ComputeAndHop(0.002, 0.001))
    with raises_saying(StageFailedError, match="B did not finish a step") as raised:
        await ring.prefill()
    assert type(raised.value) is StageFailedError
    given_s = BASE_S + PREDICTION_FACTOR * len(PROMPT) * 0.002
    assert 1.0 + given_s <= ring.clock.elapsed_s <= 1.0 + given_s + LATE_S


async def test_a_phone_that_keeps_saying_that_it_has_just_begun_is_found_out() -> None:
    ring = Ring(second=(1.0, NEVER_S), kind=Restless)
    with raises_saying(StageFailedError, match="B did not finish a step"):
        await ring.prefill()
    assert TOTAL_S <= ring.clock.elapsed_s <= TOTAL_S + LATE_S


def a_pace(patience: float = 1.0) -> StepPace:
    return StepPace([ComputeAndHop(0.1, 0.05), ComputeAndHop(0.2, 0.05)], patience)


def test_limits_follow_from_what_each_stage_is_predicted_to_take() -> None:
    limits = a_pace().limits(1)
    assert limits.stages_s == pytest.approx((BASE_S + 0.5, BASE_S + 1.0))
    assert limits.idle_s == pytest.approx(BASE_S + PREDICTION_FACTOR * 0.4)
    chunk = a_pace().limits(64)
    assert chunk.stages_s == pytest.approx((BASE_S + 32, BASE_S + 64))
    assert chunk.idle_s == pytest.approx(BASE_S + PREDICTION_FACTOR * 64 * 0.05)
    assert chunk.total_s == pytest.approx(TOTAL_FACTOR * (2 * BASE_S + 96 + chunk.idle_s))
    assert limits.total_s == pytest.approx(TOTAL_FACTOR * (5.5 + limits.idle_s))


def test_a_stage_may_be_at_work_on_the_largest_step_that_is_under_way() -> None:
    pace, alone = a_pace(), a_pace().limits(1)
    pace.begin(HERE, 1, 1)
    pace.begin(THERE, 64, 64)
    assert pace.limits(1).stages_s == a_pace().limits(64).stages_s
    assert pace.limits(1).idle_s == alone.idle_s
    pace.end(THERE)
    assert pace.limits(1) == alone


def test_a_hiccup_lengthens_no_limit_and_slow_steps_do() -> None:
    pace = a_pace()
    for _ in range(10):
        pace.step_took(1, 0.4, [(0, 0.1), (1, 0.2)])
    before = pace.limits(1)
    pace.step_took(1, 30.0, [(0, 30.0), (1, 0.2)])
    assert pace.limits(1) == before
    for _ in range(40):
        pace.step_took(1, 2.0, [(0, 1.5), (1, 0.2)])
    slow = pace.limits(1)
    assert slow.stages_s == pytest.approx((BASE_S + 7.5, before.stages_s[1]))
    assert slow.idle_s == pytest.approx(BASE_S + 10.0)


def test_no_trace_shortens_a_limit_or_claims_more_than_the_step_took() -> None:
    pace = a_pace()
    for _ in range(40):
        pace.step_took(1, 0.3, [(0, 0.0), (1, 4000.0)])
    assert pace.limits(1).stages_s == pytest.approx((BASE_S + 0.5, BASE_S + 1.5))


def test_patience_lengthens_the_least_times() -> None:
    limits = StepPace([ComputeAndHop(0.0, 0.0)], patience=3.0).limits(1)
    assert (limits.stages_s, limits.idle_s) == ((3 * BASE_S,), 3 * BASE_S)
    assert limits.total_s == 3 * TOTAL_S


@pytest.fixture
async def client() -> AsyncIterator[WorkerClient]:
    """Yield a connection to a worker that never answers."""
    with zmq.asyncio.Context() as context:
        public, secret = (key.decode() for key in zmq.curve_keypair())
        address = WorkerAddress("127.0.0.1", 1, 1, public)
        clock = ManualClock()
        port = ZmqPort(context, address, HostKeys(public, secret))
        client = WorkerClient(port, Serial("A"), address, clock, Nursery(clock))
        client.pulse = Pulse(0.0, 0, 0, busy_ms=0.0)
        yield client
        await client.close()


async def test_a_phone_is_at_work_that_computes_or_was_told_something(client: WorkerClient) -> None:
    seen = [client.at_work]
    client.pulse = Pulse(0.0, 0, 0, busy_ms=0.5)
    seen.append(client.at_work)
    client.pulse = Pulse(0.5, 0, 0, busy_ms=0.0)
    loading = asyncio.create_task(client.call(Measure()))
    await asyncio.sleep(0)
    seen.append(client.at_work)
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)
    assert [*seen, client.at_work] == [False, True, True, False]


async def test_a_phone_may_be_at_work_that_says_nothing(client: WorkerClient) -> None:
    clock = client._clock
    assert isinstance(clock, ManualClock)
    while client.silent_s <= HEARD_LATELY_S:
        assert not client.at_work
        clock.advance(0.25)
        client._silence.look()
    assert client.at_work


async def test_a_phone_hangs_that_is_silent_for_longer_than_it_usually_is(
    client: WorkerClient,
) -> None:
    clock = client._clock
    assert isinstance(clock, ManualClock)

    def listen(seconds: float) -> None:
        for _ in range(round(seconds / 0.1)):
            clock.advance(0.1)
            client._silence.look()

    for gap_s, still_s, hangs_s in ((0.2, 0.9, 1.1), (0.6, 1.7, 1.9)):
        for _ in range(20):
            listen(gap_s)
            client._hear(Pulse(clock.monotonic_s(), 0, 0, busy_ms=0.0))
        seen = []
        for listened_s in (still_s, hangs_s - still_s):
            listen(listened_s)
            seen.append(client.hangs)
        client._hear(Pulse(clock.monotonic_s(), 0, 0, busy_ms=0.0))
        assert (*seen, client.hangs, client.lost) == (False, True, False, False)
        client._gaps_s.clear()


class Halted(ScriptedPhone):
    """A phone that tells nothing of itself."""

    hangs = True


async def test_a_phone_that_hangs_is_left_once_a_step_is_overdue() -> None:
    ring = Ring(kind=Halted)
    with raises_saying(StageFailedError, "stopped answering"):
        await ring.prefill()
    assert ring.clock.elapsed_s < BASE_S


async def test_a_phone_that_hangs_while_a_step_is_not_overdue_is_waited_for() -> None:
    ring = Ring(kind=Halted, times=ComputeAndHop(0.5, 0.1))
    assert await ring.prefill(answer_s=1.0) == TOKEN


async def test_work_on_a_step_is_counted_only_while_this_computer_listens(
    client: WorkerClient,
) -> None:
    clock = client._clock
    assert isinstance(clock, ManualClock)
    client._hear(Pulse(0.0, 0, 0, busy_ms=200.0))
    assert client.working_s == pytest.approx(0.2)
    clock.advance(60)
    client._work.look()
    client._hear(Pulse(60.0, 0, 0, busy_ms=60_200.0))
    assert client.working_s == pytest.approx(0.2 + LONGEST_LOOK_S)
    client._hear(Pulse(60.5, 0, 0, busy_ms=100.0))
    assert client.working_s == pytest.approx(0.1)
    client._hear(Pulse(61.0, 0, 0, busy_ms=0.0))
    assert client.working_s == 0.0


async def test_a_stage_is_given_time_for_the_drafts_that_may_go_with_a_token() -> None:
    slow = ComputeAndHop(1.0, 0.0)
    limits = [
        scripted_attempt([SilentPhone("A")], times=slow, history=history).outcomes
        for history in (None, (1, 2, 3))
    ]
    one = StepRecord(0, 0, (5,), wants_token=True, generated=2)
    chunk = StepRecord(0, 0, (5, 6), wants_token=False, generated=0)
    assert [each._rows_of(one) for each in limits] == [1, 1 + MAXIMUM_DRAFTS]
    assert [each._rows_of(chunk) for each in limits] == [2, 2]
    single = StepRecord(0, 0, (5,), wants_token=False, generated=0)
    assert [each._rows_of(single, 13) for each in limits] == [13, 13]
