"""From a text's hidden states to one vector: scores read at the first token, or a pooled mean."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from app.models.families.interface import Weight
from app.models.families.weights import HEAD
from app.models.graphs.graph import ShardGraph
from app.models.graphs.operators import activate, last_position, layer_norm

POOLER = "head.pooler"
POOLER_NORM = "head.pooler_norm"


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
    """A dense layer on the first token, an activation (`tanh` or a layer's) and labels' rows."""

    pooler: tuple[Weight, ...]
    activation: str
    scores: tuple[Weight, ...]

    def weights(self) -> tuple[Weight, ...]:
        """Return both layers' weights."""
        return (*self.pooler, *self.scores)

    def add(self, graph: ShardGraph, hidden: str) -> str:
        """Return the scores [batch, labels]."""
        pooled = graph.linear(first_position(graph, hidden), POOLER)
        return graph.linear(head_activation(graph, pooled, self.activation), HEAD)


@dataclass(frozen=True)
class PooledScores:
    """A dense layer, an activation and a norm on the first token or the mean, then the labels."""

    mode: PoolingMode
    dense: tuple[Weight, ...]
    activation: str
    epsilon: float
    norm: tuple[Weight, ...]
    scores: tuple[Weight, ...]

    def weights(self) -> tuple[Weight, ...]:
        """Return all layers' weights."""
        return (*self.dense, *self.norm, *self.scores)

    def add(self, graph: ShardGraph, hidden: str) -> str:
        """Return the scores [batch, labels]."""
        pooled = graph.linear(pooled_rows(graph, hidden, self.mode), POOLER)
        opened = head_activation(graph, pooled, self.activation)
        return graph.linear(layer_norm(graph, opened, POOLER_NORM, self.epsilon), HEAD)


@dataclass(frozen=True)
class DenseStep:
    """A layer that sentence-transformers puts behind the pooling."""

    weights: tuple[Weight, ...]
    activation: str
    """`tanh`, or empty for none."""


@dataclass(frozen=True)
class SentenceVector:
    """Pooling as sentence-transformers does it; normed vectors have length 1."""

    mode: PoolingMode
    normed: bool
    steps: tuple[DenseStep, ...] = ()

    def weights(self) -> tuple[Weight, ...]:
        """Return the weights of the layers behind the pooling."""
        return tuple(weight for step in self.steps for weight in step.weights)

    def add(self, graph: ShardGraph, hidden: str) -> str:
        """Return the vector [batch, hidden]."""
        vector = pooled_rows(graph, hidden, self.mode)
        for step in self.steps:
            vector = graph.linear(vector, step.weights[0].name)
            vector = head_activation(graph, vector, step.activation) if step.activation else vector
        if not self.normed:
            return vector
        return graph.operator("LpNormalization", [vector], axis=-1, p=2)


def pooled_rows(graph: ShardGraph, hidden: str, mode: PoolingMode) -> str:
    """Return one row for the whole text: [batch, tokens, hidden] to [batch, hidden]."""
    if mode is PoolingMode.FIRST:
        return first_position(graph, hidden)
    if mode is PoolingMode.LAST:
        return last_position(graph, hidden)
    axis = graph.constant("tokens.axis", np.array([1], np.int64))
    kind = "ReduceMean" if mode is PoolingMode.MEAN else "ReduceMax"
    return graph.operator(kind, [hidden, axis], keepdims=0)


def head_activation(graph: ShardGraph, value: str, name: str) -> str:
    """Apply `tanh`, or an activation that layers have too, to every element."""
    return graph.operator("Tanh", [value]) if name == "tanh" else activate(graph, value, name)


def first_position(graph: ShardGraph, hidden: str) -> str:
    """Return the first token's row: [batch, tokens, hidden] to [batch, hidden]."""
    return graph.operator("Gather", [hidden, graph.constant("first", np.int64(0))], axis=1)
