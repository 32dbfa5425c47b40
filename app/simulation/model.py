"""A model that is pure arithmetic: exact, dependent on the whole text, the same on every machine.

Each layer mixes what it is given with what it kept of the positions before, modulo a prime, so
that a wrong, missing or repeated row changes every token after it. A row computed alone, or with
those of other texts, comes out otherwise than one among others of its own, as it does in
onnxruntime's attention by its last bits.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from app.core.identifiers import BlobHash
from app.core.model import Blob, Block, BlockKind, ModelManifest
from app.models.library import Library
from app.models.shards import Shard
from workers.engine.engine import ShardEngine
from workers.engine.sampling import choose_token
from workers.identity.weight_tree import WeightFile
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
_SPREAD: Final = (7, 11, 13, 17)
_DISTANCES: Final = (np.arange(VOCABULARY_SIZE)[None] - np.arange(VOCABULARY_SIZE)[:, None]) % (
    VOCABULARY_SIZE
)
_LOGITS: Final = -_DISTANCES.astype(np.float32)
"""A row for each token that may be the likeliest."""
_Row = tuple[int, int, int, int]
"""`HIDDEN_SIZE` numbers: so few are computed sooner one by one than as an array or in a loop."""
_NOTHING: Final[_Row] = (0, 0, 0, 0)


class ArithmeticEngine(ShardEngine):
    """A `ShardEngine` that computes with integers; slots, positions and rows are checked alike."""

    def __init__(self, _graph_path: Path, shape: SpanShape, _threads: int) -> None:
        self.shape = shape
        self.last_run_us = 0
        self._takes_batches = True
        self._filled = [0] * shape.slots
        self._numbers = range(shape.blocks.first, shape.blocks.first + shape.layer_count)
        untouched = (_NOTHING,) * shape.layer_count
        self._kept = [[untouched] * shape.context_tokens for _ in range(shape.slots)]

    @property
    def kv_bytes(self) -> int:
        """Size of what is kept of all positions, at eight bytes a number."""
        shape = self.shape
        return 8 * shape.slots * shape.context_tokens * max(shape.layer_count, 1) * HIDDEN_SIZE

    def _run_chunk(self, slot: int, total: int, rows: Tensor) -> Tensor:
        first = total - rows.shape[1]
        values = rows[0].tolist()
        outputs = [self._row(slot, first + index, value, 1) for index, value in enumerate(values)]
        if self.shape.has_head:
            return _logits(outputs[-1:])
        return np.array([outputs], np.float32)

    def _run_bound(self, first: int, positions: Sequence[int], rows: Tensor) -> Tensor:
        """Run one row in each of neighbouring slots, those along for nothing among them."""
        values = rows[:, 0].tolist()
        outputs = [
            self._row(first + index, position, value, 0)
            for index, (position, value) in enumerate(zip(positions, values, strict=True))
        ]
        if self.shape.has_head:
            return _logits(outputs)
        return np.array(outputs, np.float32)[:, None]

    def _copy_rows(self, source: int, target: int, rows: int) -> None:
        self._kept[target][:rows] = self._kept[source][:rows]

    def _row(self, slot: int, position: int, value: int | list[float], together: int) -> _Row:
        """Return what the span makes of one token or hidden state; `together` is 0 or 1."""
        a, b, c, d = _embedded(value) if isinstance(value, int) else map(int, value)
        kept = self._kept[slot]
        before = kept[position - 1] if position else (_NOTHING,) * len(self._numbers)
        rows: list[_Row] = []
        for number, (old_a, old_b, old_c, old_d) in zip(self._numbers, before, strict=True):
            add = number + position + together
            row_a, row_b = (3 * old_a + 5 * a + add) % _PRIME, (3 * old_b + 5 * b + add) % _PRIME
            row_c, row_d = (3 * old_c + 5 * c + add) % _PRIME, (3 * old_d + 5 * d + add) % _PRIME
            rows.append((row_a, row_b, row_c, row_d))
            a, b, c, d = (
                (d + row_a) % _PRIME,
                (c + row_b) % _PRIME,
                (b + row_c) % _PRIME,
                (a + row_d) % _PRIME,
            )
        kept[position] = tuple(rows)
        return a, b, c, d


def _embedded(token: int) -> _Row:
    a, b, c, d = _SPREAD
    return (
        (token * a + d) % _PRIME,
        (token * b + c) % _PRIME,
        (token * c + b) % _PRIME,
        (token * d + a) % _PRIME,
    )


def _logits(rows: Sequence[_Row]) -> Tensor:
    likeliest = [sum(map(operator.mul, row, _SPREAD)) % VOCABULARY_SIZE for row in rows]
    return _LOGITS[likeliest]


class ArithmeticLibrary(Library):
    """Has the one model; its graphs say their layers, its weights are names alone."""

    def shard(self, manifest: ModelManifest, span: Span) -> Shard:
        """Return the span of layers."""
        return Shard(
            graph=self.store.put_bytes(f"graph {span.first}-{span.last}".encode()),
            blobs=manifest.blobs_of(span),
            blocks=span,
            has_embedding=span.first == 0,
            has_head=span.end == LAYERS,
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
        weights=tuple(
            weight_file(blob.sha256, blob.size_bytes) for block in blocks for blob in block.blobs
        ),
    )


def weight_file(sha256: str, size_bytes: int) -> WeightFile:
    """Return what stands for weights that are a name alone: its digest is all that they have."""
    return WeightFile(sha256, size_bytes, root=sha256)


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
