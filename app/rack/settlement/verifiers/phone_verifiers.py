"""Asking idle phones of a receipt's own class to audit it, where the operator wants that.

A phone of the class rounds as the audited one does, so that its rows are as near as the order of
additions explains whatever processor this computer has. It is drawn among those that may be asked:
neither who is audited nor anybody else can choose it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

from app.core.errors import ShardloomError
from app.core.identifiers import Serial
from app.models.shards import Shard
from app.proof.quick.on_phones import LayerQuestion, PhoneAnswer
from app.proof.stage_parts import OpenEngine, open_shard
from app.rack.blocking import BlockingPool
from app.rack.context import RackContext
from app.rack.layers.spans import SpanLoader
from app.rack.ledger_thread import LedgerThread
from app.rack.phones.fleet import Fleet
from app.rack.phones.phone import Phone
from app.rack.settlement.concluded import ConcludedAttempt
from app.rack.settlement.verifiers.asking import answer_of, files_of, needed_bytes
from app.rack.settlement.verifiers.judging import (
    JudgedAnswers,
    asked_of,
    judged_answers,
    stages_to_ask,
)
from app.rack.settlement.whole_check import CheckSettings

COMPUTED_AGAIN: Final = 0.2
"""Share of answers that this computer computes again, whatever they say."""
LIMIT_S: Final = 120.0
"""For one audit by a phone, files that it lacks included; a push goes on there the next time."""
LEFT_ALONE_S: Final = 600.0
"""How long a phone is not asked again that did not answer."""
_FRACTION: Final = 1 << 64
_log = logging.getLogger("shardloom.rack")


class PhoneVerifiers:
    """Lives on the service loop."""

    def __init__(
        self,
        context: RackContext,
        ledger_thread: LedgerThread,
        fleet: Fleet,
        loader: SpanLoader,
        settings: CheckSettings,
        busy: Callable[[], Collection[Serial]],
        private: Callable[[], bool],
    ) -> None:
        """`busy` tells which phones hold layers or are to; `private` whether texts are private."""
        self._clock, self._patience = context.clock, context.patience
        self._random_bytes = context.random_bytes
        self._ledger_thread = ledger_thread
        self._fleet, self._loader = fleet, loader
        self._settings, self._busy, self._private = settings, busy, private
        self._one_at_a_time = asyncio.Lock()
        self._silent_until_s: dict[Serial, float] = {}

    async def judged(
        self,
        attempt: ConcludedAttempt,
        store: Path,
        pool: BlockingPool,
        open_engine: OpenEngine = open_shard,
    ) -> JudgedAnswers:
        """Return the stages that passed by what phones answered, and what that is worth.

        `pool` is where audits are done.
        """
        if not self._settings.verifiers or self._private() or attempt.two_chains:
            return JudgedAnswers()
        async with self._one_at_a_time:
            answers = await self._answers(attempt, store, pool, open_engine)
        if not answers:
            return JudgedAnswers()
        again = {index for index, _answer in answers if self._chance() < COMPUTED_AGAIN}
        return await pool.run(judged_answers, attempt, store, answers, again, open_engine)

    async def _answers(
        self,
        attempt: ConcludedAttempt,
        store: Path,
        pool: BlockingPool,
        open_engine: OpenEngine,
    ) -> list[tuple[int, PhoneAnswer]]:
        answers = []
        for index in stages_to_ask(attempt):
            phones = await self._allowed(attempt, index)
            if not phones:
                continue
            question = await pool.run(asked_of, attempt, index, store, open_engine)
            if question is None:
                continue
            answer = await self._asked(phones, attempt.spans[index].shard, question)
            if answer is not None:
                answers.append((index, answer))
        return answers

    async def _allowed(self, attempt: ConcludedAttempt, index: int) -> list[Phone]:
        """Return the phones with nothing to do that the ledger lets audit a stage."""
        now_s, busy = self._clock.monotonic_s(), set(self._busy())
        idle = [
            phone.serial
            for phone in self._fleet.usable
            if phone.serial not in busy
            and phone.client is not None
            and not phone.client.lost
            and self._silent_until_s.get(phone.serial, 0.0) <= now_s
        ]
        if not idle:
            return []
        transaction = attempt.transaction
        allowed = await self._ledger_thread.run(
            lambda ledger: ledger.trust.verifiers(transaction, index, idle)
        )
        return [self._fleet.phones[serial] for serial in allowed]

    async def _asked(
        self, phones: Sequence[Phone], shard: Shard, question: LayerQuestion
    ) -> PhoneAnswer | None:
        """Return the answer of one of the phones that have room for it, drawn."""
        files = files_of(shard, question)
        needed = needed_bytes(files, question.part)
        roomy = [phone for phone in phones if _has_room(phone, needed)]
        if not roomy:
            return None
        phone = roomy[int(self._chance() * len(roomy))]
        try:
            async with self._clock.timeout(LIMIT_S * self._patience):
                return await answer_of(phone, files, question, self._loader)
        except (ShardloomError, TimeoutError) as error:
            _log.info("%s audits nothing: %s", phone.serial, error)
            self._silent_until_s[phone.serial] = self._clock.monotonic_s() + LEFT_ALONE_S
            return None

    def _chance(self) -> float:
        """Return a number from 0 to 1, without 1, that nobody can guess."""
        return (int.from_bytes(self._random_bytes(8), "big") >> 11) / (_FRACTION >> 11)


def _has_room(phone: Phone, needed_bytes: int) -> bool:
    """Tell whether a phone had so much memory left for layers when it was last looked at."""
    vitals = phone.vitals
    return vitals is None or needed_bytes <= vitals.memory_available_bytes * phone.memory_share
