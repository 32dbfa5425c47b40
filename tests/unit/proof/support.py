"""A small random model cut in three, run as phones would run it, honest or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.core.model import ModelManifest
from app.models.library import Library
from app.models.shards import span_shape
from app.proof.case import AuditCase, AuditStep
from app.proof.stage_parts import StagePart, part_shape
from tests.assignments import blocks
from tests.signing import TERMS, agreed_fields
from tests.unit.models.support import write_random
from workers.engine.engine import ShardEngine, SpanShape
from workers.engine.hidden import sent_form
from workers.engine.sampling import choices_of, choose_token
from workers.identity.answer_leaf import (
    COMMITTED_ALTERNATIVES,
    answer_leaf,
    chosen_token,
    no_answer,
)
from workers.identity.choices import choice_leaf
from workers.identity.grounds import grounds_of, probe_seed
from workers.identity.receipts import ReceiptBody
from workers.identity.transcript import NO_TOKEN, Transcript
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import UNSTEERED, SamplingRule
from workers.protocol.wire import Tensor

SPANS = ((0, 1), (2, 2), (3, 3))
TRANSACTION = "transaction"
PROMPT = (0, 17, 5, 230, 42)
GREEDY = SamplingRule()

Alteration = Callable[[int, int, Tensor], Tensor]
"""(stage, step, output) to what the stage answers and commits to instead."""


@dataclass(frozen=True)
class RingShard:
    graph: str
    graph_path: Path
    shape: SpanShape
    parts: tuple[StagePart, ...] = ()
    """Of a quantised model."""
    all_parts: tuple[StagePart, ...] = ()
    """Of a span with a head too."""
    runs: StagePart | None = None
    """What the phone runs instead."""


@dataclass(frozen=True)
class RingRun:
    """One attempt: an audit case for each stage, and the tokens the host was given."""

    cases: tuple[AuditCase, ...]
    tokens: tuple[int, ...]

    @property
    def answers(self) -> tuple[Tensor, ...]:
        """What the last stage told of each token."""
        steps = (step for step in self.cases[-1].steps if step.wants_token)
        return tuple(step.claimed for step in steps if step.claimed is not None)


def with_token(leaf: Tensor, token: int) -> Tensor:
    """Return a leaf that names another token as chosen."""
    other = leaf.copy()
    other[0, 0] = token
    return other


def build_shards(folder: Path) -> tuple[RingShard, ...]:
    library = Library(folder / "home")
    manifest = library.import_folder(write_random(folder / "checkpoint"), "tiny")
    return cut(library, manifest, SPANS)


def cut(
    library: Library, manifest: ModelManifest, spans: Sequence[tuple[int, int]]
) -> tuple[RingShard, ...]:
    shards = []
    for first, last in spans:
        shard = library.shard(manifest, blocks(manifest, first, last))
        whole = span_shape(manifest, shard, manifest.context_tokens, 2)
        parts = [
            StagePart(
                library.store.path(part.graph.sha256),
                part_shape(whole, has_embedding=part.has_embedding, has_head=part.has_head),
            )
            for part in shard.parts
        ]
        path = library.store.path(shard.graph.sha256)
        judged_by = tuple(parts) if shard.quantized else ()
        graph = str(shard.graph.sha256)
        shards.append(RingShard(graph, path, whole, judged_by, tuple(parts)))
    return tuple(shards)


def run_ring(
    shards: Sequence[RingShard],
    count: int,
    alter: Alteration = lambda _stage, _step, output: output,
    sampling: SamplingRule = GREEDY,
    boundary: Boundary = Boundary.F32,
    prompt: Sequence[int] = PROMPT,
    alter_grounds: Callable[[Tensor], Tensor] = lambda grounds: grounds,
) -> RingRun:
    """Prefill in two chunks, then generate `count` tokens."""
    ring = _Ring(shards, alter, sampling, boundary, alter_grounds)
    ring.step(0, prompt[:2], 0)
    position, tokens = 2, list[int]()
    rows: Sequence[int] = prompt[2:]
    for generated in range(1, count + 1):
        tokens.append(ring.step(position, rows, generated))
        position, rows = position + len(rows), (tokens[-1],)
    return RingRun(ring.cases(), tuple(tokens))


def told(logits: Tensor, sampling: SamplingRule, position: int) -> Tensor:
    """Return what an honest last stage commits to."""
    token = choose_token(logits, sampling, position)
    return answer_leaf(*choices_of(logits, token, COMMITTED_ALTERNATIVES))


class _Ring:
    def __init__(
        self,
        shards: Sequence[RingShard],
        alter: Alteration,
        sampling: SamplingRule,
        boundary: Boundary,
        alter_grounds: Callable[[Tensor], Tensor],
    ) -> None:
        self._alter_grounds = alter_grounds
        self._shards, self._alter, self._sampling = shards, alter, sampling
        self._boundary = boundary
        run = [shard.runs or StagePart(shard.graph_path, shard.shape) for shard in shards]
        self._engines = [ShardEngine(part.graph_path, part.shape, 1) for part in run]
        self._transcripts = [Transcript() for _ in shards]
        self._steps: list[list[AuditStep]] = [[] for _ in shards]

    def step(self, position: int, tokens: Sequence[int], generated: int) -> int:
        value: Tensor = np.array([tokens], np.int64)
        for stage in range(len(self._shards)):
            value = self._run(stage, position, value, generated)
        return chosen_token(value) if generated else NO_TOKEN

    def cases(self) -> tuple[AuditCase, ...]:
        return tuple(self._case(stage) for stage in range(len(self._shards)))

    def _run(self, stage: int, position: int, inputs: Tensor, generated: int) -> Tensor:
        engine, grounds = self._engines[stage], None
        output = engine.run(1, position, inputs)
        is_last = self._shards[stage].shape.has_head
        if is_last:
            total = position + inputs.shape[1]
            if generated and not engine.shape.answer_size:
                row = None if engine.final_rows is None else engine.final_rows[0]
                seed = probe_seed(TRANSACTION, TERMS.head)
                grounds = self._alter_grounds(grounds_of(output[0], row, seed, total))
            output = told(output[0], self._sampling, total) if generated else no_answer()
        else:
            output = sent_form(output, self._boundary)
        steps = self._steps[stage]
        output = self._alter(stage, len(steps), output)
        choice = choice_leaf(UNSTEERED if generated else None) if is_last else None
        self._transcripts[stage].record(position, inputs, output, choice, grounds)
        step = AuditStep(position, inputs, bool(generated), generated, output, grounds=grounds)
        steps.append(step)
        return output

    def _case(self, stage: int) -> AuditCase:
        shard, seal = self._shards[stage], self._transcripts[stage].seal()
        roots = {"choices": seal.choices_root.hex(), "grounds": seal.grounds_root.hex()}
        receipt = ReceiptBody(
            transaction=TRANSACTION,
            stage=stage,
            serial=f"phone-{stage}",
            span="span",
            graph=shard.graph,
            blocks=shard.shape.blocks,
            input_root=seal.input_root.hex(),
            output_root=seal.output_root.hex(),
            steps=seal.steps,
            tokens=seal.tokens,
            sequence=1,
            numerical_class="class",
            **(agreed_fields() | roots),
        )
        steps = tuple(self._steps[stage])
        return AuditCase(
            receipt,
            steps,
            shard.graph_path,
            shard.shape,
            self._sampling,
            threads=1,
            boundary=self._boundary,
            parts=shard.parts,
            all_parts=shard.all_parts,
        )
