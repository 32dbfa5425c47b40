"""Tries whether a stored model computes the same for rows together as for each by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.models.shards import Shard, build_shard, span_shape
from app.models.store import BlobStore
from app.models.stored_model import StoredModel
from workers.engine.engine import ShardEngine
from workers.errors import EngineError
from workers.protocol.chain import Span

TOLERANCE = 1e-4
"""Largest difference, relative to the largest number: products of one row round otherwise."""
_CACHED = (3, 1, 5)
"""Tokens that each of the sequences has before its row is tried."""


def with_batches(model: StoredModel, skeleton: bytes, store: BlobStore) -> StoredModel:
    """Return the model with a graph for batches, or as it is where that computes something else.

    Every layer is run both ways; one layer's weights are in memory at a time.
    """
    candidate = replace(model, skeleton=store.put_bytes(skeleton))
    layers = range(model.manifest.layer_count)
    agree = all(_agree(model, candidate, store, layer) for layer in layers)
    return candidate if agree else model


def _agree(model: StoredModel, candidate: StoredModel, store: BlobStore, layer: int) -> bool:
    expected = _results(model, store, layer)
    try:
        found = _results(candidate, store, layer)
    except EngineError:
        return False
    return bool(np.abs(found - expected).max() <= TOLERANCE * np.abs(expected).max())


def _results(model: StoredModel, store: BlobStore, layer: int) -> NDArray[np.float32]:
    """Return what a layer makes of one more row of each of several sequences."""
    (chain,) = model.manifest.chains
    shard = build_shard(store, model, Span(chain.name, layer, layer + 1))
    shape = span_shape(model.manifest, shard, max(_CACHED) + 1, len(_CACHED))
    engine = ShardEngine(store.path(shard.graph.sha256), shape, 1)
    generator = np.random.default_rng(layer)
    for slot, count in enumerate(_CACHED):
        engine.run(slot, 0, _rows(generator, model, shard, count)[None])
    rows = _rows(generator, model, shard, len(_CACHED))[:, None]
    return engine.run_rows(range(len(_CACHED)), _CACHED, rows)


def _rows(
    generator: np.random.Generator, model: StoredModel, shard: Shard, count: int
) -> NDArray[np.generic]:
    manifest = model.manifest
    if shard.has_embedding:
        return generator.integers(0, manifest.vocabulary_size, count)
    return generator.standard_normal((count, manifest.hidden_size)).astype(np.float32)
