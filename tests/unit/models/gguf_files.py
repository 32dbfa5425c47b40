"""Checkpoints written as GGUF files, changed as llama.cpp's converter changes them.

Written from its source (convert_hf_to_gguf.py), not from what reads such files here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from tests.unit.models.families import write_family

CARRIED: dict[str, Any] = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
}
"""Sizes that blocks of 256 columns fit."""
SHIFTED = ("gemma2", "gemma3", "gemma")
ARCHITECTURES = {"llama": "llama", "mistral": "llama"}
SCALES: dict[Kind, tuple[tuple[int, float], ...]] = {
    Kind.Q2_K: ((80, 0.01), (82, 0.01)),
    Kind.Q3_K: ((108, 0.004),),
    Kind.Q4_K: ((0, 0.001), (2, 0.004)),
    Kind.Q5_K: ((0, 0.0004), (2, 0.004)),
    Kind.Q6_K: ((208, 0.0002),),
    Kind.IQ4_NL: ((0, 0.003),),
    Kind.IQ4_XS: ((0, 0.0002),),
}
"""Where a block of a type keeps its float16 scales, and what they are set to."""


def stored_pair(folder: Path, family: str, kind: Kind, **changes: object) -> tuple[Path, Path]:
    """Write a checkpoint, and a GGUF file of the same weights as that type can hold them."""
    write_family(folder, family, **{**CARRIED, **changes})
    configuration = json.loads((folder / "config.json").read_text())
    tensors = load_file(folder / "model.safetensors")
    generator = np.random.default_rng(3)
    held = {name: packed(values, kind, generator) for name, values in tensors.items()}
    save_file({name: plain for name, (plain, *_) in held.items()}, folder / "model.safetensors")
    file = folder.parent / f"{folder.name}.gguf"
    write_gguf(file, family, configuration, held)
    return folder, file


Held = tuple[NDArray[np.float32], NDArray[Any], Kind]
"""A tensor's values, its bytes and their type."""


def packed(values: NDArray[np.float32], kind: Kind, generator: np.random.Generator) -> Held:
    if values.ndim == 1 or kind is Kind.F32:
        return values, values, Kind.F32
    if kind in SCALES:
        raw = random_blocks(values.shape, kind, generator)
    else:
        raw = gguf.quants.quantize(values, kind)
    plain = gguf.quants.dequantize(raw, kind).astype(np.float32).reshape(values.shape)
    return np.ascontiguousarray(plain), raw, kind


def random_blocks(
    shape: tuple[int, ...], kind: Kind, generator: np.random.Generator
) -> NDArray[np.uint8]:
    columns, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = generator.integers(0, 256, (shape[0], shape[1] // columns, size), dtype=np.uint8)
    for place, scale in SCALES[kind]:
        blocks[..., place : place + 2] = np.array([scale], np.float16).view(np.uint8)
    return blocks.reshape(shape[0], -1)


def woven(raw: NDArray[Any], heads: int) -> NDArray[Any]:
    """Reorder rows as `LlamaModel.permute` does."""
    halves = raw.reshape(heads, 2, raw.shape[0] // heads // 2, *raw.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(raw.shape))


def write_gguf(
    file: Path, family: str, configuration: Mapping[str, Any], held: Mapping[str, Held]
) -> Path:
    architecture = ARCHITECTURES.get(family, family)
    writer = gguf.GGUFWriter(file, architecture)
    add_sizes(writer, configuration)
    kinds = {name: arch for arch, name in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(kinds[architecture], configuration["num_hidden_layers"])
    for name, (plain, raw, kind) in held.items():
        stored = names.get_name(name, try_suffixes=(".weight", ".bias"))
        assert stored, name
        content = raw
        if architecture == "llama" and ".q_proj." in name:
            content = woven(raw, configuration["num_attention_heads"])
        if architecture == "llama" and ".k_proj." in name:
            content = woven(raw, configuration["num_key_value_heads"])
        if architecture in SHIFTED and name.endswith("norm.weight"):
            content = plain + 1
        writer.add_tensor(stored, content, raw_dtype=kind)
    write(writer)
    return file


def add_sizes(writer: gguf.GGUFWriter, configuration: Mapping[str, Any]) -> None:
    writer.add_context_length(configuration["max_position_embeddings"])
    writer.add_embedding_length(configuration["hidden_size"])
    writer.add_block_count(configuration["num_hidden_layers"])
    writer.add_feed_forward_length(configuration["intermediate_size"])
    writer.add_head_count(configuration["num_attention_heads"])
    writer.add_head_count_kv(configuration["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(configuration["rms_norm_eps"])
    writer.add_rope_freq_base(configuration.get("rope_theta", 10000.0))
    writer.add_key_length(configuration["head_dim"])
    writer.add_value_length(configuration["head_dim"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    for name, add in (
        ("sliding_window", writer.add_sliding_window),
        ("attn_logit_softcapping", writer.add_attn_logit_softcapping),
        ("final_logit_softcapping", writer.add_final_logit_softcapping),
    ):
        if configuration.get(name):
            add(configuration[name])


def write(writer: gguf.GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
