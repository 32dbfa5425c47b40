"""Whatever happens in a request's run, it ends with its reason and gives back what it took."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.errors import LedgerError
from app.core.facts import Fact
from app.core.identifiers import RequestId, Serial, TransactionId
from app.core.nursery import Nursery
from app.pipeline.attempt import Attempt
from app.pipeline.failures import OffenceError, StageFailedError
from app.pipeline.opening_stages.lookup import LookupMode
from app.rack.phones.phone import Phone
from app.rack.requests import request_runner
from app.rack.requests.request import UNFORESEEN, Request
from app.rack.requests.request_runner import ATTEMPTS_IN_VAIN, RequestRunner
from app.rack.requests.workplace import Workplace
from app.rack.settlement.concluded import AttemptOutcome, Coverage
from app.rack.snapshot import RequestState
from app.rack.timeline import Timeline
from app.testing.clocks import ManualClock
from workers.protocol.sampling_rule import SamplingRule

_Drive = Callable[["ScriptedAttempt"], Awaitable[None]]


class ScriptedAttempt:
    """One attempt that does what the bench wants."""

    def __init__(self, transaction: str, stages: Any, *_rest: object) -> None:  # noqa: ANN401
        self.transaction = transaction
        self.stages = stages
        self.closed = False
        self.prefix, self.seat, self.done, self.ancestors = None, None, (), frozenset[str]()

    async def open(self) -> None:
        """Open nothing."""

    async def drain(self) -> None:
        """Wait for nothing."""

    def leave_group(self) -> None:
        """Leave nothing."""

    async def close(self, _kept_steps: int) -> None:
        self.closed = True


class Bench:
    """A request over one phone, a rack that does as it is told, and what became of both."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, drive: _Drive) -> None:
        self.drive = drive
        self.attempts: list[ScriptedAttempt] = []
        self.taken = 0
        self.jailed: dict[Serial, Fact] = {}
        self.withheld: dict[Serial, Fact] = {}
        self.good = 0
        self.concluding = asyncio.Event()
        self.may_conclude = asyncio.Event()
        self.may_conclude.set()
        self.request = Request(RequestId("r"), "", (1,), 3, frozenset(), SamplingRule(), None, 0.0)
        worker = SimpleNamespace(numerical_class="")
        self.phone = SimpleNamespace(
            serial=Serial("A"), name="A", usable=True, client=None, worker=worker
        )
        self.clock = ManualClock()
        self.timeline = Timeline(self.clock)
        monkeypatch.setattr(request_runner, "Attempt", self._attempt)
        self.runner = RequestRunner(self.request, cast(Workplace, self._workplace()))
        self.runner._drive = self._drive  # type: ignore[method-assign,assignment]

    def _workplace(self) -> SimpleNamespace:
        stage = SimpleNamespace(serial=Serial("A"), client=self.phone.client)
        applied = SimpleNamespace(
            slots=self,
            stages=(stage,),
            model=SimpleNamespace(vocabulary_size=9),
            pace=None,
            closed=False,
            retired=False,
            assignment=SimpleNamespace(serials=(Serial("A"),)),
        )

        async def current() -> SimpleNamespace:
            return applied

        return SimpleNamespace(
            assigner=SimpleNamespace(current=current, applied=applied),
            settlement=self,
            penalties=self,
            fleet=SimpleNamespace(phones={Serial("A"): self.phone}, mark_lost=self._lose, joined=0),
            timeline=self.timeline,
            clock=self.clock,
            boundary=None,
            changed=lambda: None,
            nursery=Nursery(self.clock),
            chunk_tokens=64,
            lookup=LookupMode.OFF,
            most_chunks=1,
            bought_states=lambda _applied: {},
        )

    def _attempt(self, *given: Any) -> ScriptedAttempt:  # noqa: ANN401
        self.attempts.append(ScriptedAttempt(*given))
        return self.attempts[-1]

    async def _drive(self, attempt: Attempt, _applied: object) -> None:
        await self.drive(cast(ScriptedAttempt, attempt))

    def _lose(self, _phone: Phone, _reason: Fact) -> None:
        self.phone.usable = False

    async def take(self, _wanted: object) -> SimpleNamespace:
        self.taken += 1
        return SimpleNamespace(wanted=SimpleNamespace(any_cut=False))

    def keep(self, *_given: object, **_more: object) -> int:
        return 0

    def forget(self, _transaction: str) -> None:
        """Nothing was kept."""

    def give_back(self, _seat: object) -> None:
        self.taken -= 1

    async def begin(self, *_given: object) -> None:
        """Journal nothing."""

    async def conclude(self, *_given: object) -> SimpleNamespace:
        self.concluding.set()
        await self.may_conclude.wait()
        return SimpleNamespace(bodies={}, withheld=self.withheld, whole=None, overclaimed=())

    async def check(self, _concluded: object) -> AttemptOutcome:
        return AttemptOutcome(TransactionId("t"), (), (), self.good, Coverage(1, 0, 0))

    async def jail(self, _transaction: str, withheld: dict[Serial, Fact]) -> None:
        self.jailed.update(withheld)

    async def tell_overclaimed(self, _phones: object) -> None:
        """Nobody said too much."""

    async def judge(self, *_given: object) -> int:
        return 0

    async def run(self) -> None:
        await asyncio.wait_for(self.runner.run(), 60)

    def end_state(self) -> tuple[RequestState, int, bool]:
        """Return how the request ended, slots still taken, and whether attempts were closed."""
        return self.request.state, self.taken, all(each.closed for each in self.attempts)


OFFENCE = Fact("offence.unwanted_token")
FAILED = (RequestState.FAILED, 0, True)


@pytest.mark.parametrize("error", [KeyError("x"), MemoryError(), RecursionError(), TypeError("y")])
async def test_a_surprise_ends_a_request_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def surprise(_attempt: ScriptedAttempt) -> None:
        raise error

    bench = Bench(monkeypatch, surprise)
    await bench.run()
    assert bench.end_state() == FAILED
    assert bench.request.state_reason == Fact(UNFORESEEN, error=type(error).__name__)


async def test_a_surprise_while_work_is_concluded_or_judged_ends_it_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing(_attempt: ScriptedAttempt) -> None:
        bench.request.tokens = [1, 2, 3]

    async def surprise(*_given: object) -> None:
        raise KeyError

    for step in ("conclude", "judge", "check"):
        bench = Bench(monkeypatch, nothing)
        setattr(bench, step, surprise)
        await bench.run()
        assert bench.end_state() == FAILED, step


async def test_attempts_that_come_no_further_and_blame_nobody_come_to_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def generate(_attempt: ScriptedAttempt) -> None:
        bench.request.tokens = [1, 2, 3]

    async def do_nothing(_attempt: ScriptedAttempt) -> None:
        assert bench.request.tokens == []

    bench = Bench(monkeypatch, generate)
    await bench.run()
    assert bench.end_state() == FAILED
    assert len(bench.attempts) == ATTEMPTS_IN_VAIN + 1
    assert bench.request.state_reason == Fact("request.in_vain", attempts=ATTEMPTS_IN_VAIN)
    bench = Bench(monkeypatch, do_nothing)
    await bench.run()
    assert (bench.end_state(), len(bench.attempts)) == (FAILED, ATTEMPTS_IN_VAIN)


async def test_attempts_that_come_further_or_lose_a_phone_are_not_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lose(_attempt: ScriptedAttempt) -> None:
        if len(bench.attempts) > 3 * ATTEMPTS_IN_VAIN:
            bench.request.tokens, bench.good = [1, 2, 3], 3
            return
        raise StageFailedError("phone.stopped_answering", phone=Serial("A"))

    bench = Bench(monkeypatch, lose)
    await bench.run()
    assert bench.request.state is RequestState.SETTLED


async def test_an_offender_is_jailed_before_the_next_attempt_and_not_only_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def offend(_attempt: ScriptedAttempt) -> None:
        if bench.jailed:
            bench.request.tokens, bench.good = [1, 2, 3], 3
            return
        bench.withheld = {Serial("A"): OFFENCE}
        raise OffenceError("stage.offended", phone=Serial("A"), offence=OFFENCE)

    bench = Bench(monkeypatch, offend)
    await bench.run()
    assert (bench.request.state, bench.jailed) == (RequestState.SETTLED, bench.withheld)
    assert bench.phone.usable


async def test_a_slot_is_free_only_once_a_stopped_attempt_was_concluded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def generate(_attempt: ScriptedAttempt) -> None:
        bench.request.tokens, bench.good = [1, 2, 3], 3

    bench = Bench(monkeypatch, generate)
    bench.may_conclude.clear()
    bench.request.task = asyncio.create_task(bench.runner.run())
    await bench.concluding.wait()
    bench.request.cancel()
    await asyncio.sleep(0.01)
    assert bench.taken == 1
    bench.may_conclude.set()
    await bench.request.task
    assert bench.end_state() == (RequestState.CANCELLED, 0, True)


async def test_a_text_that_goes_on_elsewhere_does_not_wait_for_receipts_and_checks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lose(_attempt: ScriptedAttempt) -> None:
        if len(bench.attempts) == 1:
            bench.request.tokens = [1]
            raise StageFailedError("phone.stopped_answering", phone=Serial("A"))
        bench.phone.usable = True
        assert not bench.may_conclude.is_set()
        assert (bench.taken, [each.closed for each in bench.attempts]) == (2, [False, False])
        bench.request.tokens, bench.good = [1, 2, 3], 3
        bench.may_conclude.set()

    bench = Bench(monkeypatch, lose)
    bench.may_conclude.clear()
    await bench.run()
    assert bench.end_state() == (RequestState.SETTLED, 0, True)


async def test_what_went_wrong_in_an_end_that_nobody_waited_for_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lose(_attempt: ScriptedAttempt) -> None:
        if len(bench.attempts) == 1:
            raise StageFailedError("phone.stopped_answering", phone=Serial("A"))
        bench.phone.usable = True
        bench.request.tokens, bench.good = [1, 2, 3], 3

    async def refuse(*given: object) -> SimpleNamespace:
        if given[0] is bench.attempts[0]:
            raise LedgerError("receipt.of_another_form")
        return SimpleNamespace(bodies={}, withheld={}, whole=None, overclaimed=())

    bench = Bench(monkeypatch, lose)
    monkeypatch.setattr(bench, "conclude", refuse)
    await bench.run()
    assert bench.end_state() == FAILED
    assert bench.request.state_reason == Fact("receipt.of_another_form")


async def test_an_attempt_that_the_ledger_does_not_settle_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[int] = []

    async def broken_off_at_first(_attempt: ScriptedAttempt) -> None:
        bench.request.tokens = [1, 2, 3][: 2 * len(bench.attempts)]

    async def refuse_the_first(_outcome: object, _surviving: int, answers: int) -> int:
        judged.append(answers)
        if len(judged) == 1:
            raise LedgerError("transaction.settled", transaction="t")
        return 0

    bench = Bench(monkeypatch, broken_off_at_first)
    bench.good = 3
    monkeypatch.setattr(bench, "judge", refuse_the_first)
    await bench.run()
    assert judged == [2, 1]
    assert bench.end_state() == FAILED
    assert bench.request.state_reason == Fact("transaction.settled", transaction="t")


async def test_who_is_stopped_between_attempts_has_no_text_read_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The one before is concluded while the request waits for phones: its check ends soon then."""
    waiting, never = asyncio.Event(), asyncio.Event()

    async def lose(_attempt: ScriptedAttempt) -> None:
        monkeypatch.setattr(bench.runner.workplace.assigner, "current", no_phones)
        raise StageFailedError("phone.stopped_answering", phone=Serial("A"))

    async def no_phones() -> None:
        waiting.set()
        await never.wait()

    async def read_until_stopped(*given: Any) -> SimpleNamespace:  # noqa: ANN401
        await asyncio.to_thread(given[4].wait, 30)
        return SimpleNamespace(bodies={}, withheld={}, whole=None, overclaimed=())

    bench = Bench(monkeypatch, lose)
    monkeypatch.setattr(bench, "conclude", read_until_stopped)
    bench.request.task = asyncio.create_task(bench.runner.run())
    await waiting.wait()
    bench.request.cancel()
    await asyncio.wait_for(bench.request.task, 20)
    assert bench.end_state() == (RequestState.CANCELLED, 0, True)


async def test_however_many_attempts_are_not_concluded_the_others_are_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged: list[int] = []

    async def lose(_attempt: ScriptedAttempt) -> None:
        bench.request.tokens = [1, 2, 3, 4][: len(bench.attempts)]
        if len(bench.attempts) < 3:
            raise StageFailedError("phone.stopped_answering", phone=Serial("A"))
        bench.phone.usable = True

    async def refuse(*given: object) -> SimpleNamespace:
        if given[0] in bench.attempts[:2]:
            raise LedgerError("receipt.of_another_form")
        return SimpleNamespace(bodies={}, withheld={}, whole=None, overclaimed=())

    async def judge(_outcome: object, _surviving: int, answers: int) -> int:
        judged.append(answers)
        return 0

    bench = Bench(monkeypatch, lose)
    bench.good = 3
    monkeypatch.setattr(bench, "conclude", refuse)
    monkeypatch.setattr(bench, "judge", judge)
    await bench.run()
    assert judged == [1]
    assert bench.end_state() == FAILED
