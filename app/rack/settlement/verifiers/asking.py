"""How an idle phone is asked to put rows through layers: files, a span of its own, its answer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from threading import Event
from typing import Final

import numpy as np

from app.core.errors import PhoneLostError, WorkerError
from app.core.model import Blob
from app.models.shards import Shard
from app.proof.quick.on_phones import LayerQuestion, PhoneAnswer
from app.proof.stage_parts import StagePart
from app.rack.layers.spans import LOAD_TIMEOUT_S, SpanLoader
from app.rack.phones.phone import Phone
from app.rack.phones.preparation import WORKER_THREADS
from workers.protocol.commands import Load, StoredFile, Unload
from workers.protocol.replay_commands import MAXIMUM_RECOMPUTED_ROWS, Recompute
from workers.protocol.wire import Tensor

ROWS_TIMEOUT_S: Final = 60.0
UNLOAD_TIMEOUT_S: Final = 5.0
_NUMBERS: Final = itertools.count(1)


def files_of(shard: Shard, question: LayerQuestion) -> tuple[Blob, ...]:
    """Return the graph that is asked about, then the weights that it takes."""
    graphs = (shard.graph, *(part.graph for part in shard.parts))
    name = question.part.graph_path.name
    graph = next(each for each in graphs if each.sha256 == name)
    return (graph, *(blob for blob in shard.blobs if blob.sha256 in question.files))


def needed_bytes(files: Sequence[Blob], part: StagePart) -> int:
    """Return how much memory a phone has to have for it."""
    return sum(blob.size_bytes for blob in files) + part.shape.kv_bytes


async def answer_of(
    phone: Phone, files: Sequence[Blob], question: LayerQuestion, loader: SpanLoader
) -> PhoneAnswer:
    """Return what a phone makes of the rows; it keeps the files and nothing else.

    Raises `ShardloomError` where it cannot, or answers what is no such rows.
    """
    cancelled = Event()
    try:
        await loader.store(phone, files, cancelled)
    finally:
        cancelled.set()
    client = phone.client
    if client is None:
        raise PhoneLostError("phone.no_worker", phone=phone.name)
    graph, *weights = files
    span = f"audit-{next(_NUMBERS)}"
    stored = tuple(StoredFile(blob.sha256, blob.size_bytes) for blob in weights)
    load = Load(span, graph.sha256, stored, WORKER_THREADS, question.part.shape)
    try:
        await client.call(load, LOAD_TIMEOUT_S)
        rows = []
        for position, some in _pieces(question.rows):
            reply = await client.call(Recompute(span, position, (some,)), ROWS_TIMEOUT_S)
            rows.append(_checked(phone, question, some, reply.tensors))
    finally:
        with suppress(PhoneLostError, WorkerError):
            await client.call(Unload(span), UNLOAD_TIMEOUT_S)
    return PhoneAnswer(phone.serial, question, np.concatenate(rows, axis=1))


def _pieces(rows: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield rows with where they begin, as many as one message takes."""
    for start in range(0, rows.shape[1], MAXIMUM_RECOMPUTED_ROWS):
        yield start, np.ascontiguousarray(rows[:, start : start + MAXIMUM_RECOMPUTED_ROWS])


def _checked(
    phone: Phone, question: LayerQuestion, asked: Tensor, answered: Sequence[Tensor]
) -> Tensor:
    """Return the rows in an answer. Raises `WorkerError` for anything else."""
    shape = (1, asked.shape[1], question.part.shape.hidden_size)
    if len(answered) != 1 or answered[0].shape != shape or answered[0].dtype != np.float32:
        raise WorkerError("worker.other_rows", phone=phone.serial)
    return answered[0]
