"""Decoding speed of shards: the model whole in one session against stages on loopback."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil

from app.benchmarks.stages.bare_ring import BareRing, bare_ring
from app.benchmarks.stages.decode_tables import (
    FULL_RATE_GAIN,
    DecodeFigures,
    StageMemory,
    tables,
)
from app.benchmarks.stages.even_seams import even_seams
from app.benchmarks.stages.loopback_ring import LoopbackStage, loopback_ring
from app.benchmarks.stages.random_model import LlamaSize, write_random_llama
from app.benchmarks.stages.streams import PROMPT, decode_streams
from app.benchmarks.stages.whole_process import WholeProcess, whole_process
from app.command_line.output.report import BenchmarkReport
from app.core.errors import PhoneLostError, ShardloomError
from app.core.facts import Fact
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.pipeline.worker_client import Pulse, WorkerClient
from workers.protocol.commands import Measure
from workers.protocol.step_message import StepRow, TraceEntry, step_frame

SMALL = LlamaSize(layers=4, hidden_size=256, inner_size=512, heads=4, vocabulary_size=2_048)
"""Fits the processor's caches together with the programs, so that hops are measured warm."""
FORMS = (Quantization.F32, Quantization.Q8, Quantization.Q4)
STAGE_COUNTS = (2, 4)
STREAM_COUNTS = (1, 2, 4, 8, 16)
TOKENS = 64
CONTEXT_TOKENS = 256
HOME = "home"
_PULSE_POLL_S = 0.05


def measure(rounds: int, size: LlamaSize | None = None) -> BenchmarkReport:
    """Measure every quantisation; raises `ShardloomError` where variants differ in their tokens."""
    with tempfile.TemporaryDirectory(prefix="shardloom-bench-") as name:
        folder = Path(name)
        source = write_random_llama(folder / "checkpoint", size or LlamaSize())
        small = write_random_llama(folder / "small", SMALL)
        library = Library(folder / HOME)
        models = [library.import_folder(source, each, each) for each in FORMS]
        models.append(library.import_folder(small, "small", "f32"))
        found = [asyncio.run(_measure_model(folder, library, model, rounds)) for model in models]
    figures = {"models": [asdict(each) for each in found]}
    explanation = Fact("bench.decode", rounds=rounds, tokens=TOKENS, full_rate_gain=FULL_RATE_GAIN)
    return BenchmarkReport("Decode", explanation, tables(found), figures)


async def _measure_model(
    folder: Path, library: Library, model: ModelManifest, rounds: int
) -> DecodeFigures:
    async with AsyncExitStack() as stack:
        rings = {
            count: await stack.enter_async_context(
                loopback_ring(
                    folder / f"{model.name}-{count}",
                    library,
                    model,
                    even_seams(model, count),
                    slots=max(STREAM_COUNTS),
                    context_tokens=CONTEXT_TOKENS,
                )
            )
            for count in STAGE_COUNTS
        }
        seams = even_seams(model, STAGE_COUNTS[0])
        bare = stack.enter_context(bare_ring(library, model, seams, CONTEXT_TOKENS))
        whole = stack.enter_context(whole_process(folder / HOME, model.name))
        stack.enter_context(_giving_way())
        warm_up, figures = _figures(model), _figures(model)
        await _round(warm_up, whole, bare, rings)
        for _number in range(rounds):
            await _round(figures, whole, bare, rings)
        figures.memory = await _memory(rings[STAGE_COUNTS[0]])
    return figures


@contextmanager
def _giving_way() -> Iterator[None]:
    """Let no thread of this process interrupt a stage: in a rack it has a computer of its own."""
    _schedule(os.SCHED_BATCH)
    try:
        yield
    finally:
        _schedule(os.SCHED_OTHER)


def _schedule(policy: int) -> None:
    for thread in psutil.Process().threads():
        os.sched_setscheduler(thread.id, policy, os.sched_param(0))


async def _round(
    figures: DecodeFigures,
    whole: WholeProcess,
    bare: BareRing,
    rings: Mapping[int, tuple[LoopbackStage, ...]],
) -> None:
    tokens, rate = whole.decode(PROMPT, TOKENS)
    figures.whole_rates.append(rate)
    bare_tokens, bare_rate = bare.decode(PROMPT, TOKENS)
    figures.bare_rates.append(bare_rate)
    if bare_tokens != tokens:
        raise ShardloomError("bench.bare_stages_differ")
    bare_tokens_of_two, bare_rate_of_two = bare.decode_two(PROMPT, TOKENS)
    figures.bare_rates_of_two.append(bare_rate_of_two)
    if bare_tokens_of_two != {tokens}:
        raise ShardloomError("bench.bare_streams_differ")
    for count, ring in rings.items():
        decoded = await decode_streams(ring, 1, TOKENS)
        if decoded.tokens != {tokens}:
            raise ShardloomError("bench.stages_differ", stages=count)
        figures.add_stages(count, decoded)
    ring = rings[STAGE_COUNTS[0]]
    await _measure_reading(figures, [each.stage.client for each in ring])
    for streams in STREAM_COUNTS:
        decoded = await decode_streams(ring, streams, TOKENS)
        figures.stream_rates.setdefault(streams, []).append(decoded.tokens_per_second)


async def _measure_reading(figures: DecodeFigures, clients: Sequence[WorkerClient]) -> None:
    """Measure how fast one stage reads weights, and all of them at once."""
    alone = await _bytes_per_second(clients[0])
    together = await asyncio.gather(*map(_bytes_per_second, clients))
    figures.bytes_per_second.append(alone)
    figures.reading_gains.append(sum(together) / alone)


async def _bytes_per_second(client: WorkerClient) -> float:
    return (await client.call(Measure())).weight_bytes_per_second


def _figures(model: ModelManifest) -> DecodeFigures:
    weight_bytes = sum(block.weight_bytes for block in model.blocks)
    return DecodeFigures(model.name, weight_bytes, _hop_bytes(model))


def _hop_bytes(model: ModelManifest) -> int:
    """Return what one token puts on the wire between two stages, without encryption."""
    rows = [StepRow("bench-1", 1, len(PROMPT), wants_token=True, generated=2)]
    hidden = np.zeros((1, 1, model.hidden_size), np.float32)
    return len(step_frame(rows, [TraceEntry(0, 1000, 100, 1000)], hidden))


async def _memory(ring: Sequence[LoopbackStage]) -> list[StageMemory]:
    return [
        StageMemory(
            (await _next_pulse(each.stage.client)).resident_bytes,
            each.weight_bytes,
            each.shape.kv_bytes,
        )
        for each in ring
    ]


async def _next_pulse(client: WorkerClient) -> Pulse:
    """Wait for a worker's next heartbeat: the newest may be from the middle of a measurement.

    Raises `PhoneLostError`.
    """
    newest = client.pulse
    while client.pulse is None or client.pulse is newest:
        if client.lost:
            raise PhoneLostError("bench.no_heartbeats", phone=client.serial)
        await asyncio.sleep(_PULSE_POLL_S)
    return client.pulse
