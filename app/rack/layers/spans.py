"""Putting an assignment on the phones: weight files, spans, slots; and taking old ones off."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event

from app.core.assignment import Assignment, StageAssignment
from app.core.errors import PhoneLostError, ShardloomError, WorkerError, reason_of
from app.core.identifiers import Serial
from app.core.model import Blob, ModelManifest
from app.models.library import Library
from app.models.shards import Shard, span_shape
from app.pipeline.failures import StageFailedError
from app.pipeline.slots import SlotPool
from app.pipeline.stage import Stage
from app.pipeline.step_limits import StepPace
from app.pipeline.worker_client import WorkerClient
from app.rack.context import RackContext
from app.rack.layers.stage_meter import StageMeter
from app.rack.phones.phone import Phone
from app.rack.phones.preparation import WORKER_THREADS
from app.rack.phones.transfer_meter import TransferMeter
from app.rack.snapshot import Cargo
from workers.protocol.commands import Admit, Load, StoredFile, Unload
from workers.protocol.span_shape import SpanShape

LOAD_TIMEOUT_S = 60.0


class PushCancelledError(ShardloomError):
    """Somebody changed their mind while weights were on their way."""


@dataclass(frozen=True)
class SpanOnPhone:
    """A span on a phone, and what the host needs to re-execute it."""

    stage: Stage
    shard: Shard
    shape: SpanShape


@dataclass
class Applied:
    """An assignment that is really on the phones, and its slots."""

    model: ModelManifest
    assignment: Assignment
    spans: tuple[SpanOnPhone, ...]
    slots: SlotPool
    pace: StepPace
    retired: bool = False
    expected_s: Mapping[Serial, float] = field(default_factory=dict)
    """What a token is to take each phone by its own profile."""
    meter: StageMeter = field(default_factory=StageMeter)
    """What it took lately."""
    closed: bool = False
    """Whether the last phone feeds the first without this computer in between."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Stages in ring order."""
        return tuple(span.stage for span in self.spans)

    @property
    def decoding_s(self) -> Mapping[Serial, float]:
        """What a token is to take each phone that computes it: before a decoder none does."""
        before = {
            span.stage.serial for span in self.spans if span.shape.encodes or span.shape.looks
        }
        return {phone: each_s for phone, each_s in self.expected_s.items() if phone not in before}


class SpanLoader:
    """Loads and unloads spans. Lives on the service loop."""

    def __init__(
        self, context: RackContext, library: Library, context_tokens: int, slots: int
    ) -> None:
        self._library = library
        self._pool = context.pool
        self._context_tokens = context_tokens
        self._slots = slots
        self._clock = context.clock
        self._changed = context.changed
        self._nursery = context.nursery
        self._numbers = itertools.count(1)

    async def load(
        self,
        model: ModelManifest,
        assignment: Assignment,
        phones: Mapping[Serial, Phone],
        groups: int,
        pace: StepPace,
    ) -> Applied:
        """Put an assignment on its phones. Cancelled, it leaves them as they were.

        Raises `StageFailedError` for the first phone that cannot take its part; what the others
        loaded is unloaded again.
        """
        keys = _curve_keys(phones.values())
        cancelled = Event()
        tasks = [
            self._nursery.start(
                self._load_stage(model, stage, phones[stage.serial], keys, cancelled),
                f"loading of {stage.serial}",
            )
            for stage in assignment.stages
        ]
        try:
            await asyncio.wait(tasks)
        except asyncio.CancelledError:
            cancelled.set()
            for task in tasks:
                task.cancel()
            await self._unload_all(await asyncio.gather(*tasks, return_exceptions=True))
            raise
        results = await asyncio.gather(*tasks, return_exceptions=True)
        spans = [result for result in results if isinstance(result, SpanOnPhone)]
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            await self._unload_all(results)
            raise failures[0]
        slots = SlotPool(self._slots, groups, spans[0].stage.client, self._nursery)
        return Applied(model, assignment, tuple(spans), slots, pace)

    async def reload(self, applied: Applied, phones: Mapping[Serial, Phone]) -> list[Serial]:
        """Load spans again on workers that are new; the others learn the new workers' keys.

        Returns whose workers were new. Raises `StageFailedError` for the first phone that cannot
        take its part; what others loaded stays loaded.
        """
        keys, before = _curve_keys(phones.values()), applied.spans
        results = await asyncio.gather(
            *(
                self._renew(applied.model, span, stage, phones[stage.serial], keys)
                for span, stage in zip(before, applied.assignment.stages, strict=True)
            ),
            return_exceptions=True,
        )
        failures = [result for result in results if isinstance(result, BaseException)]
        applied.spans = tuple(
            result if isinstance(result, SpanOnPhone) else span
            for span, result in zip(before, results, strict=True)
        )
        applied.slots.renew(applied.spans[0].stage.client)
        if failures:
            raise failures[0]
        pairs = zip(before, applied.spans, strict=True)
        return [now.stage.serial for span, now in pairs if now is not span]

    async def _renew(
        self,
        model: ModelManifest,
        span: SpanOnPhone,
        stage: StageAssignment,
        phone: Phone,
        keys: list[str],
    ) -> SpanOnPhone:
        if not _goes_on(phone, span.stage):
            return await self._load_stage(model, stage, phone, keys, Event())
        client = _worker(phone)
        try:
            await client.call(Admit(tuple(keys)))
        except ShardloomError as error:
            raise StageFailedError(
                "stage.admits_nobody", phone=phone.serial, reason=reason_of(error)
            ) from None
        phone.worker.kept_spans.discard(span.stage.span)
        same = client is span.stage.client
        return span if same else replace(span, stage=Stage(client, span.stage.span))

    async def drop_kept(self, phone: Phone) -> None:
        """Unload what a worker kept while the phone was away and nobody asked for again."""
        kept, phone.worker.kept_spans = phone.worker.kept_spans, set()
        if phone.client is not None:
            client = phone.client
            await asyncio.gather(*(self._unload(Stage(client, span)) for span in kept))

    async def retire(self, applied: Applied) -> None:
        """Unload an assignment once nobody uses it any more."""
        applied.retired = True
        await applied.slots.wait_until_unused()
        await asyncio.gather(*(self._unload(span.stage) for span in applied.spans))

    async def _load_stage(
        self,
        model: ModelManifest,
        stage: StageAssignment,
        phone: Phone,
        keys: list[str],
        cancelled: Event,
    ) -> SpanOnPhone:
        try:
            shard = await self._pool.run(self._library.shard, model, stage.span)
            await self.store(phone, (*shard.blobs, shard.graph), cancelled)
            return await self._load_on_worker(model, shard, phone, keys)
        except StageFailedError:
            raise
        except ShardloomError as error:
            raise StageFailedError(
                "stage.cannot_hold_layers", phone=phone.serial, reason=reason_of(error)
            ) from None

    async def store(self, phone: Phone, wanted: Sequence[Blob], cancelled: Event) -> None:
        """Push the files that a phone lacks, until `cancelled` is set. Raises `ShardloomError`."""
        try:
            await self._push(phone, wanted, cancelled)
        finally:
            phone.transfer = None
            self._changed()

    async def _push(self, phone: Phone, wanted: Sequence[Blob], cancelled: Event) -> None:
        deployer = phone.connection.deployer
        if deployer is None:
            raise PhoneLostError("phone.not_connected", phone=phone.name)
        async with phone.connection.lock:
            missing = await self._pool.run(deployer.missing, wanted)
            done = 0
            meter = TransferMeter(Cargo.WEIGHTS, self._clock)
            total = sum(blob.size_bytes for blob in missing)
            for blob in missing:
                await self._pool.run_to_its_end(
                    deployer.push_blob,
                    self._library.store.path(blob.sha256),
                    blob,
                    self._progress(phone, meter, done, total, cancelled),
                )
                done += blob.size_bytes
        phone.connection.stored.update(blob.sha256 for blob in wanted)

    def _progress(
        self, phone: Phone, meter: TransferMeter, before: int, total: int, cancelled: Event
    ) -> Callable[[int, int], None]:
        def report(done_bytes: int, _total_bytes: int) -> None:
            if cancelled.is_set():
                raise PushCancelledError("layers.push_cancelled")
            phone.transfer = meter.measure(before + done_bytes, total)
            self._changed()

        return report

    async def _load_on_worker(
        self, model: ModelManifest, shard: Shard, phone: Phone, keys: list[str]
    ) -> SpanOnPhone:
        client = _worker(phone)
        await self.drop_kept(phone)
        shape = span_shape(model, shard, self._context_tokens, self._slots)
        blocks = shard.blocks
        span = f"{model.name}-{blocks.first}-{blocks.last}-{next(self._numbers)}"
        await client.call(Admit(tuple(keys)))
        files = tuple(StoredFile(blob.sha256, blob.size_bytes) for blob in shard.blobs)
        await client.call(
            Load(span, shard.graph.sha256, files, WORKER_THREADS, shape), LOAD_TIMEOUT_S
        )
        return SpanOnPhone(Stage(client, span), shard, shape)

    async def _unload_all(self, results: Sequence[object]) -> None:
        spans = [result for result in results if isinstance(result, SpanOnPhone)]
        await asyncio.gather(*(self._unload(span.stage) for span in spans))

    async def _unload(self, stage: Stage) -> None:
        if stage.client.lost:
            return
        try:
            await stage.client.call(Unload(stage.span))
        except (PhoneLostError, WorkerError):
            return


def _worker(phone: Phone) -> WorkerClient:
    if phone.client is None:
        raise PhoneLostError("phone.no_worker", phone=phone.name)
    return phone.client


def _goes_on(phone: Phone, stage: Stage) -> bool:
    """Tell whether a phone's worker is still the stage's, perhaps through a new connection."""
    client = phone.client
    if client is None or client is stage.client:
        return client is stage.client
    same = client.address.public_key == stage.client.address.public_key  # drawn at its launch
    return same and stage.span in phone.worker.kept_spans


def _curve_keys(phones: Iterable[Phone]) -> list[str]:
    """Return the public keys of the workers now running."""
    return [phone.client.address.public_key for phone in phones if phone.client is not None]
