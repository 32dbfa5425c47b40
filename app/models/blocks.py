"""What each block costs: files, bytes read, operations and cache, for one token."""

from __future__ import annotations

import math
from collections.abc import Mapping

from app.core.identifiers import BlobHash
from app.core.model import Blob, Block, BlockKind
from app.models.families.interface import BlockPlan, Dimensions, SharedWeight, Weight, WeightRole
from app.models.tensors import CODES_SUFFIX, SCALES_SUFFIX, StoredTensor

FLOAT32_BYTES = 4


class BlockAccountant:
    """Counts the blocks of one model once its tensors are stored."""

    def __init__(
        self,
        plans: tuple[BlockPlan, ...],
        dimensions: Dimensions,
        tensors: Mapping[str, StoredTensor],
        blobs: Mapping[BlobHash, Blob],
    ) -> None:
        self._plans = plans
        self._dimensions = dimensions
        self._tensors = tensors
        self._blobs = blobs
        self._shapes = {weight.name: weight.shape for plan in plans for weight in plan.weights}

    def blocks(self) -> tuple[Block, ...]:
        """Return the model's blocks in order."""
        return tuple(self._block(index, plan) for index, plan in enumerate(self._plans))

    def _block(self, index: int, plan: BlockPlan) -> Block:
        kept_rows = plan.kept_rows if plan.kind is BlockKind.LAYER else 0
        weights: tuple[Weight | SharedWeight, ...] = (*plan.weights, *plan.shared)
        hashes = [tensor.blob for weight in weights for tensor in self._stored(weight.name)]
        return Block(
            index=index,
            kind=plan.kind,
            blobs=tuple(self._blobs[sha256] for sha256 in dict.fromkeys(hashes)),
            weight_bytes=round(plan.read_share * sum(map(self._bytes_read, weights))),
            flops_per_token=round(plan.read_share * sum(map(self._operations, weights))),
            kv_bytes_per_token=self._cache_bytes() * kept_rows,
        )

    def _stored(self, name: str) -> list[StoredTensor]:
        names = (name, name + CODES_SUFFIX, name + SCALES_SUFFIX)
        return [self._tensors[each] for each in names if each in self._tensors]

    def _bytes_read(self, weight: Weight | SharedWeight) -> int:
        size_bytes = sum(tensor.size_bytes for tensor in self._stored(weight.name))
        if weight.role in (WeightRole.EMBEDDING, WeightRole.TABLE):
            return size_bytes // self._stored(weight.name)[0].shape[0]
        return round(size_bytes * _read_share(weight))

    def _operations(self, weight: Weight | SharedWeight) -> int:
        """Return a matrix's multiplications and additions; the rest is below one per cent."""
        if weight.role not in (WeightRole.MATRIX, WeightRole.ROUTER, WeightRole.EYE):
            return 0
        return round(2 * math.prod(self._shapes[weight.name]) * _read_share(weight))

    def _cache_bytes(self) -> int:
        return 2 * self._dimensions.kv_heads * self._dimensions.head_size * FLOAT32_BYTES


def _read_share(weight: Weight | SharedWeight) -> float:
    return weight.read_share if isinstance(weight, Weight) else 1.0
