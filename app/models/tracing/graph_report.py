"""A computation graph as JSON fields and in Graphviz's language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import assert_never

from app.core.facts import Fact
from app.core.model import Block, BlockKind, ModelManifest
from app.core.units import format_bytes
from app.models.tracing.computation_graph import ComputationGraph, Dependency, Edge


def graph_fields(manifest: ModelManifest, graph: ComputationGraph) -> dict[str, object]:
    """Return blocks, operations, edges and cut points, ready for JSON.

    A block lists what it depends on: `sequential` on the block before, `residual` on earlier ones,
    `recomputed` on side values that each shard makes itself.
    """
    return {
        "blocks": [_block_fields(block, graph) for block in manifest.blocks],
        "operations": [asdict(operation) for operation in graph.operations],
        "edges": [asdict(edge) for edge in graph.edges],
        "cut_points": [asdict(point) for point in graph.cut_points],
    }


def block_label(block: Block) -> str:
    """Return a block's name for programs: `embedding`, `layer 0`, `head`."""
    if block.kind is BlockKind.LAYER:
        return f"layer {block.index - 1}"
    return block.kind.value


def block_fact(block: Block) -> Fact:
    """Return a block's name as a fact."""
    match block.kind:
        case BlockKind.EMBEDDING:
            return Fact("block.embedding")
        case BlockKind.LAYER:
            return Fact("block.layer", layer=block.index - 1)
        case BlockKind.HEAD:
            return Fact("block.head")
        case _:
            assert_never(block.kind)


def dot_lines(manifest: ModelManifest, graph: ComputationGraph) -> Iterator[str]:
    """Yield a directed graph in Graphviz's DOT: a cluster a block, cut points as thick frames."""
    cuts = {point.source for point in graph.cut_points}
    yield "digraph {"
    yield "  rankdir=TB; node [shape=box, fontsize=10]; edge [fontsize=8];"
    yield '  "input_ids" [shape=ellipse];'
    for block in manifest.blocks:
        yield f'  subgraph "cluster_{block.index}" {{ label="{block_label(block)}";'
        for operation in graph.operations_of(block.index):
            frame = ", peripheries=2" if operation.name in cuts else ""
            yield f'    "{operation.name}" [label="{operation.kind}"{frame}];'
        yield "  }"
    for edge in graph.edges:
        yield _dot_edge(edge)
    yield "}"


def _dot_edge(edge: Edge) -> str:
    style = f'label="{format_bytes(edge.value_bytes)}", style={_style(edge.dependency)}'
    return f'  "{edge.source or "input_ids"}" -> "{edge.target}" [{style}];'


def _block_fields(block: Block, graph: ComputationGraph) -> dict[str, object]:
    operations = graph.operations_of(block.index)
    return {
        "index": block.index,
        "label": block_label(block),
        "kind": block.kind.value,
        "operations": len(operations),
        "weight_bytes": sum(blob.size_bytes for blob in block.blobs),
        "weight_bytes_per_token": block.weight_bytes,
        "flops_per_token": sum(each.flops_per_token for each in operations),
        "flops_per_cached_token": sum(each.flops_per_cached_token for each in operations),
        "kv_bytes_per_token": block.kv_bytes_per_token,
        **_dependencies(block, graph),
    }


def _dependencies(block: Block, graph: ComputationGraph) -> dict[str, object]:
    blocks = {operation.name: operation.block for operation in graph.operations}
    found: dict[str, dict[str, object]] = {kind.value: {} for kind in Dependency}
    for edge in graph.edges_into(block.index):
        source = blocks[edge.source] if edge.source is not None else None
        found[_kind_between(edge, source, block.index)][edge.value] = {
            "value": edge.value,
            "block": source,
            "value_bytes": edge.value_bytes,
        }
    return {kind: list(values.values()) for kind, values in found.items()}


def _kind_between(edge: Edge, source: int | None, target: int) -> str:
    if edge.dependency is Dependency.RECOMPUTED:
        return edge.dependency.value
    is_next = source is None or source == target - 1
    return (Dependency.SEQUENTIAL if is_next else Dependency.RESIDUAL).value


def _style(dependency: Dependency) -> str:
    match dependency:
        case Dependency.SEQUENTIAL:
            return "solid"
        case Dependency.RESIDUAL:
            return "bold"
        case Dependency.RECOMPUTED:
            return "dotted"
        case _:
            assert_never(dependency)
