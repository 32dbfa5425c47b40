"""The weights of a decoder's blocks, as every family puts them together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from app.core.model import BlockKind
from app.models.families.interface import BlockPlan, Part, SharedWeight, Weight, WeightRole
from app.models.tensors import BIAS_SUFFIX

EMBEDDING = "embedding"
EMBEDDING_NORM = "embedding.norm"
HEAD = "head"
HEAD_NORM = "head.norm"
ROUTER = "router"
EXPERTS_IN = "experts.gate_up"
EXPERTS_OUT = "experts.down"
EXPERT_NAMES = ("gate_proj", "up_proj", "down_proj")
"""As most checkpoints call an expert's matrices."""
COSINES = "rotary.cosines"
SINES = "rotary.sines"
LOCAL_COSINES = "rotary.local.cosines"
LOCAL_SINES = "rotary.local.sines"
ROTARY_TABLES = (SharedWeight(COSINES, WeightRole.TABLE), SharedWeight(SINES, WeightRole.TABLE))

LOCAL_TABLES = (
    SharedWeight(LOCAL_COSINES, WeightRole.TABLE),
    SharedWeight(LOCAL_SINES, WeightRole.TABLE),
)
"""Of layers whose positions turn at another rate than the others'."""


@dataclass(frozen=True)
class DecoderWeights:
    """Where a decoder's weights lie in the checkpoint.

    `table` is the embedding; `head` None means that it is the head as well, unless there are
    `head_weights`. `layer` returns the weights of one layer; `shared` is what every layer reads of
    the family's tables.
    """

    table: Part
    layer: Callable[[int], tuple[Weight, ...]]
    head_norm: tuple[Weight, ...]
    head: Part | None
    beside_table: tuple[Weight, ...] = ()
    shared: tuple[SharedWeight, ...] = ()
    head_weights: tuple[Weight, ...] | None = None

    def plans(self, layer_count: int) -> tuple[BlockPlan, ...]:
        """Return the blocks in order: embedding, layers, head."""
        table = Weight(EMBEDDING, WeightRole.EMBEDDING, (self.table,))
        embedding = BlockPlan(BlockKind.EMBEDDING, (table, *self.beside_table))
        layers = (
            BlockPlan(BlockKind.LAYER, self.layer(layer), self.shared)
            for layer in range(layer_count)
        )
        return (embedding, *layers, self._head_plan())

    def _head_plan(self) -> BlockPlan:
        if self.head_weights is not None:
            return BlockPlan(BlockKind.HEAD, (*self.head_norm, *self.head_weights))
        if self.head is None:
            tied = SharedWeight(EMBEDDING, WeightRole.MATRIX)
            return BlockPlan(BlockKind.HEAD, self.head_norm, (tied,))
        head = Weight(HEAD, WeightRole.MATRIX, (self.head,))
        return BlockPlan(BlockKind.HEAD, (*self.head_norm, head))


def vector(name: str, source: str, size: int, offset: float = 0.0) -> Weight:
    """Return a norm's scale."""
    return Weight(name, WeightRole.VECTOR, (Part(source, (size,), offset=offset),))


def affine(name: str, source: str, size: int) -> tuple[Weight, ...]:
    """Return the scale and the shift of a layer norm named `source`."""
    return (
        vector(name, source + ".weight", size),
        vector(name + BIAS_SUFFIX, source + ".bias", size),
    )


def linear(name: str, *parts: Part, bias: bool) -> tuple[Weight, ...]:
    """Return the matrix stacked from parts named `x.weight` and, if wanted, its `x.bias`."""
    matrix = Weight(name, WeightRole.MATRIX, parts)
    if not bias:
        return (matrix,)
    biases = tuple(_bias_of(part) for part in parts)
    return (matrix, Weight(name + BIAS_SUFFIX, WeightRole.VECTOR, biases))


def matrix(source: str, rows: int, columns: int) -> Part:
    """Return the whole matrix of a linear layer named `source`."""
    return Part(source + ".weight", (rows, columns))


def interleaved(source: str, heads: int, head_size: int, columns: int) -> Part:
    """Return a packed projection stored head by head, put in order: queries, keys, values."""
    shape = (3 * heads * head_size, columns)
    return Part(source + ".weight", shape, rows=_interleaved_rows(heads, head_size))


@lru_cache
def _interleaved_rows(heads: int, head_size: int) -> tuple[tuple[int, int], ...]:
    starts = [(3 * head + part) * head_size for part in range(3) for head in range(heads)]
    return tuple((start, start + head_size) for start in starts)


def _bias_of(part: Part) -> Part:
    rows = part.shape[-1] if part.transposed else part.shape[0]
    return Part(part.name.removesuffix(".weight") + ".bias", (rows,), rows=part.rows)
