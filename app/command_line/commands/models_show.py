"""`shardloom models show`: a model's blocks, what they cost, and where it can be cut."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Final, assert_never

from app.command_line.commands.models_list import model_report
from app.command_line.commands.models_perplexity import print_harm, quality_fact
from app.command_line.output.terminal import print_fact, print_json, print_table, right, translated
from app.core.assets import ASSETS
from app.core.facts import Fact
from app.core.model import Block, ModelManifest, ModelTask
from app.core.units import format_bytes
from app.models.files import write_whole
from app.models.library import Library
from app.models.tracing.computation_graph import ComputationGraph
from app.models.tracing.graph_report import block_fact, dot_lines, graph_fields
from app.rack.home import Home
from app.words.catalogue import message, tr
from app.words.sentences import sentence

HEADINGS: Final = (
    message("block"),
    right(message("operations")),
    right(message("weights")),
    right(message("FLOPs a token")),
    right(message("cache a token")),
    right(message("sends on")),
)


def execute(arguments: argparse.Namespace) -> int:
    """Show the model; with `--dot` its graph is written as well."""
    Home(arguments.home).prepare()
    library = Library(arguments.home)
    library.ensure_demo(ASSETS / "demo_model")
    manifest = library.get(arguments.name)
    graph = library.computation_graph(manifest)
    if arguments.dot is not None:
        write_whole(arguments.dot, (f"{line}\n".encode() for line in dot_lines(manifest, graph)))
    quality = library.quality(manifest)
    if arguments.json:
        told = {"quality": asdict(quality) if quality else None}
        print_json({**model_report(manifest, quality), **told, **graph_fields(manifest, graph)})
    else:
        _print_blocks(manifest, graph)
        if quality:
            measured = quality_fact(quality)
            print_fact(Fact("model.measured", model=manifest.name, quality=measured))
            print_harm(manifest, quality)
    return 0


def _print_blocks(manifest: ModelManifest, graph: ComputationGraph) -> None:
    boundaries = [point.value_bytes for point in graph.cut_points if point.is_boundary]
    sent = [*map(format_bytes, boundaries), _answer(manifest.task)]
    rows = [_row(block, graph, out) for block, out in zip(manifest.blocks, sent, strict=True)]
    print_table(translated(HEADINGS), rows)
    print_fact(
        Fact(
            "model.graph",
            model=manifest.name,
            family=manifest.family,
            operations=len(graph.operations),
            edges=len(graph.edges),
            cut_points=len(graph.cut_points),
            between_blocks=len(boundaries),
        )
    )


def _answer(task: ModelTask) -> str:
    match task:
        case ModelTask.GENERATION:
            return tr("a token")
        case ModelTask.CLASSIFICATION:
            return tr("scores")
        case ModelTask.EMBEDDING:
            return tr("a vector")
        case _:
            assert_never(task)


def _row(block: Block, graph: ComputationGraph, sent: str) -> list[str]:
    operations = graph.operations_of(block.index)
    return [
        sentence(block_fact(block)),
        str(len(operations)),
        format_bytes(sum(blob.size_bytes for blob in block.blobs)),
        f"{sum(each.flops_per_token for each in operations):,}",
        format_bytes(block.kv_bytes_per_token) if block.kv_bytes_per_token else "",
        sent,
    ]
