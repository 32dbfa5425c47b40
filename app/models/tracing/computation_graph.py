"""The computation graph in LinguaLinked's sense: operations, what each needs, where to cut.

Source: Zhao et al. 2023 (LinguaLinked, section 3.1: subgraphs, sequential and residual
dependencies). Cut points are found in the graph itself, by counting paths, and not taken on trust
from the family.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Dependency(StrEnum):
    """How an operation depends on another."""

    SEQUENTIAL = "sequential"
    """On one that directly precedes it."""
    RESIDUAL = "residual"
    """On one further back: the value is kept while operations in between run."""
    RECOMPUTED = "recomputed"
    """On a side value, such as positions, which each shard computes for itself."""


@dataclass(frozen=True)
class Operation:
    """One node. `kind` is its operator; figures are for one decoded token.

    `flops_per_cached_token` is what attention adds for each token in the cache. A weight tied to
    another block's counts in both. A side operation does not depend on what the tokens are.
    """

    name: str
    kind: str
    block: int
    flops_per_token: int
    flops_per_cached_token: int
    weight_bytes: int
    is_side: bool


@dataclass(frozen=True)
class Edge:
    """A value on its way between two operations, by their names; `value_bytes` for one token.

    A side value's size is that with the context full. `source` is None for the tokens themselves.
    """

    value: str
    source: str | None
    target: str
    value_bytes: int
    dependency: Dependency


@dataclass(frozen=True)
class CutPoint:
    """A value through which every path from tokens to logits goes: the graph can be cut there.

    `source` is the operation that puts it out; a boundary lies between two blocks.
    """

    value: str
    source: str
    value_bytes: int
    is_boundary: bool


@dataclass(frozen=True)
class ComputationGraph:
    """Operations in the order of execution, the edges between them, and where to cut."""

    operations: tuple[Operation, ...]
    edges: tuple[Edge, ...]
    cut_points: tuple[CutPoint, ...]

    def operations_of(self, block: int) -> tuple[Operation, ...]:
        """Return the operations of a block."""
        return tuple(each for each in self.operations if each.block == block)

    def edges_into(self, block: int) -> tuple[Edge, ...]:
        """Return the edges that come from another block, or from outside."""
        blocks = {operation.name: operation.block for operation in self.operations}
        return tuple(
            edge
            for edge in self.edges
            if blocks[edge.target] == block
            and (edge.source is None or blocks[edge.source] != block)
        )
