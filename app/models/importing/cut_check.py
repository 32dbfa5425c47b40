"""Tries whether rows of a text come out the same to the last bit however it is cut into steps.

Rows that they do for are reused by any text that begins alike, whatever steps it would send itself.
A row alone is left out of this: it takes another way through attention (onnxruntime 1.32).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from app.models.shards import build_shard, span_shape
from app.models.store import BlobStore
from app.models.stored_model import StoredModel
from workers.engine.engine import ShardEngine
from workers.engine.processor import numerical_class
from workers.errors import EngineError
from workers.protocol.chain import Span
from workers.protocol.wire import Tensor

THREADS: Final = 1
"""As workers run on phones."""
ROWS: Final = 130
CUTS: Final = (
    (64, 64, 2),
    (2, 2, 3, 5, 7, 11, 13, 17, 19, 23, 28),
    (37, 64, 29),
    (127, 3),
)
"""Beside the text as a whole: sizes that kernels have special ways for, and others."""


def cut_stable_on(model: StoredModel, store: BlobStore) -> str:
    """Return the numerical class of this computer where rows come out the same, else nothing.

    The first layers are tried, one at a time: the others are of the same operators. A model whose
    layers keep no rows has none to reuse, nor has a vector rows that another text goes on from.
    """
    manifest = model.manifest
    if (
        manifest.two_chains
        or not manifest.cached
        or manifest.answer_size
        or manifest.context_tokens < ROWS
    ):
        return ""
    tried = range(min(manifest.layer_count - 1, 2))
    try:
        same = bool(tried) and all(_same(model, store, layer) for layer in tried)
    except EngineError:
        return ""
    return numerical_class(THREADS) if same else ""


def _same(model: StoredModel, store: BlobStore, layer: int) -> bool:
    (chain,) = model.manifest.chains
    shard = build_shard(store, model, Span(chain.name, layer, layer + 1))
    shape = span_shape(model.manifest, shard, ROWS, slots=1)
    engine = ShardEngine(store.path(shard.graph.sha256), shape, THREADS)
    generator = np.random.default_rng(layer)
    rows: Tensor = generator.standard_normal((1, ROWS, shape.hidden_size)).astype(np.float32)
    if shape.has_embedding:
        rows = generator.integers(0, shape.vocabulary_size, (1, ROWS))
    whole = _computed(engine, rows, (ROWS,))
    return all(_equal(whole, _computed(engine, rows, sizes)) for sizes in CUTS)


def _equal(ones: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    return all(np.array_equal(one, other) for one, other in zip(ones, others, strict=True))


def _computed(engine: ShardEngine, rows: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """Return what the layer makes of the rows in such steps, and what it keeps of them."""
    engine.forget(0)
    outputs, position = [], 0
    for size in sizes:
        outputs.append(engine.run(0, position, rows[:, position : position + size]))
        position += size
    return [np.concatenate(outputs, axis=1), *engine.kept_rows(0, position)]
