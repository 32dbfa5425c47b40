"""Checkpoints in eight-bit floats, as published: blocks, rows and whole matrices with a scale."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from app.core.errors import BadInputError
from app.models.library import Library
from tests.saying import raises_saying
from tests.unit.models.families import write_family

BLOCK = 40
"""Neither rows nor columns are a multiple of it."""
FORMS: dict[str, dict[str, Any]] = {
    "blocks": {"quant_method": "fp8", "weight_block_size": [BLOCK, BLOCK]},
    "whole": {"quant_method": "fp8", "weight_block_size": None},
    "rows": {"quant_method": "compressed-tensors", "format": "float-quantized"},
}


def scales_for(form: str, shape: tuple[int, ...]) -> np.ndarray:
    generator = np.random.default_rng(len(shape))
    sizes = {
        "blocks": tuple(-(-size // BLOCK) for size in shape),
        "whole": (),
        "rows": (shape[0], 1),
    }
    drawn: np.ndarray = generator.uniform(0.01, 0.1, sizes[form]).astype(np.float32)
    return np.asarray(drawn)


def expanded(scales: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Give every number its scale, one by one, as the forms are described."""
    if scales.ndim == 0:
        return np.full(shape, scales)
    size = BLOCK if scales.shape[1] > 1 else 1
    whole = np.empty(shape, np.float32)
    for row in range(shape[0]):
        for column in range(shape[1]):
            place = column // BLOCK if scales.shape[1] > 1 else 0
            whole[row, column] = scales[row // size, place]
    return whole


def write_pair(
    tmp_path: Path, form: str, altered: Mapping[str, np.ndarray] | None = None
) -> tuple[Path, Path]:
    """Write a checkpoint in eight-bit floats, and one in float32 with the same numbers."""
    packed = write_family(tmp_path / "packed", "llama")
    plain = write_family(tmp_path / "plain", "llama")
    tensors, others = load_file(packed / "model.safetensors"), {}
    suffix = "_scale" if form == "rows" else "_scale_inv"
    for name in [each for each in tensors if "proj" in each]:
        scales = scales_for(form, tensors[name].shape)
        codes = (tensors[name] * 20).astype(ml_dtypes.float8_e4m3fn)
        others[name] = codes.astype(np.float32) * expanded(scales, codes.shape)
        tensors[name], tensors[name + suffix] = codes, scales
    plain_tensors = load_file(plain / "model.safetensors") | others
    save_file(plain_tensors, plain / "model.safetensors")
    save_file(tensors | dict(altered or {}), packed / "model.safetensors")
    fields = json.loads((packed / "config.json").read_text())
    (packed / "config.json").write_text(json.dumps(fields | {"quantization_config": FORMS[form]}))
    return packed, plain


@pytest.mark.parametrize("form", FORMS)
def test_blocks_are_those_of_the_same_numbers_in_float32(tmp_path: Path, form: str) -> None:
    packed, plain = write_pair(tmp_path, form)
    library = Library(tmp_path / "home")
    expected = library.import_folder(plain, "plain")
    assert library.import_folder(packed, "packed").blocks == expected.blocks


def test_scales_that_are_no_numbers_or_of_another_shape_are_refused(tmp_path: Path) -> None:
    name = "model.layers.1.mlp.up_proj.weight_scale_inv"
    library = Library(tmp_path / "home")
    spoilt = np.ones((3, 2), np.float32)
    spoilt[0, 0] = np.inf
    other_shapes = [(99, 2), (2, 1, 2), (3, 3), (1, 3)]
    others = [(np.ones(shape, np.float32), "has shape") for shape in other_shapes]
    for scales, line in [(spoilt, "not finite"), *others]:
        packed, _ = write_pair(tmp_path, "blocks", {name: scales})
        with raises_saying(BadInputError, match=f"{name} .*{line}"):
            library.import_folder(packed, "m")
    assert library.models() == ()
