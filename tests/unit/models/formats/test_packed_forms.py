"""Matrices that others have quantised, against a dequantisation written from the published form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from app.core.errors import BadInputError
from app.models.formats.checkpoint import Checkpoint
from app.models.library import Library
from app.models.quantization.block_wise import unpacked
from tests.saying import raises_saying
from tests.unit.models.families import write_family

Array = NDArray[Any]
Made = tuple[dict[str, Array], Array]
"""Tensors of one matrix by their suffixes, and the matrix that they stand for."""
AWQ_ORDER = (0, 2, 4, 6, 1, 3, 5, 7)
"""Which of eight rows lies in each nibble, the lowest first (AutoAWQ's `WQLinear_GEMM`)."""
GROUP = 32


def words(numbers: Array, order: tuple[int, ...] = tuple(range(8))) -> Array:
    """Put eight numbers of the last axis into each word."""
    eights = numbers.reshape(*numbers.shape[:-1], -1, 8).astype(np.uint32)
    found = np.zeros(eights.shape[:-1], np.uint32)
    for nibble, each in enumerate(order):
        found |= eights[..., each] << np.uint32(4 * nibble)
    return found.view(np.int32)


def parts(rows: int, columns: int, seed: int) -> tuple[Array, Array, Array]:
    """Draw codes [columns, rows], zeros and scales [groups, rows]."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 16, (columns, rows))
    zeros = generator.integers(1, 16, (columns // GROUP, rows))
    scales = generator.uniform(0.01, 0.1, (columns // GROUP, rows)).astype(np.float16)
    return codes, zeros, scales


def gptq(rows: int, columns: int, seed: int, *, middle: bool, shuffled: bool) -> Made:
    codes, zeros, scales = parts(rows, columns, seed)
    zeros = np.full_like(zeros, 8) if middle else zeros
    places = np.arange(columns) // GROUP
    if shuffled:
        places = np.random.default_rng(seed).permutation(places)
    stored = {
        "qweight": words(codes.T).T.copy(),
        "qzeros": words(zeros - 1),
        "scales": scales,
        "g_idx": places.astype(np.int32),
    }
    return stored, ((codes - zeros[places]) * scales[places].astype(np.float32)).T


def awq(rows: int, columns: int, seed: int) -> Made:
    codes, zeros, scales = parts(rows, columns, seed)
    places = np.arange(columns) // GROUP
    stored = {
        "qweight": words(codes, AWQ_ORDER),
        "qzeros": words(zeros, AWQ_ORDER),
        "scales": scales,
    }
    return stored, ((codes - zeros[places]) * scales[places].astype(np.float32)).T


def compressed(rows: int, columns: int, seed: int) -> Made:
    codes, _, scales = parts(rows, columns, seed)
    stored = {"weight_packed": words(codes.T), "weight_scale": scales.T.copy()}
    own = np.repeat(scales.astype(np.float32), GROUP, axis=0)
    return stored, ((codes - 8.0) * own).T.astype(np.float32)


def nf4(rows: int, columns: int, seed: int) -> Made:
    generator, block, nested = np.random.default_rng(seed), 64, 256
    table = np.sort(generator.uniform(-1, 1, 16)).astype(np.float32)
    codes = generator.integers(0, 16, rows * columns)
    outer = generator.uniform(0.1, 0.3, 1).astype(np.float32)
    outer_table = np.linspace(-1, 1, 256).astype(np.float32)
    sizes = generator.integers(0, 256, rows * columns // block)
    scales = outer_table[sizes] * outer[0] + np.float32(0.25)
    state = {"quant_type": "nf4", "blocksize": block, "shape": [rows, columns], "dtype": "float32"}
    state |= {"nested_blocksize": nested, "nested_offset": 0.25, "nested_dtype": "float32"}
    stored: dict[str, Array] = {
        "weight": (codes[0::2] << 4 | codes[1::2]).astype(np.uint8)[:, None],
        "weight.absmax": sizes.astype(np.uint8),
        "weight.quant_map": table,
        "weight.nested_absmax": np.repeat(outer, -(-len(sizes) // nested)),
        "weight.nested_quant_map": outer_table,
        "weight.quant_state.bitsandbytes__nf4": np.frombuffer(json.dumps(state).encode(), np.uint8),
    }
    values = table[codes] * np.repeat(scales, block)
    return stored, values.reshape(rows, columns)


def int8(rows: int, columns: int, seed: int) -> Made:
    generator = np.random.default_rng(seed)
    codes = generator.integers(-127, 128, (rows, columns)).astype(np.int8)
    largest = generator.uniform(0.5, 2, rows).astype(np.float32)
    return {"weight": codes, "SCB": largest}, codes * (largest / np.float32(127))[:, None]


GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": GROUP}
WEIGHTS = {"config_groups": {"group_0": {"weights": {"num_bits": 4}}}}
FORMS: dict[str, tuple[dict[str, Any], Callable[[int, int, int], Made], tuple[int, ...]]] = {
    "gptq": (GPTQ, lambda *at: gptq(*at, middle=True, shuffled=False), (4, 8)),
    "gptq with zeros": (GPTQ, lambda *at: gptq(*at, middle=False, shuffled=False), (8,)),
    "gptq in any order": (GPTQ, lambda *at: gptq(*at, middle=False, shuffled=True), ()),
    "awq": ({"quant_method": "awq", "bits": 4, "group_size": GROUP, "version": "gemm"}, awq, (8,)),
    "compressed-tensors": (
        {"quant_method": "compressed-tensors", "format": "pack-quantized", **WEIGHTS},
        compressed,
        (4, 8),
    ),
    "nf4": ({"quant_method": "bitsandbytes", "load_in_4bit": True}, nf4, ()),
    "int8": ({"quant_method": "bitsandbytes", "load_in_8bit": True}, int8, (8,)),
}
"""Settings, what makes a matrix, and in how many bits of ours its blocks are carried over."""


def folder_of(folder: Path, form: str) -> tuple[Path, Mapping[str, Array]]:
    """Write a checkpoint whose projections have a form; also returns what they stand for."""
    settings, make, _ = FORMS[form]
    path = write_family(folder, "llama")
    fields = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps({**fields, "quantization_config": settings}))
    tensors, meant = load_file(path / "model.safetensors"), dict[str, Array]()
    for seed, name in enumerate([each for each in tensors if each.endswith("proj.weight")]):
        rows, columns = tensors.pop(name).shape
        stored, meant[name] = make(rows, columns, seed)
        tensors |= {name.removesuffix("weight") + suffix: each for suffix, each in stored.items()}
    save_file(tensors, path / "model.safetensors")
    return path, meant


@pytest.mark.parametrize("form", FORMS)
def test_matrices_are_what_the_form_says_and_blocks_are_carried_over_where_they_fit(
    tmp_path: Path, form: str
) -> None:
    folder, meant = folder_of(tmp_path / "c", form)
    checkpoint, carried = Checkpoint(folder), FORMS[form][2]
    for name, expected in meant.items():
        checkpoint.require(name, expected.shape)
        found = np.concatenate(list(checkpoint.pieces(name)))
        assert np.allclose(found, expected, rtol=1e-6, atol=1e-7)
        some = np.concatenate(list(checkpoint.pieces(name, [(3, 11), (16, 17)])))
        assert np.array_equal(some, np.concatenate([found[3:11], found[16:17]]))
        for bits in (4, 8):
            blocks = checkpoint.packed_pieces(name, (), bits)
            assert (blocks is not None) == (bits in carried)
            if blocks is not None:
                kept = np.concatenate([unpacked(*each) for each in blocks])
                assert np.allclose(kept, found, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("form", ["gptq in any order", "awq", "nf4"])
def test_such_checkpoints_are_imported(tmp_path: Path, home: Path, form: str) -> None:
    library, told = Library(home), list[str]()
    folder, _ = folder_of(tmp_path / "c", form)
    library.import_folder(folder, "m", "q4", progress=lambda stage, *_at: told.append(stage.code))
    assert "import.rounded_twice" in told


@pytest.mark.parametrize(
    ("form", "suffix", "change", "line"),
    [
        ("gptq", "q_proj.g_idx", lambda each: each + 99, "groups of columns that there are none"),
        ("gptq", "q_proj.scales", lambda each: each[:, :-1], "scales has shape"),
        ("gptq", "q_proj.scales", lambda each: each * np.float16(np.nan), "are not finite"),
        ("awq", "q_proj.qzeros", lambda each: each[:0], "qzeros has shape"),
        ("nf4", "q_proj.weight.absmax", lambda each: each[:-1], "absmax has shape"),
        ("nf4", "q_proj.weight.quant_state.bitsandbytes__nf4", lambda each: each[:9], "its form"),
        ("int8", "q_proj.SCB", lambda each: each[:-1], "SCB has shape"),
    ],
)
def test_parts_that_do_not_fit_are_named_and_nothing_is_imported(
    tmp_path: Path, home: Path, form: str, suffix: str, change: Callable[[Array], Array], line: str
) -> None:
    folder, _ = folder_of(tmp_path / "c", form)
    tensors = load_file(folder / "model.safetensors")
    name = f"model.layers.1.self_attn.{suffix}"
    changed = {**tensors, name: np.ascontiguousarray(change(tensors[name]))}
    save_file(changed, folder / "model.safetensors")
    library = Library(home)
    with raises_saying(BadInputError, match=line):
        library.import_folder(folder, "m", "q8")
    assert library.models() == ()


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"quant_method": "gptq", "bits": 3}, "gptq, 3 bits"),
        ({"quant_method": "awq", "version": "gemv"}, "awq, gemv"),
        ({"quant_method": "aqlm"}, "aqlm"),
        ({"quant_method": "compressed-tensors", "format": "marlin-24"}, "marlin-24"),
    ],
)
def test_a_form_that_is_not_read_is_named(
    tmp_path: Path, home: Path, settings: dict[str, Any], line: str
) -> None:
    folder = write_family(tmp_path / "c", "llama")
    fields = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**fields, "quantization_config": settings}))
    with raises_saying(BadInputError, match=f"in the form '{line}', which is not read"):
        Library(home).import_folder(folder, "m")
