"""When a text is checked as a whole, what ends that, and what follows from what it finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.audit_outcome import CheckMode
from app.core.errors import BadInputError, WorkerError
from app.core.identifiers import Serial, TransactionId
from app.ledger.views.snapshot import PhoneStanding
from app.pipeline.prompts.step_record import StepRecord
from app.rack.blocking import BlockingPool
from app.rack.options import RackOptions
from app.rack.phones.rack_file import RackDefinition
from app.rack.settlement.checks import Checks, least_safe_rate
from app.rack.settlement.concluded import ConcludedAttempt, WholeCheck, with_check
from app.rack.settlement.whole_check import CheckSettings, WholeChecker
from app.simulation.model import manifest
from app.testing.clocks import ManualClock
from tests.assignments import held, placed
from tests.saying import raises_saying
from workers.identity.receipts import ReceiptBody
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import SamplingRule

ROWS = 100
TEXT_S = 50.0
A, B = Serial("A"), Serial("B")


def _attempt(**changed: Any) -> ConcludedAttempt:  # noqa: ANN401
    steps = (
        StepRecord(0, 0, tuple(range(ROWS - 1)), wants_token=True, generated=1),
        StepRecord(1, ROWS - 1, (5,), wants_token=True, generated=2),
    )
    attempt = ConcludedAttempt(
        TransactionId("t"),
        model=manifest(),
        spans=(),
        steps=steps,
        answers=(cast(Any, 4), cast(Any, 5)),
        sampling=SamplingRule(),
        boundary=Boundary.F32,
        bodies={A: cast(ReceiptBody, "a"), B: cast(ReceiptBody, "b")},
        transcripts={},
        due=frozenset(),
        withheld={},
    )
    return replace(attempt, **changed)


class Bench:
    """A checker whose reading of a text takes as long as the test says."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, mode: CheckMode, *, simulated: bool = False
    ) -> None:
        self.clock = ManualClock()
        self.settings = CheckSettings(0.1, mode)
        self.takes_s = 1.0
        self.good = 2
        self.reads = 0
        self.on_run: Callable[[], None] = lambda: None
        self.stop = Event()
        pool = BlockingPool(1, "check")
        self.checker = WholeChecker(Path(), self.clock, pool, self.settings, simulated=simulated)
        monkeypatch.setattr(WholeChecker, "_good", self._read)

    def _read(self, _attempt: ConcludedAttempt, go_on: Callable[[float], None]) -> int:
        self.reads += 1
        for tenth in range(10):
            go_on(tenth / 10)
            self.clock.advance(self.takes_s / 10)
            self.on_run()
        return self.good

    def check(self, attempt: ConcludedAttempt | None = None) -> WholeCheck | None:
        work = self.checker.check(attempt or _attempt(), "demo", TEXT_S, self.stop)
        return asyncio.run(work)


def test_a_text_is_read_again_where_that_is_wanted_and_what_it_took_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, CheckMode.ON)
    bench.takes_s = 40.0
    found = bench.check()
    assert found is not None
    assert (found.good_answers, round(found.took_s)) == (2, 40)
    assert bench.checker.newest_share("demo") == pytest.approx(0.8)


def test_nothing_is_read_where_it_is_turned_off_even_on_simulated_phones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, CheckMode.OFF, simulated=True)
    assert bench.check() is None
    assert bench.reads == 0


def test_what_took_too_long_once_is_not_begun_again_until_it_is_half_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, CheckMode.AUTO)
    bench.takes_s = 0.12 * TEXT_S
    assert bench.check() is None
    assert bench.reads == 1
    assert bench.check() is None
    assert bench.reads == 1
    bench.takes_s = 0.05 * TEXT_S
    for _ in range(20):
        bench.check()
    assert bench.reads > 1
    assert bench.check() is not None


def test_simulated_phones_are_checked_at_any_cost_but_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, CheckMode.AUTO, simulated=True)
    bench.takes_s = 3 * TEXT_S
    assert bench.check() is not None
    bench.takes_s = 20 * TEXT_S
    assert bench.check() is None


def test_a_check_ends_at_its_next_run_once_nobody_waits_and_teaches_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, CheckMode.ON)
    runs: list[int] = []

    def stop_at_third() -> None:
        runs.append(1)
        if len(runs) == 3:
            bench.stop.set()

    bench.on_run = stop_at_third
    assert bench.check() is None
    assert len(runs) == 3
    assert bench.checker.newest_share("demo") is None
    assert bench.check() is None
    assert bench.reads == 1


def test_a_text_that_cannot_be_read_here_is_only_audited(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(monkeypatch, CheckMode.ON)

    def fail() -> None:
        raise WorkerError("audit.text_unchecked", reason="no memory")

    bench.on_run = fail
    assert bench.check() is None


def test_steps_that_overwrote_others_are_not_read_as_one_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = Bench(monkeypatch, CheckMode.ON)
    first, second = _attempt().steps
    overwriting = (first, replace(second, position=ROWS - 2))
    assert bench.check(_attempt(steps=overwriting)) is None
    assert bench.reads == 0


def test_a_wrong_token_has_every_stage_audited_and_a_right_text_none_besides() -> None:
    attempt = _attempt(due=frozenset({A}))
    assert with_check(attempt, WholeCheck(1, 0.1)).due == {A, B}
    assert with_check(attempt, WholeCheck(2, 0.1)).due == {A}
    assert with_check(attempt, None).due == {A}


def _standing(bonded: int) -> PhoneStanding:
    return cast(PhoneStanding, SimpleNamespace(bonded=bonded))


def test_the_least_safe_rate_follows_from_what_is_earned_and_what_is_at_stake() -> None:
    ring = placed("demo", 4, (held(A, 0, 2), held(B, 3, 3)))
    standings = {A: _standing(100_000_000), B: _standing(100_000_000)}
    earned = 0.98 * 0.01 * 1000 * 3 / 4
    assert least_safe_rate(ring, 1000, standings) == pytest.approx(earned / (earned + 100))
    assert least_safe_rate(ring, 2000, standings) > least_safe_rate(ring, 1000, standings)
    assert least_safe_rate(ring, 1000, {A: _standing(100_000_000)}) == 1.0


def test_a_rate_that_is_no_share_is_refused() -> None:
    checks = Checks(RackOptions(Path()), RackDefinition("r", True, 0.1), cast(Any, None))
    with raises_saying(BadInputError, "An audit rate is a number from 0 to 1."):
        asyncio.run(checks.set(1.5, CheckMode.ON))
    checks.shutdown()
