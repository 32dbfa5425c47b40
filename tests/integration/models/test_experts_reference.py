"""Experts as they are published: blocks of four bits, against the reference in torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.core.errors import BadInputError
from app.models.library import Library
from app.models.whole import WholeModel, run_whole
from tests.integration.models.reference import KINDS, random_model, transformers
from tests.saying import raises_saying

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")
from safetensors.torch import load_file, save_file  # noqa: E402 - needs torch
from transformers.integrations.mxfp4 import convert_moe_packed_tensors  # noqa: E402

PROMPT = [5, 3, 77, 150, 12]
PACKED = ("gate_up_proj", "down_proj")


def packed_checkpoint(folder: Path) -> Any:  # noqa: ANN401 - torch's types
    """Save gpt-oss with its experts in MXFP4; return a model with the numbers that they are."""
    model = random_model(KINDS["gpt_oss"])
    model.save_pretrained(folder)
    tensors = load_file(folder / "model.safetensors")
    generator = torch.Generator().manual_seed(3)
    for name, parameter in model.named_parameters():
        if not name.endswith(PACKED):
            continue
        experts, columns, rows = parameter.shape
        shape = (experts, rows, columns // 32)
        blocks = torch.randint(0, 256, (*shape, 16), generator=generator, dtype=torch.uint8)
        scales = torch.randint(123, 126, shape, generator=generator, dtype=torch.uint8)
        tensors.pop(name)
        tensors[name + "_blocks"], tensors[name + "_scales"] = blocks, scales
        with torch.no_grad():
            parameter.copy_(convert_moe_packed_tensors(blocks, scales, dtype=torch.float32))
    save_file(tensors, folder / "model.safetensors")
    fields = json.loads((folder / "config.json").read_text())
    fields["quantization_config"] = {"quant_method": "mxfp4"}
    (folder / "config.json").write_text(json.dumps(fields))
    return model


def test_experts_in_four_bit_floats_are_the_references_and_the_same_at_q8(tmp_path: Path) -> None:
    model = packed_checkpoint(tmp_path / "c")
    library = Library(tmp_path / "home")
    with torch.no_grad():
        expected = model(torch.tensor([PROMPT])).logits[0, -1].numpy()
        answer = model.generate(
            torch.tensor([PROMPT]),
            attention_mask=torch.ones(1, len(PROMPT), dtype=torch.long),
            max_new_tokens=16,
            do_sample=False,
            pad_token_id=0,
        )[0, len(PROMPT) :]
    manifest = library.import_folder(tmp_path / "c", "m")
    difference = np.abs(WholeModel(manifest, library).step(PROMPT, 0) - expected).max()
    assert difference <= 1e-4 * np.abs(expected).max()
    assert run_whole(manifest, library, PROMPT, 16) == answer.tolist()
    library.import_folder(tmp_path / "c", "m-q8", "q8")
    ones, others = (stored_weights(library, name) for name in ("m", "m-q8"))
    assert np.array_equal(ones, others)


def stored_weights(library: Library, name: str) -> np.ndarray:
    """Return the numbers of the first layer's experts as they are stored."""
    (model,) = (each for each in library.models() if each.manifest.name == name)
    own = "layer.0.experts.gate_up"

    def read(tensor: str) -> np.ndarray:
        stored = model.tensors[tensor]
        content = library.store.path(stored.blob).read_bytes()[stored.offset_bytes :]
        values = np.frombuffer(content[: stored.size_bytes], stored.element)
        return values.reshape(stored.shape)

    if own in model.tensors:
        return read(own)
    codes, scales = read(own + ".codes").astype(np.float32), read(own + ".scales")
    values: np.ndarray = (codes - 128) * scales[..., None]
    return values.reshape(len(codes), -1)


@pytest.mark.parametrize("quantization", ["f32", "q8"])
def test_a_block_whose_exponent_is_no_number_is_refused(tmp_path: Path, quantization: str) -> None:
    packed_checkpoint(tmp_path / "c")
    tensors = load_file(tmp_path / "c" / "model.safetensors")
    tensors["model.layers.1.mlp.experts.down_proj_scales"][3, 2, 0] = 255
    save_file(tensors, tmp_path / "c" / "model.safetensors")
    library = Library(tmp_path / "home")
    with raises_saying(BadInputError, match="layers.1.mlp.experts.down_proj holds values"):
        library.import_folder(tmp_path / "c", "m", quantization)
    assert library.models() == ()


def test_a_stack_saved_turned_and_in_half_precision_is_read_as_such(tmp_path: Path) -> None:
    random_model(KINDS["gpt_oss"]).to(torch.bfloat16).save_pretrained(tmp_path / "c")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "c", dtype=torch.float32)
    library = Library(tmp_path / "home")
    manifest = library.import_folder(tmp_path / "c", "m")
    with torch.no_grad():
        expected = model.eval()(torch.tensor([PROMPT])).logits[0, -1].numpy()
    difference = np.abs(WholeModel(manifest, library).step(PROMPT, 0) - expected).max()
    assert difference <= 1e-4 * np.abs(expected).max()
