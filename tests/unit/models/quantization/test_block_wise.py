from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from onnx import TensorProto

from app.core.errors import BadInputError
from app.core.model import BlockKind
from app.models.families.interface import BlockPlan, Part, Weight, WeightRole
from app.models.formats.checkpoint import Checkpoint
from app.models.graphs.graph import ShardGraph
from app.models.importing.encoding import encode
from app.models.importing.precision import Precision
from app.models.quantization.block_wise import BLOCK_COLUMNS, Quantization, quantize_rows
from app.models.store import BlobStore
from app.models.tensors import write_blob
from tests.saying import raises_saying
from tests.unit.models.support import CONFIGURATION, random_tensors, write_folder

FLOATS = st.floats(-8, 8, width=32)


def dequantized(
    codes: NDArray[np.uint8], scales: NDArray[np.float32], bits: int
) -> NDArray[np.float32]:
    if bits == 4:
        codes = np.stack([codes & 15, codes >> 4], axis=-1).reshape(*codes.shape[:2], -1)
    centred = codes.astype(np.float32) - (1 << (bits - 1))
    return (centred * scales[..., None]).reshape(len(codes), -1)


@pytest.mark.parametrize("bits", [4, 8])
@settings(deadline=None)
@given(weights=arrays(np.float32, (3, 2 * BLOCK_COLUMNS), elements=FLOATS))
def test_no_weight_is_off_by_more_than_one_step(weights: NDArray[np.float32], bits: int) -> None:
    codes, scales = quantize_rows(weights, bits)
    assert codes.shape == (3, 2, BLOCK_COLUMNS * bits // 8)
    assert scales.shape == (3, 2)
    error = np.abs(dequantized(codes, scales, bits) - weights).reshape(3, 2, BLOCK_COLUMNS)
    assert (error <= np.abs(scales)[..., None] * 1.001 + 1e-30).all()


@pytest.mark.parametrize("bits", [4, 8])
def test_the_largest_weight_of_a_block_is_exact(bits: int) -> None:
    weights = np.random.default_rng(1).normal(size=(8, BLOCK_COLUMNS)).astype(np.float32)
    restored = dequantized(*quantize_rows(weights, bits), bits)
    largest = np.abs(weights).argmax(axis=1)
    rows = np.arange(8)
    assert np.allclose(restored[rows, largest], weights[rows, largest], rtol=1e-6)


@pytest.mark.parametrize(
    ("quantization", "tolerance"),
    [(Quantization.F32, 1e-6), (Quantization.Q8, 0.02), (Quantization.Q4, 0.02)],
)
def test_the_runtime_multiplies_with_what_was_stored(
    tmp_path_factory: pytest.TempPathFactory, quantization: Quantization, tolerance: float
) -> None:
    folder = tmp_path_factory.mktemp("product")
    tensors = random_tensors(CONFIGURATION)
    name, shape = "model.layers.0.mlp.down_proj.weight", (64, 96)
    matrix = tensors[name]
    checkpoint = Checkpoint(write_folder(folder / "c", CONFIGURATION, tensors))
    store = BlobStore(folder / "store")
    weight = Weight("w", WeightRole.MATRIX, (Part(name, shape),))
    _, stored = write_blob(store, encode(weight, checkpoint, quantization.bits, quantize_rows))
    graph = ShardGraph({tensor.name: tensor for tensor in stored})
    value = graph.input("x", TensorProto.FLOAT, ("rows", 96))
    graph.output(graph.linear(value, "w"), "y", ("rows", 64))
    blob = store.put_bytes(graph.serialize("product"))
    session = onnxruntime.InferenceSession(str(store.path(blob.sha256)))
    inputs = np.random.default_rng(2).normal(size=(5, 96)).astype(np.float32)
    bits = quantization.bits
    used = matrix if bits == 32 else dequantized(*quantize_rows(matrix, bits), bits)
    found, expected = session.run(None, {"x": inputs})[0], inputs @ used.T
    assert np.linalg.norm(found - expected) <= tolerance * np.linalg.norm(expected)


@pytest.mark.parametrize("quantization", list(Quantization))
def test_the_runtime_looks_up_the_rows_that_were_stored(
    tmp_path: Path, quantization: Quantization
) -> None:
    tensors = random_tensors(CONFIGURATION)
    name, shape = "model.embed_tokens.weight", (320, 64)
    checkpoint = Checkpoint(write_folder(tmp_path / "c", CONFIGURATION, tensors))
    store = BlobStore(tmp_path / "store")
    weight = Weight("w", WeightRole.EMBEDDING, (Part(name, shape),))
    _, stored = write_blob(store, encode(weight, checkpoint, quantization.bits, quantize_rows))
    graph = ShardGraph({tensor.name: tensor for tensor in stored})
    indices = graph.input("x", TensorProto.INT64, ("batch", "tokens"))
    graph.output(graph.rows(indices, "w"), "y", ("batch", "tokens", 64))
    blob = store.put_bytes(graph.serialize("lookup"))
    session = onnxruntime.InferenceSession(str(store.path(blob.sha256)))
    wanted = np.array([[3, 319, 0], [7, 7, 100]], np.int64)
    bits = quantization.bits
    table = tensors[name]
    used = table if bits == 32 else dequantized(*quantize_rows(table, bits), bits)
    assert np.array_equal(session.run(None, {"x": wanted})[0], used[wanted])


def test_a_matrix_whose_columns_do_not_fill_blocks_stays_float32(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    configuration = {**CONFIGURATION, "intermediate_size": 90}
    tensors = random_tensors(configuration)
    folder = write_folder(tmp_path_factory.mktemp("c"), configuration, tensors)
    name = "model.layers.0.mlp.down_proj.weight"
    weight = Weight("w", WeightRole.MATRIX, (Part(name, (64, 90)),))
    precision = Precision((BlockPlan(BlockKind.LAYER, (weight,)),), Quantization.Q4)
    (tensor,) = encode(weight, Checkpoint(folder), precision.bits(weight), quantize_rows)
    assert tensor.element == "float32"
    assert np.array_equal(np.concatenate(list(tensor.pieces)), tensors[name])


def test_an_unknown_quantisation_is_refused_with_the_known_ones() -> None:
    with raises_saying(BadInputError, match="choose f32, q8, q4"):
        Quantization.parse("int3")
