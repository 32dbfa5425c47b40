"""In how many bits each weight of a model is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from app.core.model import BlockKind
from app.models.families.interface import BlockPlan, Weight, WeightRole
from app.models.quantization.block_wise import BLOCK_COLUMNS, Quantization

WHOLE_BITS: Final = 32
FINE_BITS: Final = 8
FINEST_SHARE: Final = 1.19
"""Times the bytes that all matrices in four bits would take; what is finer keeps within."""
_HARMED: Final = ".down"
"""What leaves the feed-forward: four bits harm it more than any other matrix of a layer."""


def quantizable(weight: Weight) -> bool:
    """Return whether a weight may be stored in blocks: a matrix of whole blocks of columns."""
    wanted = weight.role in (WeightRole.MATRIX, WeightRole.EMBEDDING)
    return wanted and weight.shape[-1] % BLOCK_COLUMNS == 0


@dataclass(frozen=True)
class Precision:
    """What a quantisation means for each weight of a model with such blocks.

    In `q4` embedding and head have eight bits, and the matrices that four bits harm most as long
    as the whole stays small.
    """

    plans: Sequence[BlockPlan]
    quantization: Quantization

    def bits(self, weight: Weight) -> int:
        """Return the bits of a weight's numbers: 32, 8 or 4."""
        if self.quantization is Quantization.F32 or not quantizable(weight):
            return WHOLE_BITS
        return FINE_BITS if weight.name in self._finer else self.quantization.bits

    @cached_property
    def _finer(self) -> frozenset[str]:
        if self.quantization is not Quantization.Q4:
            return frozenset()
        ends = [
            weight
            for plan in self.plans
            for weight in _matrices(plan)
            if _is_end(plan) or weight.role is WeightRole.EMBEDDING
        ]
        left = (FINEST_SHARE - 1) * sum(
            _bytes(weight, 4) for plan in self.plans for weight in _matrices(plan)
        )
        left -= sum(_bytes(weight, FINE_BITS) - _bytes(weight, 4) for weight in ends)
        chosen = [weight.name for weight in ends]
        for weight in _most_harmed(self.plans):
            left -= _bytes(weight, FINE_BITS) - _bytes(weight, 4)
            if left < 0:
                break
            chosen.append(weight.name)
        return frozenset(chosen)


def _is_end(plan: BlockPlan) -> bool:
    return plan.kind is not BlockKind.LAYER


def _matrices(plan: BlockPlan) -> list[Weight]:
    return [weight for weight in plan.weights if quantizable(weight)]


def _most_harmed(plans: Sequence[BlockPlan]) -> list[Weight]:
    """Return the matrices that four bits harm most, the worst first."""
    found = [
        weight for plan in plans for weight in _matrices(plan) if weight.name.endswith(_HARMED)
    ]
    return sorted(found, key=lambda weight: _depth(found.index(weight), len(found)))


def _depth(index: int, count: int) -> int:
    """Return how far a layer is from the nearer end."""
    return min(index, count - 1 - index)


def _bytes(weight: Weight, bits: int) -> int:
    rows, columns = weight.shape
    return rows * columns * bits // 8 + rows * columns // BLOCK_COLUMNS * 4
