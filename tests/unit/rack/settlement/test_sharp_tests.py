"""What a sharp test comes to where a phone does not play along, and whose doing that was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from app.core.audit_outcome import AuditOutcome, SharpOutcome
from app.core.errors import PhoneLostError, ShardloomError, WorkerError
from app.core.facts import Fact
from app.core.identifiers import Serial, TransactionId
from app.ledger.rules.audits.refusals import PHONE_GONE, PHONE_UNABLE
from app.proof.case import AuditMethod, AuditReason, Verdict
from app.proof.sharp.graph import NotCoveredError
from app.rack.blocking import BlockingPool
from app.rack.settlement.concluded import ConcludedAttempt
from app.rack.settlement.sharp import sharp_tests
from app.rack.settlement.sharp.close_look import CloseLook
from app.rack.settlement.sharp.sharp_tests import SharpTests
from tests.unit.rack.support import a_context
from workers.engine.processor import canary_products, numerical_class
from workers.errors import ReceiptError

TRANSACTION, SERIAL = TransactionId("t"), Serial("PHONE-1")


def verdict(reason: AuditReason, outcome: AuditOutcome = AuditOutcome.FAILED) -> Verdict:
    return Verdict(TRANSACTION, 0, SERIAL, outcome, AuditMethod.TOLERANCE, reason)


def attempt(*, has_head: bool = False) -> ConcludedAttempt:
    stage, shape = SimpleNamespace(serial=SERIAL), SimpleNamespace(has_head=has_head)
    spans = (SimpleNamespace(stage=stage, shape=shape),)
    return cast(
        ConcludedAttempt, SimpleNamespace(spans=spans, transaction=TRANSACTION, two_chains=False)
    )


class Failing(SharpTests):
    """Fails as the test wants it, and notes how many tests there were at a time."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(cast(BlockingPool, None), Path(), 0.0, a_context())
        self.error = error
        self.running = self.most = 0

    async def _look(
        self,
        attempt: ConcludedAttempt,  # noqa: ARG002
        index: int,
        *,
        thorough: bool,  # noqa: ARG002
    ) -> CloseLook:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        if self.error is not None:
            raise self.error
        return CloseLook(SERIAL, index, SharpOutcome.PASSED, Fact("sharp.holds"))


def refused(code: str) -> WorkerError:
    return WorkerError("worker.refused", phone=SERIAL, reason=Fact(code))


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (PhoneLostError("worker.given_up", phone=SERIAL), SharpOutcome.UNAVAILABLE, PHONE_GONE),
        (refused("memory.lacks"), SharpOutcome.UNAVAILABLE, PHONE_UNABLE),
        (refused("span.not_loaded"), SharpOutcome.UNAVAILABLE, PHONE_UNABLE),
        (refused("replay.not_begun"), SharpOutcome.REFUSED, "sharp.refused"),
        (WorkerError("worker.refused_silently"), SharpOutcome.REFUSED, "sharp.refused"),
        (WorkerError("worker.other_states"), SharpOutcome.REFUSED, "sharp.refused"),
        (WorkerError("worker.cannot_be_asked"), SharpOutcome.UNAVAILABLE, "sharp.not_made"),
        (NotCoveredError("MoE"), SharpOutcome.UNAVAILABLE, "sharp.not_covered"),
        (ShardloomError("check.ended"), SharpOutcome.UNAVAILABLE, "sharp.not_made"),
        (OSError("no file"), SharpOutcome.UNAVAILABLE, "sharp.not_made"),
    ],
)
def test_only_a_phone_that_answers_and_does_not_show_has_refused(
    error: Exception, outcome: SharpOutcome, reason: str
) -> None:
    found = verdict(AuditReason.WRONG_OUTPUT)
    (look,) = asyncio.run(Failing(error).look(attempt(), [found]))
    assert (look.outcome, look.record(TRANSACTION).reason) == (outcome, reason)


def test_a_phone_without_room_for_its_layers_once_more_is_not_asked() -> None:
    """Nothing of it but its memory is looked at: there is no worker here to be asked."""
    shard = SimpleNamespace(weight_bytes=2_000)
    spans = (SimpleNamespace(stage=SimpleNamespace(serial=SERIAL), shard=shard),)
    of = cast(
        ConcludedAttempt, SimpleNamespace(spans=spans, transaction=TRANSACTION, two_chains=False)
    )
    tests = SharpTests(cast(BlockingPool, None), Path(), 0.0, a_context(), lambda _serial: 1_999)
    look = asyncio.run(tests._attempted(of, 0, thorough=True))
    assert (look.outcome, look.reason.code) == (SharpOutcome.UNAVAILABLE, PHONE_UNABLE)


@pytest.mark.parametrize(
    ("reason", "has_head", "outcome"),
    [
        (AuditReason.INPUTS_DISOWNED, False, SharpOutcome.REFUSED),
        (AuditReason.OTHER_SHARD, False, SharpOutcome.REFUSED),
        (AuditReason.OUTPUTS_DISOWNED, True, SharpOutcome.REFUSED),
        (AuditReason.OUTPUTS_DISOWNED, False, SharpOutcome.UNAVAILABLE),
        (AuditReason.INPUTS_UNUSABLE, False, SharpOutcome.UNAVAILABLE),
    ],
)
def test_what_no_numbers_decide_is_not_run_again(
    reason: AuditReason, outcome: SharpOutcome, *, has_head: bool
) -> None:
    """What the next phone says that it received proves nothing; what the host got itself does."""
    tests = Failing()
    (look,) = asyncio.run(tests.look(attempt(has_head=has_head), [verdict(reason)]))
    assert look.outcome is outcome
    assert tests.most == 0


def test_an_audit_that_passed_is_looked_behind_only_at_random() -> None:
    passed = verdict(AuditReason.NONE, AuditOutcome.PASSED)
    assert asyncio.run(Failing().look(attempt(), [passed])) == []


def test_attempts_that_end_together_are_looked_at_one_after_the_other() -> None:
    """A worker holds one replay: a second would end the first, which would seem to be refused."""
    tests = Failing()
    found = [verdict(AuditReason.WRONG_OUTPUT)]

    async def together() -> None:
        await asyncio.gather(*(tests.look(attempt(), found) for _ in range(5)))

    asyncio.run(together())
    assert tests.most == 1


@pytest.mark.parametrize("shows_its_own", [True, False])
def test_a_canary_that_its_class_is_no_digest_of_is_no_answer(
    monkeypatch: pytest.MonkeyPatch, *, shows_its_own: bool
) -> None:
    """Asked of a phone that ran its layers again and signed for it: it was there and able to."""
    products = canary_products(1) if shows_its_own else (np.zeros(1, np.float32),) * 5

    @asynccontextmanager
    async def replaying(*_given: object) -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(statement=b"", signature=b"")

    async def drawn(*_given: object) -> None:
        raise NotCoveredError("drawn")

    monkeypatch.setattr(sharp_tests, "replaying", replaying)
    statement = SimpleNamespace(numerical_class=numerical_class(1))
    monkeypatch.setattr(sharp_tests, "verify_states", lambda *_given: statement)
    monkeypatch.setattr(sharp_tests, "statement_fits", lambda *_given: True)
    case = SimpleNamespace(steps=(), boundary=None)
    sharp = SimpleNamespace(case=case, graph=SimpleNamespace(states=()))
    of = SimpleNamespace(keys={SERIAL: b""})
    span = SimpleNamespace(stage=SimpleNamespace(serial=SERIAL))
    pool = cast(BlockingPool, SimpleNamespace(run=drawn))
    tests: Any = SharpTests(pool, Path(), 0.0, a_context())
    with pytest.raises(NotCoveredError if shows_its_own else ReceiptError):
        asyncio.run(tests._replayed(of, sharp, span, products, thorough=True))
