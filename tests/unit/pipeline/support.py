"""An attempt over phones that are only scripted: what they say is put into its mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from app.core.clock import Clock
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.pipeline.attempt import Attempt
from app.pipeline.groups import ComputeAndHop
from app.pipeline.mailbox import Letter
from app.pipeline.opening_stages.attempt_terms import AttemptTerms
from app.pipeline.ring_messages import StepAnswer
from app.pipeline.slots import Seat
from app.pipeline.stage import Stage
from app.pipeline.step_limits import StepPace
from app.pipeline.worker_client import WorkerClient
from app.testing.clocks import ManualClock
from tests.signing import TERMS
from workers.protocol.step_message import TraceEntry
from workers.protocol.told import Broken, ToldToken
from workers.protocol.wire import Tensor

VOCABULARY = 100
NOTHING_PREDICTED = ComputeAndHop(0.0, 0.0)


class SilentPhone:
    """Takes steps and says nothing."""

    patience, lost, at_work, busy_ms, working_s = 1.0, False, False, 0.0, 0.0
    hangs = False

    def __init__(self, name: str) -> None:
        self.serial = Serial(name)
        self.offence: Fact | None = None

    async def send_step(self, _rows: object, _tokens: object) -> None:
        """Take the step."""


def scripted_attempt(
    phones: Sequence[object],
    clock: Clock | None = None,
    times: ComputeAndHop = NOTHING_PREDICTED,
    **terms: Any,  # noqa: ANN401 - whatever the terms of an attempt are
) -> Attempt:
    stages = [Stage(cast(WorkerClient, phone), "span") for phone in phones]
    pace = StepPace([times] * len(stages), patience=1.0)
    group = SimpleNamespace(join=lambda _: None, send=_send_at_once, leave=lambda _: None, size=1)
    return Attempt(
        TransactionId("t"),
        stages,
        Seat(0, cast(Any, group)),
        AttemptTerms(VOCABULARY, pace, **terms),
        clock or ManualClock(),
        TERMS,
    )


async def _send_at_once(_transaction: object, _row: object, _token: object, sent: Any) -> None:  # noqa: ANN401
    sent()


def say(attempt: Attempt, stage: int, message: StepAnswer | Broken) -> None:
    """Let a phone's own socket bring a message."""
    attempt.outcomes.mailbox.put(Letter(attempt.stages[stage].serial, message))


def token_message(
    *tensors: Tensor,
    trace: tuple[TraceEntry, ...] = (),
    **changes: Any,  # noqa: ANN401 - any field of a row
) -> StepAnswer:
    """Return what an honest last stage says of the first step of an attempt, with changes."""
    row = ToldToken("t", 0, 1, 7, -0.5, (), goes_on=False)
    return StepAnswer(row._replace(**changes), trace, tensors)


def broken_message(serial: str, reason: str = "is out of memory", code: str = "") -> Broken:
    return Broken(("t",), serial, reason, code)
