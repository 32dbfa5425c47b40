"""A layer of experts, of which each token's router chooses a few (Shazeer et al. 2017, section 2).

Rows are put in the order of the experts that they go to, so that each expert gets its rows in one
piece, in an `If` that a step without any passes by: weights of experts that nobody chose are not
read. The results are weighted and added up in the order of each row's own choices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import isqrt

import numpy as np
from onnx import TensorProto

from app.models.graphs.graph import ShardGraph


class Routing(StrEnum):
    """How strongly the chosen experts count."""

    SHARES = "shares"
    """As they share the chosen ones' softmax."""
    SHARES_OF_ALL = "shares of all"
    """As they share the softmax of all experts."""
    ONE_BY_ONE = "one by one"
    """Each as it shares the softmax of those near it, earlier ones left out (SparseMixer)."""


@dataclass(frozen=True)
class ExpertShape:
    """So many experts, so many of them chosen for each token.

    With `ONE_BY_ONE`, those whose score is further than `nearness` below the best are left out.
    """

    count: int
    chosen: int
    hidden_size: int
    routing: Routing
    nearness: float = 0.0


Compute = Callable[[str, int], str]
"""Adds what an expert makes of rows [rows, hidden]."""


def mixture(
    graph: ShardGraph,
    hidden: str,
    scores: str,
    shape: ExpertShape,
    compute: Compute,
    weights: Sequence[str],
) -> str:
    """Add what the experts make of [batch, tokens, hidden]; `scores` [..., count] is the router's.

    `weights` names all that `compute` reads.
    """
    count = graph.constant("experts", np.array([-1, shape.count], np.int64))
    flat = graph.operator("Reshape", [scores, count])
    if shape.routing is Routing.ONE_BY_ONE:
        strengths, choices = _chosen_one_by_one(graph, flat, shape)
    else:
        strengths, choices = _chosen(graph, flat, shape)
    return graph.outlined(
        "Experts",
        [hidden, strengths, choices],
        weights,
        lambda: _mixed(graph, hidden, strengths, choices, shape, compute),
        share=shape.chosen / shape.count,
    )


def _mixed(
    graph: ShardGraph,
    hidden: str,
    strengths: str,
    choices: str,
    shape: ExpertShape,
    compute: Compute,
) -> str:
    """Send rows to their experts, and add up what comes back."""
    wide = graph.constant("rows", np.array([-1, shape.hidden_size], np.int64))
    rows = graph.operator("Reshape", [hidden, wide])
    order, per_expert = _sorted(graph, choices, shape)
    chosen = graph.constant("chosen", np.int64(shape.chosen))
    places = graph.operator("Div", [order, chosen])
    sent = graph.operator("Gather", [rows, places], axis=0)
    results = _Dispatch(graph, compute).all_of(sent, per_expert, shape)
    own = graph.operator("Gather", [results, _ranks(graph, order)], axis=0)
    apart = graph.constant("by.choice", np.array([-1, shape.chosen, shape.hidden_size], np.int64))
    last = graph.constant("axis.last", np.array([-1], np.int64))
    weighted = graph.operator(
        "Mul",
        [graph.operator("Reshape", [own, apart]), graph.operator("Unsqueeze", [strengths, last])],
    )
    summed = graph.operator("ReduceSum", [weighted, _axis_1(graph)], keepdims=0)
    return graph.operator("Reshape", [summed, graph.operator("Shape", [hidden])])


class _Dispatch:
    """Sends rows to their experts: in groups, so that most are passed by a group at a time."""

    def __init__(self, graph: ShardGraph, compute: Compute) -> None:
        self._graph = graph
        self._compute = compute

    def all_of(self, rows: str, per_expert: str, shape: ExpertShape) -> str:
        """Return the results in the order of the rows, which is that of the experts."""
        size = max(1, isqrt(shape.count // shape.chosen))
        groups = [range(first, after) for first, after in pairwise(_edges(shape.count, size))]
        if size == 1:
            return self._each(rows, per_expert, groups, self._expert)
        sizes = np.array([len(group) for group in groups], np.int64)
        parts = self._parts(per_expert, self._graph.constant("group.sizes", sizes), len(groups))
        totals = self._joined(
            [self._graph.operator("ReduceSum", [part], keepdims=1) for part in parts]
        )
        by_group = dict(zip(groups, parts, strict=True))
        return self._each(
            rows,
            totals,
            groups,
            lambda own, group: self._each(
                own, by_group[group], [range(each, each + 1) for each in group], self._expert
            ),
        )

    def _expert(self, rows: str, expert: range) -> str:
        return self._compute(rows, expert.start)

    def _each(
        self,
        rows: str,
        counts: str,
        groups: Sequence[range],
        compute: Callable[[str, range], str],
    ) -> str:
        """Cut rows by counts and compute those of each group that has any."""
        graph = self._graph
        wanted = graph.operator("Cast", [counts], to=TensorProto.BOOL)
        conditions = self._parts(wanted, "", len(groups))
        pieces = self._parts(rows, counts, len(groups))
        return self._joined(
            [
                graph.choose(
                    condition,
                    lambda piece=piece, group=group: compute(piece, group),  # type: ignore[misc]
                    lambda piece=piece: graph.operator("Identity", [piece]),  # type: ignore[misc]
                )
                for condition, piece, group in zip(conditions, pieces, groups, strict=True)
            ]
        )

    def _parts(self, value: str, sizes: str, count: int) -> list[str]:
        """Cut along the first axis: into equal parts, or into parts of these sizes."""
        if count == 1:
            return [value]
        names = [f"{value}.{index}" for index in range(count)]
        if sizes:
            self._graph.operator("Split", [value, sizes], names, axis=0)
        else:
            self._graph.operator("Split", [value], names, axis=0, num_outputs=count)
        return names

    def _joined(self, values: Sequence[str]) -> str:
        return self._graph.operator("Concat", values, axis=0)


def _edges(count: int, size: int) -> list[int]:
    return [*range(0, count, size), count]


def _chosen(graph: ShardGraph, scores: str, shape: ExpertShape) -> tuple[str, str]:
    """Return each row's strengths and choices, [rows, chosen], strongest first."""
    of_all = shape.routing is Routing.SHARES_OF_ALL
    ranked = graph.operator("Softmax", [scores], axis=-1) if of_all else scores
    best, choices = _top(graph, ranked, graph.constant("k", np.array([shape.chosen], np.int64)))
    return (best if of_all else graph.operator("Softmax", [best], axis=-1)), choices


def _chosen_one_by_one(graph: ShardGraph, scores: str, shape: ExpertShape) -> tuple[str, str]:
    """Choose as SparseMixer does when it does not learn (Liu et al. 2023, section 3)."""
    one = graph.constant("k.1", np.array([1], np.int64))
    nearness = graph.constant("nearness", np.float32(shape.nearness))
    never = graph.constant("never", np.float32(-np.inf))
    sizes, left = graph.operator("Abs", [scores]), scores
    strengths, choices = [], []
    for _ in range(shape.chosen):
        best, choice = _top(graph, left, one)
        factor = graph.operator("Max", [sizes, best])
        below = graph.operator("Div", [graph.operator("Sub", [best, scores]), factor])
        far = graph.operator("Greater", [below, nearness])
        near = graph.operator("Where", [far, never, left])
        shares = graph.operator("Softmax", [near], axis=-1)
        strengths.append(graph.operator("GatherElements", [shares, choice], axis=-1))
        choices.append(choice)
        gone = graph.operator("Expand", [never, graph.operator("Shape", [choice])])
        left = graph.operator("ScatterElements", [left, choice, gone], axis=-1)
    return (
        graph.operator("Concat", strengths, axis=-1),
        graph.operator("Concat", choices, axis=-1),
    )


def _top(
    graph: ShardGraph, values: str, count: str, axis: int = -1, largest: int = 1
) -> tuple[str, str]:
    names = [f"top.{values}", f"places.{values}"]
    graph.operator("TopK", [values, count], names, axis=axis, largest=largest)
    return names[0], names[1]


def _sorted(graph: ShardGraph, choices: str, shape: ExpertShape) -> tuple[str, str]:
    """Return the order of all rows' choices by expert, and how many each expert has, [count]."""
    flat = graph.operator("Reshape", [choices, graph.constant("flat", np.array([-1], np.int64))])
    count = graph.operator("Shape", [flat])
    zero, one = graph.constant("zero", np.int64(0)), graph.constant("one", np.int64(1))
    places = graph.operator("Range", [zero, graph.operator("Squeeze", [count]), one])
    keys = graph.operator("Add", [graph.operator("Mul", [flat, count]), places])
    _, order = _top(graph, keys, count, axis=0, largest=0)
    experts = np.arange(shape.count, dtype=np.int64)[:, None]
    first = graph.constant("axis.0", np.array([0], np.int64))
    equal = graph.operator(
        "Equal",
        [graph.operator("Unsqueeze", [flat, first]), graph.constant("expert.numbers", experts)],
    )
    ones = graph.operator("Cast", [equal], to=TensorProto.INT64)
    return order, graph.operator("ReduceSum", [ones, _axis_1(graph)], keepdims=0)


def _ranks(graph: ShardGraph, order: str) -> str:
    """Return where each choice came to stand: the inverse of an order."""
    _, ranks = _top(graph, order, graph.operator("Shape", [order]), axis=0, largest=0)
    return ranks


def _axis_1(graph: ShardGraph) -> str:
    return graph.constant("axis.1", np.array([1], np.int64))
