"""What goes on behind rows of another text is checked after it, however long others audit that."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from app.core.identifiers import TransactionId
from app.rack.blocking import BlockingPool
from app.rack.ledger_thread import LedgerThread
from app.rack.settlement import settlement
from app.rack.settlement.concluded import AttemptOutcome, ConcludedAttempt, Coverage
from app.rack.settlement.settlement import Examiners, Settlement
from app.rack.settlement.verifiers.judging import JudgedAnswers
from app.rack.settlement.verifiers.phone_verifiers import PhoneVerifiers
from app.rack.settlement.whole_check import CheckSettings

FIRST, SECOND = TransactionId("first"), TransactionId("second")


class SlowFirst:
    """Phones that take their time over the first attempt, until they are told."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()

    async def judged(self, attempt: ConcludedAttempt, *_rest: object) -> JudgedAnswers:
        if attempt.transaction == FIRST:
            await self.may_answer.wait()
        return JudgedAnswers()


def _ended(name: TransactionId, *ancestors: TransactionId) -> ConcludedAttempt:
    made = SimpleNamespace(transaction=name, ancestors=frozenset(ancestors), answers=(1, 2))
    return cast(ConcludedAttempt, made)


def _first_is_wrong(attempt: ConcludedAttempt, *_rest: object, doubted: bool) -> AttemptOutcome:
    good = 0 if attempt.transaction == FIRST or doubted else 2
    return AttemptOutcome(attempt.transaction, (), (), good, Coverage(1, 0, 0))


@pytest.mark.parametrize("stopped", [False, True])
async def test_whoever_goes_on_behind_wrong_rows_is_doubted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, stopped: bool
) -> None:
    monkeypatch.setattr(settlement, "audit_attempt", lambda *_given: ())
    monkeypatch.setattr(settlement, "check_attempt", _first_is_wrong)
    slow, pool = SlowFirst(), BlockingPool(1, "audit")
    examiners = Examiners(verifiers=cast(PhoneVerifiers, slow))
    made = Settlement(
        cast(LedgerThread, None), pool, tmp_path, CheckSettings(1.0), examiners=examiners
    )
    first = asyncio.create_task(made.check(_ended(FIRST)))
    await asyncio.sleep(0)
    second = asyncio.create_task(made.check(_ended(SECOND, FIRST, TransactionId("unknown"))))
    await asyncio.wait({second}, timeout=0.2)
    if stopped:
        first.cancel()
    slow.may_answer.set()
    outcome = await asyncio.wait_for(second, 60)
    assert outcome.good_answers == (2 if stopped else 0)
    pool.shutdown()
