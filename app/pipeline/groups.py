"""Fixed groups of slots whose sequences decode together, so that weights are read once for all.

Each group owns neighbouring slots and one step of it is on its way at a time; with at least one
group per stage every stage has work. The ring decodes as many tokens ahead as every member allows,
so that they meet again. Sending whatever happens to wait instead makes all sequences
travel as one convoy that keeps a single stage busy.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.core.identifiers import TransactionId
from app.core.nursery import Nursery
from app.pipeline.worker_client import WorkerClient
from workers.protocol.step_message import StepRow


@dataclass(frozen=True)
class ComputeAndHop:
    """How long a stage computes one step, and its outgoing hop."""

    compute_s: float
    hop_s: float


def group_count(stages: Sequence[ComputeAndHop], slots: int) -> int:
    """Return how many groups keep every stage busy while others' steps travel.

    Stages x (1 + mean hop / mean compute), at least one for each stage, at most one for each slot.
    """
    compute_s = sum(stage.compute_s for stage in stages)
    hop_s = sum(stage.hop_s for stage in stages)
    wanted = len(stages) * (1 + hop_s / compute_s) if compute_s > 0 else len(stages)
    return min(max(len(stages), math.ceil(wanted)), slots)


@dataclass
class _WaitingRow:
    row: StepRow
    tokens: tuple[int, ...]
    """The certain one, and drafts behind it."""
    sent: Callable[[], None]
    done: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class DecodeGroup:
    """Sends its members' rows as one step once all of them have one. Lives on the service loop."""

    def __init__(self, first_stage: WorkerClient, nursery: Nursery) -> None:
        self._first_stage = first_stage
        self._nursery = nursery
        self._members: set[TransactionId] = set()
        self._waiting: dict[TransactionId, _WaitingRow] = {}

    @property
    def size(self) -> int:
        """How many decode together now."""
        return len(self._members)

    def join(self, transaction: TransactionId) -> None:
        """Count on rows of this transaction from the next step on."""
        self._members.add(transaction)

    def leave(self, transaction: TransactionId) -> None:
        """Go on without this transaction; one that is no member changes nothing."""
        self._members.discard(transaction)
        self._waiting.pop(transaction, None)
        if self._complete:
            self._nursery.start_soon(self._send_all(), "step of a group that one left")

    async def send(
        self,
        transaction: TransactionId,
        row: StepRow,
        tokens: tuple[int, ...],
        sent: Callable[[], None],
    ) -> None:
        """Return once the row is on its way; `sent` is called at that moment, if it comes.

        Behind the token are drafts, which are left out where other rows go with it.
        """
        waiting = _WaitingRow(row, tokens, sent)
        self._waiting[transaction] = waiting
        if self._complete:
            await self._send_all()
            return
        try:
            await waiting.done
        except asyncio.CancelledError:
            if self._waiting.get(transaction) is waiting:
                self.leave(transaction)
            raise

    @property
    def _complete(self) -> bool:
        return bool(self._waiting) and self._waiting.keys() == self._members

    async def _send_all(self) -> None:
        rows = list(self._waiting.values())
        self._waiting.clear()
        if not rows:
            return
        together = len(rows) > 1
        texts = [waiting.tokens[:1] if together else waiting.tokens for waiting in rows]
        tokens = np.array(texts, dtype="<i8")
        ahead = min(waiting.row.ahead for waiting in rows)
        for waiting in rows:
            waiting.sent()
        try:
            drafts = tokens.shape[1] - 1
            sent = [waiting.row._replace(ahead=ahead, drafts=drafts) for waiting in rows]
            await self._first_stage.send_step(sent, tokens)
        finally:
            for waiting in rows:
                if not waiting.done.done():
                    waiting.done.set_result(None)
