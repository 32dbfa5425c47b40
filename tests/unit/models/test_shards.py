from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import BadInputError
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.whole import WholeModel, run_whole
from tests.assignments import blocks
from tests.saying import raises_saying
from tests.unit.models.support import Stage, run_ring, stages, write_random
from workers.protocol.chain import ChainName, Span

PROMPT = [0, 17, 200, 5, 42]


@pytest.mark.parametrize("quantization", ["f32", "q8", "q4"])
@pytest.mark.parametrize("head", ["tied", "own"])
def test_two_and_four_shards_equal_the_monolith_bit_for_bit(
    tmp_path: Path, quantization: str, head: str
) -> None:
    library = Library(tmp_path / "home")
    folder = write_random(
        tmp_path / "c",
        "bf16",
        tie_word_embeddings=head == "tied",
        attention_bias=True,
        mlp_bias=True,
    )
    manifest = library.import_folder(folder, "m", quantization)
    whole = WholeModel(manifest, library)
    rings = [stages(library, manifest, count) for count in (2, 4)]
    pending, position = PROMPT, 0
    for _ in range(8):
        expected = whole.step(pending, position)
        for ring in rings:
            assert np.array_equal(run_ring(ring, pending, position)[0], expected)
        position += len(pending)
        pending = [int(expected.argmax())]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Library, ModelManifest]:
    folder = tmp_path_factory.mktemp("imported")
    library = Library(folder / "home")
    return library, library.import_folder(write_random(folder / "c"), "m")


@settings(deadline=None)
@given(
    cuts=st.sets(st.integers(1, 3)),
    tokens=st.lists(st.integers(0, 319), min_size=2, max_size=20),
    data=st.data(),
)
def test_any_cut_and_any_chunks_equal_the_monolith_bit_for_bit(
    imported: tuple[Library, ModelManifest],
    cuts: set[int],
    tokens: list[int],
    data: st.DataObject,
) -> None:
    library, manifest = imported
    edges = [0, *sorted(cuts), 4]
    ring = [
        Stage(library, manifest, library.shard(manifest, blocks(manifest, first, after - 1)))
        for first, after in pairwise(edges)
    ]
    whole = WholeModel(manifest, library)
    chunk = data.draw(st.integers(1, len(tokens)))
    for start in range(0, len(tokens), chunk):
        expected = whole.step(tokens[start : start + chunk], start)
        found = run_ring(ring, tokens[start : start + chunk], start)[0]
        assert np.array_equal(found, expected)


def test_sequences_of_unequal_length_decode_together_as_they_do_alone(
    imported: tuple[Library, ModelManifest],
) -> None:
    library, manifest = imported
    shard = library.shard(manifest, blocks(manifest, 0, 3))
    together = Stage(library, manifest, shard, sequences=2)
    prompts = np.array([[0, 5, 9, 0, 0], [0, 7, 33, 2, 64]], np.int64)
    lengths = (3, 5)
    together.step(prompts, 0, 0)
    found = together.step(np.array([[11], [12]], np.int64), *lengths)
    for row, (length, token) in enumerate(zip(lengths, (11, 12), strict=True)):
        alone = Stage(library, manifest, shard)
        alone.step(prompts[row : row + 1, :length], 0)
        expected = alone.step(np.array([[token]], np.int64), length)[0]
        assert np.allclose(found[row], expected, rtol=1e-4, atol=1e-5)


def test_a_shard_has_the_inputs_and_outputs_that_workers_expect(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_random(tmp_path / "c"), "m")
    first = Stage(library, manifest, library.shard(manifest, blocks(manifest, 0, 1))).session
    last = Stage(library, manifest, library.shard(manifest, blocks(manifest, 3, 3))).session
    cache = ["batch", 2, "context", 16]
    assert [(each.name, each.type, each.shape) for each in first.get_inputs()] == [
        ("input_ids", "tensor(int64)", ["batch", "tokens"]),
        ("seqlens_k", "tensor(int32)", ["batch"]),
        ("total_len", "tensor(int32)", []),
        ("past.0.key", "tensor(float)", cache),
        ("past.0.value", "tensor(float)", cache),
        ("past.1.key", "tensor(float)", cache),
        ("past.1.value", "tensor(float)", cache),
    ]
    assert [(each.name, each.shape) for each in first.get_outputs()][:2] == [
        ("hidden_out", ["batch", "tokens", 64]),
        ("present.0.key", cache),
    ]
    assert last.get_inputs()[0].name == "hidden_in"
    assert [(each.name, each.shape) for each in last.get_outputs()] == [
        ("logits", ["batch", 320]),
        ("final_row", ["batch", 64]),
        ("present.3.key", cache),
        ("present.3.value", cache),
    ]


def test_a_graph_is_a_small_file_that_names_exactly_its_blobs(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_random(tmp_path / "c", tie_word_embeddings=True), "m")
    shard = library.shard(manifest, blocks(manifest, 1, 3))
    model = onnx.load(library.store.path(shard.graph.sha256), load_external_data=False)
    places = {
        entry.value
        for tensor in model.graph.initializer
        for entry in tensor.external_data
        if entry.key == "location"
    }
    assert places == {blob.sha256 for blob in shard.blobs}
    assert shard.graph.size_bytes < 12_000


def test_weights_lie_at_page_boundaries(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_random(tmp_path / "c"), "m", "q4")
    shard = library.shard(manifest, blocks(manifest, 0, 3))
    model = onnx.load(library.store.path(shard.graph.sha256), load_external_data=False)
    offsets = [
        int(entry.value)
        for tensor in model.graph.initializer
        for entry in tensor.external_data
        if entry.key == "offset"
    ]
    assert len(offsets) > 20
    assert all(offset % 4096 == 0 for offset in offsets)


def test_a_tied_embedding_is_stored_once_and_named_by_the_head(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_random(tmp_path / "c", tie_word_embeddings=True), "m")
    (embedding,) = manifest.blocks[0].blobs
    assert embedding.size_bytes == 320 * 64 * 4
    assert embedding in manifest.blocks[-1].blobs
    assert embedding in library.shard(manifest, blocks(manifest, 3, 3)).blobs
    assert embedding not in library.shard(manifest, blocks(manifest, 1, 2)).blobs


def test_a_quantised_tied_head_reads_the_embeddings_own_bytes(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    folder = write_random(tmp_path / "c", tie_word_embeddings=True)
    manifest = library.import_folder(folder, "m", "q4-plain")
    embedding, head = manifest.blocks[0], manifest.blocks[-1]
    assert embedding.blobs[0] in library.shard(manifest, blocks(manifest, 3, 3)).blobs
    assert embedding.blobs[0].size_bytes < 320 * 64 * 4 / 5
    assert sum(blob.size_bytes for blob in head.blobs if blob not in embedding.blobs) == 64 * 4
    assert head.weight_bytes == 320 * 64 * 0.5 + 320 * 2 * 4 + 64 * 4


def test_a_shard_built_twice_is_the_same_file(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_random(tmp_path / "c"), "m")
    first = library.shard(manifest, blocks(manifest, 1, 2))
    written = library.store.path(first.graph.sha256).stat().st_mtime_ns
    assert Library(tmp_path / "home").shard(manifest, blocks(manifest, 1, 2)) == first
    assert library.store.path(first.graph.sha256).stat().st_mtime_ns == written


@pytest.mark.parametrize("span", [(0, 4), (4, 4), (3, 99)])
def test_a_span_the_model_does_not_have_is_refused(tmp_path: Path, span: tuple[int, int]) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_random(tmp_path / "c"), "m")
    with raises_saying(BadInputError, match="has layers 0 to 3"):
        library.shard(manifest, blocks(manifest, *span))


def test_a_chain_that_the_model_does_not_have_is_refused(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_random(tmp_path / "c"), "m")
    with raises_saying(BadInputError, match="m has no encoder."):
        library.shard(manifest, Span(ChainName.ENCODER, 0, 1))


def test_lowering_the_position_rolls_the_cache_back(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_random(tmp_path / "c"), "m")
    ring = stages(library, manifest, 2)
    run_ring(ring, PROMPT, 0)
    expected = run_ring(ring, [7], len(PROMPT))
    run_ring(ring, [9], len(PROMPT) + 1)
    run_ring(ring, [8], len(PROMPT))
    assert np.array_equal(run_ring(ring, [7], len(PROMPT)), expected)


def test_the_whole_model_stops_at_an_end_token_and_at_the_context(tmp_path: Path) -> None:
    library = Library(tmp_path / "home")
    folder = write_random(tmp_path / "c", eos_token_id=None)
    manifest = library.import_folder(folder, "m")
    free = run_whole(manifest, library, PROMPT, 12)
    assert len(free) == 12
    end = free[4]
    folder = write_random(tmp_path / "c", eos_token_id=end)
    manifest = library.import_folder(folder, "m")
    assert run_whole(manifest, library, PROMPT, 12) == free[: free.index(end) + 1]
    with raises_saying(BadInputError, match="do not fit the context of 64"):
        run_whole(manifest, library, PROMPT, 60)


@pytest.mark.parametrize("quantization", ["f32", "q4-plain"])
def test_block_figures_count_what_one_token_reads(tmp_path: Path, quantization: str) -> None:
    library = Library(tmp_path / "home")
    folder = write_random(tmp_path / "c", tie_word_embeddings=True)
    manifest = library.import_folder(folder, "m", quantization)
    embedding, layer, head = manifest.blocks[0], manifest.blocks[1], manifest.blocks[-1]
    matrices = 2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64
    bytes_per_weight = {"f32": 4.0, "q4-plain": 0.5 + 4 / 32}[quantization]
    norms, rotary_row = 2 * 64 * 4, 16 * 4
    assert embedding.weight_bytes == 64 * bytes_per_weight
    assert layer.weight_bytes == math.prod((matrices, bytes_per_weight)) + norms + rotary_row
    assert layer.flops_per_token == 2 * matrices
    assert layer.kv_bytes_per_token == 2 * 2 * 16 * 4
    assert head.weight_bytes == 320 * 64 * bytes_per_weight + 64 * 4
    assert head.flops_per_token == 2 * 320 * 64
    assert embedding.kv_bytes_per_token == head.kv_bytes_per_token == 0


@pytest.mark.parametrize("quantization", ["f32", "q8", "q4"])
def test_every_way_to_cut_four_layers_gives_the_same_bits(
    tmp_path: Path, quantization: str
) -> None:
    library = Library(tmp_path / "home")
    manifest = library.import_folder(write_random(tmp_path / "c"), "m", quantization)
    logits, stage_counts = set(), set()
    for cuts in range(8):
        ends = [-1, *(layer for layer in range(3) if cuts >> layer & 1), 3]
        spans = [(before + 1, end) for before, end in pairwise(ends)]
        ring = [
            Stage(library, manifest, library.shard(manifest, blocks(manifest, *span)))
            for span in spans
        ]
        stage_counts.add(len(ring))
        prefilled = run_ring(ring, PROMPT, 0).tobytes()
        logits.add((prefilled, run_ring(ring, [9], len(PROMPT)).tobytes()))
    assert stage_counts == {1, 2, 3, 4}
    assert len(logits) == 1
