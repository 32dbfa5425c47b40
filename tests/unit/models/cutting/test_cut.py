"""Decoders from ONNX files, cut at their layers: no torch, no family that knows them."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from app.__main__ import main
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.model import ModelManifest
from app.models.formats.onnx_checkpoint import OnnxCheckpoint
from app.models.library import Library
from app.models.shards import span_shape
from app.models.whole import WholeModel
from app.words.sentences import error_text
from tests.assignments import blocks
from tests.saying import raises_saying
from tests.unit.models.cutting.onnx_decoder import HIDDEN, PLACES, VOCABULARY, Decoder, plain_logits
from tests.unit.models.support import Stage, run_ring
from workers.engine.engine import ShardEngine
from workers.engine.session import open_session, takes_batches

CHUNKS = [[5, 3, 77, 15, 12], [9, 1], [60], [2], [44]]
KINDS = {
    "plain": Decoder(),
    "tied": Decoder(tied=True),
    "positions-fed": Decoder(fed_positions=True),
    "one-layer": Decoder(layers=1),
    "stored-mask": Decoder(stored_mask=True),
    "scaled-last": Decoder(scaled_last=True),
    "sees-ahead": Decoder(sees_ahead=True),
    "mixing-head": Decoder(mixing_head=True),
}
WRITTEN_OUT = ("scaled-last", "sees-ahead", "stored-mask")


def fresh(kind: str) -> Decoder:
    """Return a decoder of a kind that was not written yet."""
    return replace(KINDS[kind], nodes=[], tensors={}, generator=np.random.default_rng(3))


def kinds_of_nodes(library: Library, manifest: ModelManifest) -> list[str]:
    path = library.store.path(library.shard(manifest, manifest.chains[0].whole).graph.sha256)
    return [node.op_type for node in onnx.load(path, load_external_data=False).graph.node]


def ring(library: Library, manifest: ModelManifest, edges: list[int]) -> list[Stage]:
    spans = [(first, after - 1) for first, after in pairwise(edges)]
    return [
        Stage(library, manifest, library.shard(manifest, blocks(manifest, *span))) for span in spans
    ]


def wholes_logits(library: Library, manifest: ModelManifest) -> list[np.ndarray]:
    whole, position, results = WholeModel(manifest, library), 0, []
    for chunk in CHUNKS:
        results.append(whole.step(chunk, position))
        position += len(chunk)
    return results


@pytest.mark.parametrize("beside", [True, False], ids=["beside", "inside"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_decoder_computes_what_its_file_does(
    tmp_path: Path, kind: str, *, beside: bool
) -> None:
    path = fresh(kind).write(tmp_path / "c", beside=beside)
    library = Library(tmp_path / "home")
    manifest = library.import_folder(path, "m")
    assert manifest.layer_count == KINDS[kind].layers
    found = wholes_logits(library, manifest)
    for one, other in zip(found, plain_logits(path, CHUNKS), strict=True):
        assert np.abs(one - other).max() <= 1e-5 * np.abs(other).max()


@pytest.mark.parametrize("quantization", ["f32", "q8", "q4"])
@pytest.mark.parametrize("kind", ["tied", "scaled-last"])
def test_two_and_three_shards_equal_the_whole_bit_for_bit(
    tmp_path: Path, quantization: str, kind: str
) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(fresh(kind).write(tmp_path), "m", quantization)
    rings = [ring(library, manifest, edges) for edges in ([0, 1, 3], [0, 2, 3], [0, 1, 2, 3])]
    position = 0
    for chunk, expected in zip(CHUNKS, wholes_logits(library, manifest), strict=True):
        for stages in rings:
            assert np.array_equal(run_ring(stages, chunk, position)[0], expected)
        position += len(chunk)


@pytest.mark.parametrize("kind", KINDS)
def test_attention_is_fused_only_where_that_computes_the_same(tmp_path: Path, kind: str) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(fresh(kind).write(tmp_path), "m")
    found = kinds_of_nodes(library, manifest)
    written_out = kind in WRITTEN_OUT
    assert found.count("GroupQueryAttention") == (0 if written_out else manifest.layer_count)
    assert found.count("ScatterND") == (2 * manifest.layer_count if written_out else 0)
    assert found.count("Softmax") == (manifest.layer_count if written_out else 0)


def test_halves_become_float32(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    path = Decoder(element=np.float16).write(tmp_path / "half")
    manifest = library.import_folder(path, "m")
    (found, *_) = wholes_logits(library, manifest)
    wide = library.import_folder(Decoder().write(tmp_path / "full"), "wide")
    (expected, *_) = wholes_logits(library, wide)
    assert 0 < np.abs(found - expected).max() <= 5e-3 * np.abs(expected).max()


def test_quantised_weights_are_smaller_and_nearly_the_same(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    path = Decoder(tied=True).write(tmp_path)
    sizes, logits = [], []
    for quantization in ("f32", "q8", "q4"):
        manifest = library.import_folder(path, quantization, quantization)
        sizes.append(manifest.blocks[1].weight_bytes)
        logits.append(np.concatenate(wholes_logits(library, manifest)))
    assert sizes[0] > 3 * sizes[1] > 4.5 * sizes[2]
    assert np.corrcoef(logits[0], logits[1])[0, 1] > 0.99
    assert np.corrcoef(logits[0], logits[2])[0, 1] > 0.8


@pytest.mark.parametrize("kind", ["plain", "scaled-last"])
def test_rolling_back_leaves_nothing_behind(tmp_path: Path, kind: str) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(fresh(kind).write(tmp_path), "m")
    stages = ring(library, manifest, [0, 2, 3])
    run_ring(stages, [1, 2, 3, 4], 0)
    expected = run_ring(stages, [7], 4)
    run_ring(stages, [9, 9, 9], 4)
    assert np.array_equal(run_ring(stages, [7], 4), expected)


def test_a_file_that_is_quantised_already_keeps_its_codes(tmp_path: Path) -> None:
    from onnxruntime.quantization import matmul_nbits_quantizer  # noqa: PLC0415 - seconds to load

    path = Decoder().write(tmp_path / "c", beside=False)
    quantizer = matmul_nbits_quantizer.MatMulNBitsQuantizer(
        onnx.load(path), block_size=32, is_symmetric=True
    )
    quantizer.process()
    quantised = path.with_name("quantised.onnx")
    onnx.save(quantizer.model.model, quantised)
    library = Library(tmp_path / "home")
    manifest = library.import_folder(quantised, "m")
    assert kinds_of_nodes(library, manifest).count("MatMulNBits") == 6 * 3 + 1
    for one, other in zip(
        wholes_logits(library, manifest), plain_logits(quantised, CHUNKS), strict=True
    ):
        assert np.abs(one - other).max() <= 1e-5 * np.abs(other).max()


def test_the_command_line_imports_shows_and_draws_an_onnx_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, home = str(Decoder().write(tmp_path / "c")), ("--home", str(tmp_path / "home"))
    assert main(["models", "import", path, "--name", "hand", "--quantize", "q8", *home]) == 0
    assert "hand: onnx, generation, 3 layers, q8" in capsys.readouterr().out
    drawing = tmp_path / "graph.dot"
    assert main(["models", "show", "hand", "--json", "--dot", str(drawing), *home]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [block["label"] for block in shown["blocks"]][1:4] == ["layer 0", "layer 1", "layer 2"]
    assert drawing.read_text().count("subgraph") == 5
    assert main(["models", "import", path + ".data", "--name", "bad", *home]) == 1


TOGETHER = ("plain", "tied", "positions-fed", "one-layer")


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_several_slots_run_together_where_that_computes_the_same(
    tmp_path: Path, kind: str
) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(fresh(kind).write(tmp_path), "m")
    shard = library.shard(manifest, manifest.chains[0].whole)
    assert takes_several(library.store.path(shard.graph.sha256)) == (kind in TOGETHER)
    shape = span_shape(manifest, shard, manifest.context_tokens, 4)
    engine = ShardEngine(library.store.path(shard.graph.sha256), shape, 1)
    cached = {0: 9, 2: 1, 3: 30}
    for slot, count in cached.items():
        engine.run(slot, 0, np.arange(count)[None])
    rows = np.array([[8], [60], [44]])
    alone = [
        engine.run(slot, position, rows[index : index + 1])
        for index, (slot, position) in enumerate(cached.items())
    ]
    together = engine.run_rows(list(cached), list(cached.values()), rows)
    for one, other in zip(alone, together, strict=True):
        assert np.abs(one[0] - other).max() <= 1e-5 * np.abs(one).max()
        assert one.argmax() == other.argmax()


def takes_several(graph: Path) -> bool:
    return takes_batches(open_session(graph, 1))


def test_a_window_that_a_mask_tells_is_kept_without_the_mask(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(Decoder(window=7).write(tmp_path), "m")
    path = library.store.path(library.shard(manifest, blocks(manifest, 0, 2)).graph.sha256)
    assert takes_several(path)
    nodes = onnx.load(path, load_external_data=False).graph.node
    attention = [node for node in nodes if node.op_type == "GroupQueryAttention"]
    assert [windows(node) for node in attention] == [7] * 3
    assert {len(node.input) for node in attention} == {7}
    for one, other in zip(
        wholes_logits(library, manifest), plain_logits(tmp_path / "model.onnx", CHUNKS), strict=True
    ):
        assert np.abs(one - other).max() <= 1e-5 * np.abs(other).max()


def windows(node: onnx.NodeProto) -> int:
    return int(next(each.i for each in node.attribute if each.name == "local_window_size"))


def test_a_tied_head_names_the_embeddings_file_and_layers_only_their_own(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(Decoder(tied=True).write(tmp_path), "m")
    embedding, *layers, head = manifest.blocks
    assert set(embedding.blobs) <= set(head.blobs)
    assert all(len(layer.blobs) == 1 for layer in layers)
    assert len({blob for layer in layers for blob in layer.blobs}) == 3
    assert not set(library.shard(manifest, blocks(manifest, 1, 1)).blobs) & set(embedding.blobs)
    model = onnx.load(
        library.store.path(library.shard(manifest, blocks(manifest, 1, 1)).graph.sha256),
        load_external_data=False,
    )
    assert len(model.SerializeToString()) < 15_000


def test_figures_of_blocks_are_those_of_their_matrices(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(fresh("scaled-last").write(tmp_path), "m")
    graph = library.computation_graph(manifest)
    layer = manifest.blocks[2]
    assert layer.flops_per_token == 2 * (4 * HIDDEN * HIDDEN + 2 * HIDDEN * 96)
    assert manifest.blocks[-1].flops_per_token == 2 * HIDDEN * VOCABULARY
    for block in manifest.blocks:
        products = [each for each in graph.operations_of(block.index) if each.kind == "FusedMatMul"]
        assert sum(each.flops_per_token for each in products) == block.flops_per_token
    boundaries = [point for point in graph.cut_points if point.is_boundary]
    assert [point.value_bytes for point in boundaries] == [HIDDEN * 4] * 4
    attention = [each for each in graph.operations_of(2) if each.kind == "MatMul"]
    assert [each.flops_per_cached_token for each in attention] == [2 * HIDDEN, 2 * HIDDEN]


def test_a_graph_that_cannot_be_split_says_where(tmp_path: Path) -> None:
    path = Decoder(knot=True).write(tmp_path)
    with raises_saying(BadInputError, match=r"no point where one tensor carries everything after"):
        Library(tmp_path / "home").import_folder(path, "m")


def changed(path: Path, change: object) -> Path:
    model = onnx.load(path, load_external_data=False)
    change(model)  # type: ignore[operator]
    path.write_bytes(model.SerializeToString())
    return path


def set_place(key: str, value: str) -> object:
    def change(model: onnx.ModelProto) -> None:
        tensor = next(each for each in model.graph.initializer if each.external_data)
        kept = [entry for entry in tensor.external_data if entry.key != key]
        places = {entry.key: entry.value for entry in kept} | {key: value}
        del tensor.external_data[:]
        for name, place in places.items():
            tensor.external_data.add(key=name, value=place)

    return change


def drop_caches(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        if node.op_type == "Concat":
            node.op_type, node.input[:] = "Identity", [node.input[1]]
            del node.attribute[:]
    kept = [value for value in model.graph.input if "past" not in value.name]
    del model.graph.input[:]
    model.graph.input.extend(kept)


def feed_unknown(model: onnx.ModelProto) -> None:
    value = helper.make_tensor_value_info("token_type_ids", TensorProto.INT64, ["batch", "s"])
    model.graph.input.append(value)


def branch(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("then_branch", body))


BROKEN = {
    "outside": (set_place("location", "../secret"), "outside the graph's folder"),
    "absolute": (set_place("location", "/etc/passwd"), "outside the graph's folder"),
    "missing": (set_place("location", "other.data"), "other.data is missing"),
    "place": (set_place("offset", "-8"), "no usable place"),
    "short": (set_place("offset", "99999999"), "cut short"),
    "length": (set_place("length", "12"), "length that its shape says"),
    "no-caches": (drop_caches, "no cache inputs"),
    "unknown-input": (feed_unknown, "what to feed the graph's input token_type_ids"),
    "branch": (branch, "cannot be split: node .* runs one of several graphs"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_gives_one_clear_line_and_leaves_the_store_alone(
    tmp_path: Path, case: str
) -> None:
    (tmp_path / "secret").write_bytes(bytes(1 << 20))
    change, line = BROKEN[case]
    path = changed(Decoder().write(tmp_path / "c"), change)
    library = Library(tmp_path / "home")
    with raises_saying(BadInputError, match=line) as raised:
        library.import_folder(path, "m")
    assert "\n" not in error_text(raised.value)
    assert library.models() == ()
    assert not list(library.store.folder.iterdir())


@pytest.mark.parametrize("size", [0, 7, 900])
def test_a_file_cut_short_is_refused(tmp_path: Path, size: int) -> None:
    path = Decoder().write(tmp_path / "c")
    path.write_bytes(path.read_bytes()[:size])
    with raises_saying(BadInputError, match="is no ONNX file"):
        Library(tmp_path / "home").import_folder(path, "m")


def test_bytes_changed_anywhere_are_refused_or_do_no_harm(tmp_path: Path) -> None:
    path = Decoder(layers=2).write(tmp_path / "c")
    content, generator = path.read_bytes(), np.random.default_rng(0)
    lines = []
    for _ in range(80):
        changed_bytes = bytearray(content)
        changed_bytes[generator.integers(len(content))] = generator.integers(256)
        path.write_bytes(changed_bytes)
        try:
            OnnxCheckpoint(path)
        except BadInputError as error:
            lines.append(error_text(error))
    assert len(lines) > 20
    assert not any("\n" in line for line in lines)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    path = Decoder().write(tmp_path / "c")
    data = path.with_name("model.onnx.data")
    content = np.fromfile(data, np.float32)
    content[len(content) // 2 :] = np.nan
    content.tofile(data)
    library = Library(tmp_path / "home")
    with raises_saying(BadInputError, match="not finite"):
        library.import_folder(path, "m")
    assert library.models() == ()


def test_an_import_that_was_interrupted_goes_on_where_it_ended(tmp_path: Path) -> None:
    path, library = Decoder().write(tmp_path / "c"), Library(tmp_path / "home")

    def interrupt(stage: Fact, done: int, _total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt(stage)

    with pytest.raises(KeyboardInterrupt):
        library.import_folder(path, "m", progress=interrupt)
    assert library.models() == ()
    before = {each.name: each.stat().st_mtime_ns for each in library.store.folder.iterdir()}
    assert len(before) == 3
    library.import_folder(path, "m")
    after = {each.name: each.stat().st_mtime_ns for each in library.store.folder.iterdir()}
    assert before.items() <= after.items()


def test_the_context_is_as_long_as_the_table_of_positions(tmp_path: Path) -> None:
    manifest = Library(tmp_path / "home").import_folder(Decoder().write(tmp_path / "c"), "m")
    assert manifest.context_tokens == PLACES


def test_what_lies_beside_the_file_is_used(tmp_path: Path) -> None:
    path = Decoder().write(tmp_path / "c")
    (path.parent / "config.json").write_text(
        '{"model_type": "hand", "n_positions": 48, "bos_token_id": 1, "eos_token_id": 2}'
    )
    manifest = Library(tmp_path / "home").import_folder(path, "m")
    found = (manifest.family, manifest.context_tokens, manifest.begin_token, manifest.end_tokens)
    assert found == ("hand", 48, 1, (2,))
