"""The computation graph against what onnxruntime computes, and every family's cuts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from app.__main__ import main
from app.core.errors import BadInputError
from app.core.model import BlockKind, ModelManifest
from app.models.library import Library
from app.models.tracing.computation_graph import ComputationGraph, Dependency
from app.models.tracing.graph_report import dot_lines, graph_fields
from tests.saying import raises_saying
from tests.unit.models.families import ANSWERING, FAMILIES, write_family

Imported = tuple[Library, ModelManifest, ComputationGraph]
PRODUCTS = {"FusedMatMul", "MatMulNBits", "Experts"}
PAIRED = ("gpt_neox", "cohere", "cohere2")
"""Families whose attention and feed-forward run side by side."""


KINDS = [
    *((name, "f32") for name in (*FAMILIES, *ANSWERING)),
    ("llama", "q4"),
    ("gpt_oss", "q4"),
    ("gemma2", "q8"),
]


@pytest.fixture(scope="module", params=KINDS, ids="-".join)
def imported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    folder = tmp_path_factory.mktemp("graph")
    library = Library(folder / "home")
    name, quantization = request.param
    manifest = library.import_folder(write_family(folder / "c", name), name, quantization)
    return library, manifest, library.computation_graph(manifest)


def run_with_every_value(library: Library, manifest: ModelManifest) -> dict[str, np.ndarray]:
    """Decode one token at the end of a full context; returns every value by name."""
    shard = library.shard(manifest, manifest.chains[0].whole)
    model = onnx.load(library.store.path(shard.graph.sha256))
    declared = {output.name for output in model.graph.output}
    names = [name for node in model.graph.node for name in node.output]
    model.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in names if name not in declared
    )
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, ["CPUExecutionProvider"]
    )
    context = manifest.context_tokens
    past = (1, manifest.kv_heads, context, manifest.head_size)
    inputs = {
        "input_ids": np.array([[7]], np.int64),
        "seqlens_k": np.array([context - 1], np.int32),
        "total_len": np.array(context, np.int32),
    }
    for value in session.get_inputs():
        if value.name.startswith("past."):
            inputs[value.name] = np.zeros(past, np.float32)
    outputs = [output.name for output in session.get_outputs()]
    return dict(zip(outputs, session.run(outputs, inputs), strict=True))


def test_sizes_on_edges_are_those_onnxruntime_computes(imported: Imported) -> None:
    library, manifest, graph = imported
    values = run_with_every_value(library, manifest)
    sizes = {edge.value: edge.value_bytes for edge in graph.edges if edge.value != "input_ids"}
    assert len(sizes) > 20
    assert sizes == {name: values[name].nbytes for name in sizes}


def test_one_hidden_state_is_all_that_crosses_from_block_to_block(imported: Imported) -> None:
    _, manifest, graph = imported
    boundaries = [point for point in graph.cut_points if point.is_boundary]
    assert len(boundaries) == manifest.layer_count + 1
    assert {point.value_bytes for point in boundaries} == {manifest.boundary_bytes_per_token}
    for point, block in zip(boundaries, manifest.blocks[1:], strict=True):
        crossing = {
            edge.value
            for edge in graph.edges_into(block.index)
            if edge.dependency is not Dependency.RECOMPUTED
        }
        assert crossing == {point.value}


def test_layers_can_be_cut_between_their_halves_unless_these_run_side_by_side(
    imported: Imported,
) -> None:
    _, manifest, graph = imported
    layers = {block.index for block in manifest.blocks if block.kind is BlockKind.LAYER}
    block_of = {operation.name: operation.block for operation in graph.operations}
    cuts = [point for point in graph.cut_points if block_of[point.source] in layers]
    halves = 1 if manifest.name in PAIRED else 2
    assert sum(point.value_bytes == manifest.hidden_size * 4 for point in cuts) >= halves * 3
    if manifest.name in PAIRED:
        assert len(cuts) == 3


def test_figures_agree_with_those_the_planner_uses(imported: Imported) -> None:
    _, manifest, graph = imported
    for block in manifest.blocks:
        operations = graph.operations_of(block.index)
        products = [each for each in operations if each.kind in PRODUCTS]
        assert sum(each.flops_per_token for each in products) == block.flops_per_token
        attention = [each.flops_per_cached_token for each in operations]
        heads = 4 * manifest.attention_heads * manifest.head_size
        assert sum(attention) == (heads if block.kind is BlockKind.LAYER else 0)


def test_every_operation_reads_only_what_was_there_before_it(imported: Imported) -> None:
    _, _, graph = imported
    order = {operation.name: index for index, operation in enumerate(graph.operations)}
    assert len(order) == len(graph.operations)
    for edge in graph.edges:
        assert edge.source is None or order[edge.source] < order[edge.target]
    assert {edge.dependency for edge in graph.edges} >= {
        Dependency.SEQUENTIAL,
        Dependency.RESIDUAL,
    }


def test_graphviz_gets_every_operation_once_and_every_edge_between_them(imported: Imported) -> None:
    _, manifest, graph = imported
    lines = list(dot_lines(manifest, graph))
    declared = {found[1] for line in lines if (found := re.match(r' *"([^"]+)" \[', line))}
    assert declared == {operation.name for operation in graph.operations} | {"input_ids"}
    ends = [found.groups() for line in lines if (found := re.match(r'  "(.+)" -> "(.+)" ', line))]
    assert len(ends) == len(graph.edges)
    assert {end for pair in ends for end in pair} <= declared
    assert sum(line.count("{") - line.count("}") for line in lines) == 0


def test_positions_and_biases_are_named_as_recomputed(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_family(tmp_path / "c", "bloom"), "m")
    fields = graph_fields(manifest, library.computation_graph(manifest))
    blocks = fields["blocks"]
    assert isinstance(blocks, list)
    assert [len(block["sequential"]) for block in blocks] == [1] * 5
    assert [len(block["residual"]) for block in blocks] == [0] * 5
    assert [len(block["recomputed"]) for block in blocks] == [0, 1, 1, 1, 0]
    (bias,) = blocks[2]["recomputed"]
    assert bias["value_bytes"] == 6 * 64 * 4


def test_the_graph_of_a_model_imported_anew_is_refused(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    folder = write_family(tmp_path / "c", "gpt2")
    old = library.import_folder(folder, "m")
    library.import_folder(folder, "m", "q8")
    with raises_saying(BadInputError, match="imported anew"):
        library.computation_graph(old)


def test_the_command_prints_the_graph_and_writes_it_for_graphviz(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    library = Library(tmp_path)
    library.import_folder(write_family(tmp_path / "c", "opt"), "small", "q4")
    drawn = tmp_path / "graph.dot"
    command = ["models", "show", "small", "--home", str(tmp_path)]
    assert main([*command, "--json", "--dot", str(drawn)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["family"], len(shown["blocks"])) == ("small", "opt", 5)
    assert len(shown["cut_points"]) > 4
    assert drawn.read_text().startswith("digraph {")
    assert main(command) == 0
    assert "layer 2" in capsys.readouterr().out
    assert main(["models", "show", "other", "--home", str(tmp_path)]) == 1
    assert "There is no model other" in capsys.readouterr().err
