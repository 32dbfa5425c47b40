"""From a text's hidden states to one vector: scores read at the first token, or a pooled mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from app.models.families.interface import Weight
from app.models.families.weights import HEAD
from app.models.graphs.graph import ShardGraph
from app.models.graphs.operators import last_position

POOLER = "head.pooler"


class PoolingMode(StrEnum):
    """Which hidden states make the vector."""

    MEAN = "mean"
    MAXIMUM = "max"
    FIRST = "cls"
    LAST = "lasttoken"


class EncoderHead(Protocol):
    """An encoder's last block."""

    def weights(self) -> tuple[Weight, ...]:
        """Return its weights; may be none."""
        ...

    def add(self, graph: ShardGraph, hidden: str) -> str:
        """Add it: [batch, tokens, hidden] to [batch, numbers]."""
        ...


@dataclass(frozen=True)
class FirstTokenScores:
    """A dense layer on the first token, an activation (`Tanh`, `Relu`) and a matrix of labels."""

    pooler: tuple[Weight, ...]
    activation: str
    scores: tuple[Weight, ...]

    def weights(self) -> tuple[Weight, ...]:
        """Return both layers' weights."""
        return (*self.pooler, *self.scores)

    def add(self, graph: ShardGraph, hidden: str) -> str:
        """Return the scores [batch, labels]."""
        pooled = graph.linear(first_position(graph, hidden), POOLER)
        return graph.linear(graph.operator(self.activation, [pooled]), HEAD)


@dataclass(frozen=True)
class SentenceVector:
    """Pooling as sentence-transformers does it; normed vectors have length 1."""

    mode: PoolingMode
    normed: bool

    def weights(self) -> tuple[Weight, ...]:
        """Return nothing: pooling has no weights."""
        return ()

    def add(self, graph: ShardGraph, hidden: str) -> str:
        """Return the vector [batch, hidden]."""
        pooled = self._pooled(graph, hidden)
        if not self.normed:
            return pooled
        return graph.operator("LpNormalization", [pooled], axis=-1, p=2)

    def _pooled(self, graph: ShardGraph, hidden: str) -> str:
        if self.mode is PoolingMode.FIRST:
            return first_position(graph, hidden)
        if self.mode is PoolingMode.LAST:
            return last_position(graph, hidden)
        axis = graph.constant("tokens.axis", np.array([1], np.int64))
        kind = "ReduceMean" if self.mode is PoolingMode.MEAN else "ReduceMax"
        return graph.operator(kind, [hidden, axis], keepdims=0)


def first_position(graph: ShardGraph, hidden: str) -> str:
    """Return the first token's row: [batch, tokens, hidden] to [batch, hidden]."""
    return graph.operator("Gather", [hidden, graph.constant("first", np.int64(0))], axis=1)
