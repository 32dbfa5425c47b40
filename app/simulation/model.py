"""A model that is pure arithmetic: exact, dependent on the whole text, the same on every machine.

Each layer mixes what it is given with what it kept of the positions before, modulo a prime, so
that a wrong, missing or repeated row changes every token after it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import numpy as np

from app.core.identifiers import BlobHash
from app.core.model import Blob, Block, BlockKind, ModelManifest
from app.models.library import Library
from app.models.shards import Shard
from workers.engine.bound_rows import input_type
from workers.engine.engine import ShardEngine
from workers.engine.sampling import choose_token
from workers.protocol.chain import ChainName, Span
from workers.protocol.sampling_rule import SamplingRule
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor

LAYERS: Final = 6
HIDDEN_SIZE: Final = 4
VOCABULARY_SIZE: Final = 64
CONTEXT_TOKENS: Final = 96
END_TOKEN: Final = 0
LAYER_BYTES: Final = 1_000_000
_PRIME: Final = 251
_SPREAD: Final = np.array([7, 11, 13, 17], np.int64)


class ArithmeticEngine(ShardEngine):
    """A `ShardEngine` that computes with integers; slots, positions and rows are checked alike."""

    def __init__(self, _graph_path: Path, shape: SpanShape, _threads: int) -> None:
        self.shape = shape
        self.last_run_us = 0
        self._takes_batches = False
        self._input_type = input_type(shape)
        self._filled = [0] * shape.slots
        sizes = (shape.slots, shape.context_tokens, max(shape.layer_count, 1), HIDDEN_SIZE)
        self._kept = np.zeros(sizes, np.int64)

    @property
    def kv_bytes(self) -> int:
        """Size of what is kept of all positions."""
        return self._kept.nbytes

    def _run_chunk(self, slot: int, total: int, rows: Tensor) -> Tensor:
        first = total - rows.shape[1]
        outputs = [self._row(slot, first + index, row) for index, row in enumerate(rows[0])]
        if self.shape.has_head:
            return _logits(outputs[-1])
        return np.array([outputs], np.float32)

    def _run_bound(self, first: int, positions: tuple[int, ...], rows: Tensor) -> Tensor:  # type: ignore[override]
        return self._run_chunk(first, positions[0] + 1, rows)

    def _copy_rows(self, source: int, target: int, rows: int) -> None:
        self._kept[target, :rows] = self._kept[source, :rows]

    def _row(self, slot: int, position: int, row: Tensor) -> Tensor:
        """Return what the span makes of one token or hidden state."""
        hidden: Tensor = row.astype(np.int64)
        if self.shape.has_embedding:
            hidden = (int(row) * _SPREAD + _SPREAD[::-1]) % _PRIME
        kept = self._kept[slot]
        for layer in range(self.shape.layer_count):
            before = kept[position - 1, layer] if position else 0
            number = self.shape.blocks.first + layer + position
            kept[position, layer] = (3 * before + 5 * hidden + number) % _PRIME
            hidden = (hidden[::-1] + kept[position, layer]) % _PRIME
        return hidden


def _logits(hidden: Tensor) -> Tensor:
    likeliest = int((hidden * _SPREAD).sum()) % VOCABULARY_SIZE
    return -((np.arange(VOCABULARY_SIZE) - likeliest) % VOCABULARY_SIZE)[None].astype(np.float32)


class ArithmeticLibrary(Library):
    """Has the one model; its graphs say their layers, its weights are names alone."""

    def shard(self, manifest: ModelManifest, first_layer: int, last_layer: int) -> Shard:
        """Return the span of layers."""
        return Shard(
            graph=self.store.put_bytes(f"graph {first_layer}-{last_layer}".encode()),
            blobs=manifest.blobs_of(first_layer, last_layer),
            first_layer=first_layer,
            last_layer=last_layer,
            has_embedding=first_layer == 0,
            has_head=last_layer == LAYERS - 1,
        )


def manifest() -> ModelManifest:
    """Return the model as the rack sees it."""
    kinds = (BlockKind.EMBEDDING, *[BlockKind.LAYER] * LAYERS, BlockKind.HEAD)
    blocks = tuple(
        Block(index, kind, (_blob(f"block {index}", LAYER_BYTES),), LAYER_BYTES, 1_000, 64)
        for index, kind in enumerate(kinds)
    )
    return ModelManifest(
        name="arithmetic",
        family="arithmetic",
        quantization="f32",
        hidden_size=HIDDEN_SIZE,
        vocabulary_size=VOCABULARY_SIZE,
        context_tokens=CONTEXT_TOKENS,
        attention_heads=1,
        kv_heads=1,
        head_size=HIDDEN_SIZE,
        begin_token=None,
        end_tokens=(END_TOKEN,),
        blocks=blocks,
        tokenizer=None,
    )


def undisturbed(prompt: tuple[int, ...], tokens: int, sampling: SamplingRule) -> tuple[int, ...]:
    """Return what one machine alone goes on with after a prompt, up to an end token."""
    shape = SpanShape(
        blocks=Span(ChainName.DECODER, 0, LAYERS),
        has_embedding=True,
        has_head=True,
        hidden_size=HIDDEN_SIZE,
        vocabulary_size=VOCABULARY_SIZE,
        kv_heads=1,
        head_size=HIDDEN_SIZE,
        context_tokens=CONTEXT_TOKENS,
        slots=1,
    )
    engine = ArithmeticEngine(Path(), shape, 1)
    answer: list[int] = []
    position, rows = 0, prompt
    while len(answer) < tokens and END_TOKEN not in answer:
        logits = engine.run(0, position, np.array([rows], np.int64))[0]
        position += len(rows)
        answer.append(choose_token(logits, sampling, position))
        rows = (answer[-1],)
    return tuple(answer)


def _blob(name: str, size_bytes: int) -> Blob:
    return Blob(BlobHash(hashlib.sha256(name.encode()).hexdigest()), size_bytes)
