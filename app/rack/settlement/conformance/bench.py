"""One phone under examination: spans of the demo model on it, and transactions tried on them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from app.core.clock import Clock
from app.core.errors import ShardloomError, WorkerError
from app.core.identifiers import Serial, TransactionId
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.shards import Shard, span_shape
from app.pipeline.mailbox import Mailbox
from app.pipeline.ring_messages import StepAnswer
from app.pipeline.worker_client import WorkerClient
from app.proof.stage_parts import open_shard
from app.rack.blocking import BlockingPool
from workers.identity.answer_leaf import COMMITTED_ALTERNATIVES
from workers.protocol.boundary import Boundary
from workers.protocol.chain import Span
from workers.protocol.commands import (
    Close,
    Hello,
    Load,
    Open,
    Resumption,
    SignedTerms,
    StoredFile,
    Unload,
)
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.span_shape import SpanShape
from workers.protocol.step_message import StepRow
from workers.protocol.told import Broken
from workers.protocol.wire import Tensor

CONTEXT_TOKENS: Final = 32
SLOTS: Final = 1
STEP_LIMIT_S: Final = 20.0
LOAD_LIMIT_S: Final = 60.0
CANARY_TOKENS: Final = 7
_SUBJECT: Final = hashlib.sha256(b"poip/v1/canary\0").hexdigest()


class RuleBrokenError(ShardloomError):
    """A phone did otherwise than a rule of the standard says."""


@dataclass(frozen=True)
class CanaryPart:
    """A span of the canary's model, as the phone loads it and this computer runs it."""

    name: str
    shard: Shard
    shape: SpanShape


@dataclass(frozen=True)
class CanaryWork:
    """What every phone is given: the whole model, its second half, and what goes into each.

    `tokens` are `i8 [1, tokens]`, `rows` what the first half makes of them, `f4 [1, tokens,
    hidden]`.
    """

    model: ModelManifest
    store: Path
    whole: CanaryPart
    half: CanaryPart
    tokens: Tensor
    rows: Tensor

    @classmethod
    def of(cls, library: Library, model: ModelManifest, threads: int) -> CanaryWork:
        """Return the work that a model makes; blocking. Raises `ShardloomError`."""
        (chain,), store = model.chains, library.store.folder
        middle = chain.block_count // 2

        def part(first: int, end: int) -> CanaryPart:
            shard = library.shard(model, Span(chain.name, first, end))
            shape = span_shape(model, shard, CONTEXT_TOKENS, SLOTS)
            return CanaryPart(f"canary-{first}-{end}", shard, shape)

        front, half = part(0, middle), part(middle, chain.block_count)
        step = model.vocabulary_size // (CANARY_TOKENS + 1)
        tokens = np.arange(1, CANARY_TOKENS + 1, dtype=np.int64)[None] * step
        rows = open_shard(store / front.shard.graph.sha256, front.shape, threads).run(0, 0, tokens)
        return cls(model, store, part(0, chain.block_count), half, tokens, rows)


@dataclass(frozen=True)
class PhoneBench:
    """How the phone under examination is reached, and by whom it is known."""

    client: WorkerClient
    serial: Serial
    public_key: bytes
    numerical_class: str
    """What the phone is registered with."""
    host_key: bytes
    transport_key: str
    """The CURVE key of this computer, by which it passes for the stage before."""
    work: CanaryWork
    audits: BlockingPool
    clock: Clock
    threads: int
    random_bytes: Callable[[int], bytes]

    @property
    def terms(self) -> SignedTerms:
        """What a canary says that it is about: no request, no entry of the journal."""
        return SignedTerms(_SUBJECT, _SUBJECT, self.host_key.hex(), 1, _SUBJECT)

    def hello(self, nonce: bytes | None = None) -> Hello:
        """Return a greeting, with a nonce of its own where none is given."""
        fresh = Hello.anew(self.host_key, self.random_bytes)
        return fresh if nonce is None else Hello(fresh.protocol, nonce, fresh.host_key)

    def transaction(self) -> TransactionId:
        """Return a name that no transaction has had."""
        return TransactionId(f"canary-{self.random_bytes(8).hex()}")

    async def load(self, part: CanaryPart) -> int:
        """Load a span and return how large its cache is. Raises `WorkerError`."""
        blobs = tuple(StoredFile(each.sha256, each.size_bytes) for each in part.shard.blobs)
        load = Load(part.name, part.shard.graph.sha256, blobs, self.threads, part.shape)
        return (await self.client.call(load, LOAD_LIMIT_S)).kv_bytes

    async def unload_all(self) -> None:
        """Let go of what was loaded, where it was."""
        for part in (self.work.whole, self.work.half):
            if not self.client.lost:
                with suppress(ShardloomError):
                    await self.client.call(Unload(part.name))

    def opening(
        self,
        part: CanaryPart,
        transaction: TransactionId,
        boundary: Boundary = Boundary.F32,
        resume: Resumption | None = None,
    ) -> Open:
        """Return the command that opens a transaction on a span, which ends with the head."""
        return Open(
            transaction=transaction,
            span=part.name,
            stage=0 if part.shape.has_embedding else 1,
            slot=0,
            sampling=SamplingRule(),
            alternatives=COMMITTED_ALTERNATIVES,
            boundary=boundary,
            next=None,
            first=None,
            end_tokens=(),
            previous=None if part.shape.has_embedding else self.transport_key,
            resume=resume,
            terms=self.terms,
        )

    @asynccontextmanager
    async def opened(
        self,
        part: CanaryPart,
        boundary: Boundary = Boundary.F32,
        resume: Resumption | None = None,
        kept_steps: int = 0,
    ) -> AsyncIterator[CanaryTransaction]:
        """Hold a transaction open for the length of a block. Raises `WorkerError`."""
        name = self.transaction()
        told = await self.client.call(self.opening(part, name, boundary, resume))
        if told.resumed != (resume is not None):
            raise RuleBrokenError("rule.rows_not_kept")
        under_way = CanaryTransaction(self, name, told.nonce)
        self.client.listen_to(name, under_way.mailbox)
        try:
            yield under_way
        finally:
            self.client.forget(name)
            if not self.client.lost:
                with suppress(ShardloomError):
                    await self.client.call(Close(name, kept_steps))


class CanaryTransaction:
    """A transaction on the phone and what it answers."""

    def __init__(self, bench: PhoneBench, name: TransactionId, nonce: bytes) -> None:
        self.name, self.nonce = name, nonce
        self.mailbox = Mailbox(bench.clock)
        self._client = bench.client
        self._limit_s = STEP_LIMIT_S * bench.client.patience

    async def step(self, number: int, position: int, inputs: Tensor, generated: int) -> StepAnswer:
        """Return what the phone answers to a step. Raises `RuleBrokenError`, `WorkerError`."""
        told = await self._sent(number, position, inputs, generated)
        if isinstance(told, Broken):
            raise WorkerError("rule.step_refused", code=told.code or told.reason)
        row = told.row
        if (row.step, row.generated, row.token is None) != (number, generated, not generated):
            raise RuleBrokenError("rule.another_step")
        return told

    async def refuses(self, inputs: Tensor) -> bool:
        """Tell whether the phone says that it cannot do a first step."""
        return isinstance(await self._sent(0, 0, inputs, 1), Broken)

    async def _sent(
        self, number: int, position: int, inputs: Tensor, generated: int
    ) -> StepAnswer | Broken:
        row = StepRow(self.name, number, position, generated > 0, generated)
        await self._client.send_step([row], inputs)
        letter = await self.mailbox.next(self._limit_s)
        if letter is None:
            raise RuleBrokenError("rule.no_answer", limit=self._limit_s)
        return letter.message
