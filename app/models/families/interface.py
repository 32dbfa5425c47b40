"""What a family tells of itself; one module per family implements it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.core.model import BlockKind, ModelTask, Scoring
from app.models.graphs.graph import ShardGraph


class WeightRole(StrEnum):
    """How a block uses a weight; decides its stored form and what one token costs."""

    MATRIX = "matrix"
    """Multiplied whole with each token; may be quantised."""
    ROUTER = "router"
    """Multiplied whole with each token, always in float32: it chooses experts."""
    EYE = "eye"
    """Multiplied whole with all rows of a picture, always in float32."""
    EMBEDDING = "embedding"
    """One row is read for each token; may be quantised."""
    TABLE = "table"
    """One row is read for each token, always in float32: positions."""
    VECTOR = "vector"
    """Read whole, no matrix product: norms and biases."""


@dataclass(frozen=True)
class Part:
    """A tensor of the checkpoint, the shape it must have there, and what a weight takes of it.

    A transposed part lies as [columns, rows] in the checkpoint. A stack of matrices has three
    dimensions; each is turned by itself, and their rows follow each other. `rows` are the ranges
    taken, in order, each from its first row up to the one after its last; none means all. `offset`
    is added to every value.
    """

    name: str
    shape: tuple[int, ...]
    transposed: bool = False
    rows: tuple[tuple[int, int], ...] = ()
    offset: float = 0.0
    stacked: bool = False

    @property
    def taken_shape(self) -> tuple[int, ...]:
        """Shape of what is taken."""
        shape = self.shape
        if self.stacked or len(shape) > 3:
            shape = matrix_shape(shape, transposed=self.transposed)
        elif self.transposed:
            shape = shape[::-1]
        rows, *rest = shape
        if self.rows:
            rows = sum(after - first for first, after in self.rows)
        return (rows, *rest)


def matrix_shape(shape: tuple[int, ...], *, transposed: bool) -> tuple[int, ...]:
    """Return the shape of a tensor as rows and columns; matrices of a stack follow each other.

    A convolution's kernel, of more than three dimensions, has a row for each output.
    """
    if len(shape) == 1:
        return shape
    if len(shape) > 3:
        return (shape[0], math.prod(shape[1:]))
    *stacked, rows, columns = (1, *shape) if len(shape) < 3 else shape
    if transposed:
        rows, columns = columns, rows
    return (math.prod(stacked) * rows, columns)


@dataclass(frozen=True)
class Weight:
    """A weight as shards name it: the parts stacked along their first axis.

    `element` is the type it is stored in; what is not float32 is stored as it is. A token reads
    `read_share` of it: of a layer's experts those that are chosen.
    """

    name: str
    role: WeightRole
    parts: tuple[Part, ...]
    element: str = "float32"
    read_share: float = 1.0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the stacked parts."""
        shapes = [part.taken_shape for part in self.parts]
        return (sum(shape[0] for shape in shapes), *shapes[0][1:])


@dataclass(frozen=True)
class SharedWeight:
    """A weight that a block reads but another block, or the family's tables, holds."""

    name: str
    role: WeightRole


@dataclass(frozen=True)
class BlockPlan:
    """The weights of one block."""

    kind: BlockKind
    weights: tuple[Weight, ...]
    shared: tuple[SharedWeight, ...] = ()
    kept_rows: int = 1
    """Rows of keys and values that a layer keeps for each token of a text."""
    read_share: float = 1.0
    """How much of the block a token reads that is written."""


@dataclass(frozen=True)
class HeadOutput:
    """What the head answers with; labels and scoring are a classifier's."""

    task: ModelTask = ModelTask.GENERATION
    labels: tuple[str, ...] = ()
    scoring: Scoring = Scoring.SOFTMAX


GENERATION = HeadOutput()


@dataclass(frozen=True)
class Dimensions:
    """The sizes that every family has; without key-value heads there is no cache."""

    hidden_size: int
    vocabulary_size: int
    layer_count: int
    attention_heads: int
    kv_heads: int
    head_size: int
    context_tokens: int


class Family(Protocol):
    """One architecture at given sizes, made from a checkpoint's configuration."""

    @property
    def name(self) -> str:
        """The family's short name."""
        ...

    @property
    def dimensions(self) -> Dimensions:
        """The model's sizes."""
        ...

    @property
    def answer(self) -> HeadOutput:
        """What the head answers with."""
        ...

    def plans(self) -> tuple[BlockPlan, ...]:
        """Return the blocks in order: embedding, layers, head."""
        ...

    def tables(self) -> Mapping[str, NDArray[np.float32]]:
        """Return computed tensors that layers share, such as rotary tables; may be empty."""
        ...

    def add_embedding(self, graph: ShardGraph, token_ids: str) -> str:
        """Add the embedding; returns the value [batch, tokens, hidden]."""
        ...

    def add_layer(self, graph: ShardGraph, layer: int, hidden: str) -> str:
        """Add one layer; returns the value [batch, tokens, hidden]."""
        ...

    def add_head(self, graph: ShardGraph, hidden: str) -> str:
        """Add the head; returns the last position's logits [batch, vocabulary], or one vector."""
        ...
