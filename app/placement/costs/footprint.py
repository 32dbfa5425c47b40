"""How much memory and how much reading each span of layers costs, whatever the phone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from app.core.identifiers import BlobHash
from app.core.model import Blob, Block, BlockKind, ModelManifest
from app.placement.problem import PlacementProblem

RUNTIME_BYTES = 90_000_000
"""Resident memory of a worker that holds no layer: Python, onnxruntime, ZeroMQ.

A phone's memory budget covers its worker's whole process, so every stage pays this once.
"""

NO_PHONE_BYTES = 1 << 50
"""What layers of two chains would occupy on one phone: a phone holds layers of one."""

Bytes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ModelFootprint:
    """A model's layers as the planner counts them.

    A layer here brings along the embedding (layer 0) and the head (last layer). `read_bytes` is a
    prefix sum `[layers + 1]` of what one decoded token reads; `span_bytes` `[layers + 1,
    layers + 1]` is what layers `a .. b - 1` occupy on one phone, zero where `a >= b`, with a cache
    of `cache_tokens`; `cache_bytes` is a prefix sum `[layers + 1]` of what one of these takes.
    """

    layer_blobs: tuple[tuple[Blob, ...], ...]
    read_bytes: npt.NDArray[np.float64]
    span_bytes: Bytes
    cache_bytes: Bytes
    cache_tokens: int

    @property
    def layer_count(self) -> int:
        """Number of layers."""
        return len(self.layer_blobs)

    def room_tokens(self, first: int, end: int, free_bytes: int) -> int | None:
        """Return how many tokens a phone with a span could keep, of all its texts together.

        `free_bytes` is its memory beside the span. None where these layers keep nothing.
        """
        each = int(self.cache_bytes[end] - self.cache_bytes[first])
        return max(0, self.cache_tokens + free_bytes // each) if each else None

    def missing_bytes(self, resident: frozenset[BlobHash]) -> Bytes:
        """Return `[layers + 1, layers + 1]`: what a phone with those files lacks of each span."""
        return np.triu(
            _span_blob_bytes(
                tuple(
                    tuple(blob for blob in blobs if blob.sha256 not in resident)
                    for blobs in self.layer_blobs
                )
            ),
            1,
        )


def footprint_of(problem: PlacementProblem) -> ModelFootprint:
    """Count a problem's model with its KV caches.

    A decoded token reads the weights and its own KV cache, which is half full on average. Memory
    is every distinct weight file once per phone, KV for all slots at full context, the runtime.
    """
    layers = _layers(problem.model)
    kv_per_token = np.array([sum(block.kv_bytes_per_token for block in layer) for layer in layers])
    weight = np.array([sum(block.weight_bytes for block in layer) for layer in layers])
    blobs = tuple(
        tuple(dict.fromkeys(blob for block in layer for blob in block.blobs)) for layer in layers
    )
    read = weight + kv_per_token * (problem.context_tokens / 2)
    occupied = _span_blob_bytes(blobs)
    cache_bytes, cache_tokens = _prefix(kv_per_token), problem.context_tokens * problem.slots
    occupied += (cache_bytes[None, :] - cache_bytes[:, None]) * cache_tokens + RUNTIME_BYTES
    if problem.model.two_chains:
        decoder = problem.model.encoder_layers
        occupied[:decoder, decoder + 1 :] = NO_PHONE_BYTES
    return ModelFootprint(
        layer_blobs=blobs,
        read_bytes=np.concatenate(([0.0], np.cumsum(read))),
        span_bytes=np.triu(occupied, 1),
        cache_bytes=cache_bytes,
        cache_tokens=cache_tokens,
    )


def _layers(model: ModelManifest) -> list[tuple[Block, ...]]:
    """Return what `blocks_of` says of each layer alone."""
    layers: list[list[Block]] = [[] for _ in range(model.layer_count)]
    at = -1
    for block in model.blocks:
        at += block.kind is BlockKind.LAYER
        layers[min(max(at, 0), len(layers) - 1)].append(block)
    return [tuple(layer) for layer in layers]


def _prefix(values: Bytes) -> Bytes:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)))


def _span_blob_bytes(layer_blobs: tuple[tuple[Blob, ...], ...]) -> Bytes:
    """Return distinct bytes of every span: a file used by several layers counts once a span."""
    holders: dict[Blob, list[int]] = defaultdict(list)
    for layer, blobs in enumerate(layer_blobs):
        for blob in blobs:
            holders[blob].append(layer)
    first_use = np.zeros(len(layer_blobs), np.int64)
    for blob, layers in holders.items():
        for layer in layers:
            first_use[layer] += blob.size_bytes
    cumulative = _prefix(first_use)
    occupied = cumulative[None, :] - cumulative[:, None]
    for blob, layers in holders.items():
        for earlier, later in pairwise(layers):
            occupied[: earlier + 1, later + 1 :] -= blob.size_bytes
    return occupied
