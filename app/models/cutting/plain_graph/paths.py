"""Counts paths through a graph: a value that all of them share is where it can be cut.

A value is such a dominator if the paths to it times the paths from it are all paths. Counts are
whole numbers of any size: they double with every residual.
"""

from __future__ import annotations

from collections import defaultdict

import onnx

from app.models.cutting.plain_graph.graph_parts import PlainGraph
from app.models.cutting.plain_graph.interface import SHAPE_KINDS
from app.models.cutting.plain_graph.products import ROWS
from app.models.graphs.graph import INPUT_IDS

_LOOKUPS = (ROWS, "Gather", "GatherBlockQuantized")


def cut_points(graph: PlainGraph, logits: str) -> tuple[str, ...]:
    """Return the values, in order, through which every path from the embedding to logits goes."""
    before = _paths_before(graph)
    after = _paths_after(graph, before, logits)
    return tuple(
        name
        for node in graph.nodes
        for name in node.output
        if before[name] and before[name] * after[name] == before[logits]
    )


def _paths_before(graph: PlainGraph) -> dict[str, int]:
    """Count from where tokens become rows: what else reads tokens, such as a mask, is no path."""
    paths: dict[str, int] = defaultdict(int)
    followers = {INPUT_IDS}
    for node in graph.nodes:
        if node.op_type in SHAPE_KINDS:
            continue
        count = sum(paths[name] for name in node.input)
        if count:
            paths.update(dict.fromkeys(node.output, count))
        elif _looks_up(graph, node, followers):
            paths[node.output[0]] = 1
        elif followers.intersection(node.input):
            followers.update(node.output)
    return paths


def _looks_up(graph: PlainGraph, node: onnx.NodeProto, followers: set[str]) -> bool:
    is_lookup = node.op_type in _LOOKUPS and node.input[0] in graph.constants
    return is_lookup and node.input[1] in followers


def _paths_after(graph: PlainGraph, before: dict[str, int], logits: str) -> dict[str, int]:
    paths: dict[str, int] = defaultdict(int)
    paths[logits] = 1
    for node in reversed(graph.nodes):
        count = sum(paths[name] for name in node.output if name)
        if count and node.op_type not in SHAPE_KINDS:
            for name in node.input:
                if before[name]:
                    paths[name] += count
    return paths
