"""A chunk in nobody's hands is lost within seconds; a slow phone is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import cast

import pytest
import zmq
import zmq.asyncio

from app.core.clock import ManualClock
from app.core.identifiers import Serial, TransactionId
from app.pipeline import attempt as attempt_module
from app.pipeline.attempt import Attempt, AttemptTerms, Stage, StageFailedError, StepLostError
from app.pipeline.slots import Seat
from app.pipeline.step_limits import (
    CHUNK_FACTOR,
    PREFILL_DEADLINE_S,
    STEP_DEADLINE_FACTOR,
    STEP_DEADLINE_S,
    Pace,
    TokenTimes,
)
from app.pipeline.worker_client import HEARD_LATELY_S, HostKeys, Pulse, WorkerAddress, WorkerClient
from workers.wire import Kind, Message

TICK_S = 0.125
LATE_S = 6 * TICK_S
"""How far the clock may have gone on between the end of a limit and the look that finds it."""
NEVER_S = float("inf")
NOTHING_PREDICTED = TokenTimes()
TOKEN = 7
PROMPT = range(10)
ANSWER = Message(
    Kind.TOKEN,
    {
        "step": 0,
        "token": TOKEN,
        "log_probability": 0.0,
        "alternatives": [],
        "goes_on": False,
        "trace": [],
    },
)


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


class ScriptedClient:
    """A phone at work in one stretch of time."""

    patience, lost = 1.0, False

    def __init__(self, name: str, clock: TickingClock, from_s: float, until_s: float) -> None:
        self.serial = Serial(name)
        self._clock = clock
        self._from_s, self._until_s = from_s, until_s

    @property
    def at_work(self) -> bool:
        return self._from_s <= self._clock.elapsed_s < self._until_s

    @property
    def busy_ms(self) -> float:
        return float(self.at_work)

    async def send_step(self, _rows: object, _tokens: object) -> None:
        """Take the step."""


class Ring:
    """Two phones, the first at work and then the second, and the answer that may come."""

    def __init__(
        self,
        first: tuple[float, float] = (NEVER_S, NEVER_S),
        second: tuple[float, float] = (NEVER_S, NEVER_S),
        predicted: TokenTimes = NOTHING_PREDICTED,
    ) -> None:
        self.clock = TickingClock()
        stretches = zip("AB", (first, second), strict=True)
        clients = [ScriptedClient(name, self.clock, *stretch) for name, stretch in stretches]
        stages = [Stage(cast(WorkerClient, client), "span") for client in clients]
        terms = AttemptTerms(predicted=predicted)
        seat = cast(Seat, None)
        self.attempt = Attempt(TransactionId("t"), stages, seat, terms, self.clock)

    async def prefill(self, answer_s: float = NEVER_S) -> int:
        """Return the token that the prompt leads to, said at that time."""
        self.clock.call_at(answer_s, lambda: self.attempt._queue.put_nowait(ANSWER))
        return (await self.attempt.prefill(PROMPT, 1)).token


@pytest.fixture(autouse=True)
def _look_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt_module, "LOOK_INTERVAL_S", 0.0)


async def test_a_chunk_that_no_phone_takes_up_is_lost_as_soon_as_a_token_would_be() -> None:
    ring = Ring()
    with pytest.raises(StepLostError):
        await ring.prefill()
    assert STEP_DEADLINE_S <= ring.clock.elapsed_s <= STEP_DEADLINE_S + LATE_S


async def test_a_chunk_that_vanishes_behind_a_phone_is_lost_soon_after_that_ends() -> None:
    ring = Ring(first=(0.0, 10.0))
    with pytest.raises(StepLostError):
        await ring.prefill()
    assert 10.0 + STEP_DEADLINE_S <= ring.clock.elapsed_s <= 10.0 + STEP_DEADLINE_S + LATE_S


async def test_slow_phones_are_waited_for_as_long_as_they_are_at_work() -> None:
    ring = Ring((1.0, 50.0), (51.0, 90.0), TokenTimes(token_s=4.0))
    slow = Ring((1.0, 15.0), (16.0, 29.0))
    assert await ring.prefill(answer_s=91.0) == TOKEN
    assert await slow.prefill(answer_s=29.5) == TOKEN


async def test_a_chunk_is_waited_for_while_it_crosses_a_slow_link() -> None:
    crossing = TokenTimes(token_s=0.5, hop_s=0.5)
    assert await Ring(predicted=crossing).prefill(answer_s=15.0) == TOKEN


async def test_a_phone_that_never_ends_is_to_blame() -> None:
    ring = Ring(second=(1.0, NEVER_S))
    with pytest.raises(StageFailedError, match="B did not finish a step") as raised:
        await ring.prefill()
    assert type(raised.value) is StageFailedError
    assert PREFILL_DEADLINE_S <= ring.clock.elapsed_s <= PREFILL_DEADLINE_S + LATE_S


def test_limits_follow_from_what_is_predicted_and_what_was_measured() -> None:
    pace = Pace(TokenTimes(token_s=1.0, hop_s=0.5), patience=1.0)
    assert pace.of_token().total_s == STEP_DEADLINE_FACTOR
    chunk = pace.of_chunk(64)
    assert (chunk.idle_s, chunk.total_s) == (CHUNK_FACTOR * 32, CHUNK_FACTOR * 64)
    pace.chunk_took(100.0)
    assert pace.of_chunk(1).total_s == CHUNK_FACTOR * 100
    pace.token_took(2.0)
    assert pace.of_chunk(1).idle_s == pace.of_token().idle_s == STEP_DEADLINE_FACTOR * 2


def test_patience_lengthens_the_least_times() -> None:
    pace = Pace(TokenTimes(), patience=3.0)
    assert pace.of_token().idle_s == 3 * STEP_DEADLINE_S
    assert pace.of_chunk(1).idle_s == 3 * STEP_DEADLINE_S
    assert pace.of_chunk(1).total_s == 3 * PREFILL_DEADLINE_S


@pytest.fixture
async def client() -> AsyncIterator[WorkerClient]:
    """Yield a connection to a worker that never answers."""
    with zmq.asyncio.Context() as context:
        public, secret = (key.decode() for key in zmq.curve_keypair())
        address = WorkerAddress("127.0.0.1", 1, 1, public)
        client = WorkerClient(
            context, Serial("A"), address, HostKeys(public, secret), ManualClock()
        )
        client.pulse = Pulse(0.0, 0, 0, busy_ms=0.0)
        yield client
        await client.close()


async def test_a_phone_is_at_work_that_computes_or_was_told_something(client: WorkerClient) -> None:
    seen = [client.at_work]
    client.pulse = Pulse(0.0, 0, 0, busy_ms=0.5)
    seen.append(client.at_work)
    client.pulse = Pulse(0.5, 0, 0, busy_ms=0.0)
    loading = asyncio.create_task(client.call(Kind.LOAD))
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
