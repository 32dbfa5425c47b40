"""All stages begin with the rows of an earlier transaction, or none does."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.core.identifiers import TransactionId
from app.pipeline.attempt import Attempt
from app.pipeline.failures import OffenceError
from app.pipeline.opening_stages.attempt_terms import AttemptTerms
from app.pipeline.prompts.step_record import KeptPrefix, StepRecord
from app.pipeline.slots import Seat
from app.pipeline.stage import Stage
from app.pipeline.step_limits import StepPace
from app.pipeline.worker_client import WorkerAddress, WorkerClient
from app.testing.clocks import ManualClock
from tests.signing import OPENING, TERMS
from tests.unit.pipeline.support import NOTHING_PREDICTED, VOCABULARY, SilentPhone
from workers.protocol.commands import Close, Done, Open, Opened, Resumption
from workers.protocol.message import WorkerCommand

PREFIX = KeptPrefix(
    3, TransactionId("earlier"), (StepRecord(0, 0, (1, 2, 3), wants_token=False, generated=0),)
)


class OpeningPhone(SilentPhone):
    """Opens what it is asked to; whether it still has the rows is the test's say."""

    def __init__(self, name: str, *, resumes: bool, unasked: bool = False) -> None:
        super().__init__(name)
        self.address = WorkerAddress("", 1, 2, "k" * 40)
        self.commands: list[WorkerCommand[Any]] = []
        self._resumes, self._unasked = resumes, unasked

    def listen_to(self, _transaction: object, _mailbox: object) -> None:
        """Say nothing."""

    def endpoint_of(self, _other: object) -> str:
        return "tcp://127.0.0.1:1"

    async def call(self, command: WorkerCommand[Any], _timeout_s: float = 0.0) -> Opened | Done:
        self.commands.append(command)
        if not isinstance(command, Open):
            return Done()
        resumed = self._unasked if command.resume is None else self._resumes
        return Opened(resumed, OPENING)


def _attempt(phones: Sequence[OpeningPhone], prefix: KeptPrefix | None) -> Attempt:
    pace = StepPace([NOTHING_PREDICTED] * len(phones), patience=1.0)
    return Attempt(
        TransactionId("t"),
        [Stage(cast(WorkerClient, phone), "span") for phone in phones],
        Seat(1, cast(Any, SimpleNamespace()), prefix),
        AttemptTerms(VOCABULARY, pace),
        ManualClock(),
        TERMS,
    )


async def test_where_all_stages_have_the_rows_the_attempt_goes_on_from_them() -> None:
    phones = [OpeningPhone(name, resumes=True) for name in "AB"]
    attempt = _attempt(phones, PREFIX)
    await attempt.open()
    assert (attempt.prefix, attempt.done, attempt.completed_steps) == (PREFIX, PREFIX.steps, 1)
    assert attempt.ancestors == {"earlier"}
    assert not attempt.began
    for phone in phones:
        (opened,) = phone.commands
        assert isinstance(opened, Open)
        assert (opened.slot, opened.resume) == (1, Resumption("earlier", 3, 1, 3))


async def test_where_one_stage_has_lost_the_rows_all_begin_without_them() -> None:
    phones = [OpeningPhone("A", resumes=True), OpeningPhone("B", resumes=False)]
    attempt = _attempt(phones, PREFIX)
    await attempt.open()
    assert (attempt.prefix, attempt.steps, attempt.ancestors) == (None, [], frozenset())
    for phone in phones:
        first, closed, again = phone.commands
        assert isinstance(first, Open)
        assert first.resume is not None
        assert closed == Close("t", kept_steps=0)
        assert isinstance(again, Open)
        assert again.resume is None


async def test_who_goes_on_from_rows_that_it_was_not_asked_to_offends() -> None:
    phones = [OpeningPhone("A", resumes=False), OpeningPhone("B", resumes=False, unasked=True)]
    attempt = _attempt(phones, None)
    with pytest.raises(OffenceError):
        await attempt.open()
    assert attempt.offences.keys() == {"B"}
