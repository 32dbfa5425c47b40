"""A random Llama of about 250 million parameters, as a Hugging Face folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

_SPREAD = 0.02


@dataclass(frozen=True)
class LlamaSize:
    """The sizes that decide how fast a Llama is."""

    layers: int = 16
    hidden_size: int = 1024
    inner_size: int = 2816
    heads: int = 16
    kv_heads: int = 4
    vocabulary_size: int = 32_000
    context_tokens: int = 2_048


def write_random_llama(folder: Path, size: LlamaSize) -> Path:
    """Write config.json and float16 weights; norms are random too. Returns the folder."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(_configuration(size)))
    generator = np.random.default_rng(1)
    save_file(
        {name: _random(generator, shape) for name, shape in _shapes(size)},
        folder / "model.safetensors",
    )
    return folder


def _random(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float16]:
    values = generator.standard_normal(shape, dtype=np.float32) * np.float32(_SPREAD)
    return (values + np.float32(len(shape) == 1)).astype(np.float16)


def _configuration(size: LlamaSize) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": size.hidden_size,
        "intermediate_size": size.inner_size,
        "num_hidden_layers": size.layers,
        "num_attention_heads": size.heads,
        "num_key_value_heads": size.kv_heads,
        "vocab_size": size.vocabulary_size,
        "max_position_embeddings": size.context_tokens,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10_000.0,
        "tie_word_embeddings": False,
    }


def _shapes(size: LlamaSize) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, inner = size.hidden_size, size.inner_size
    kv_size = hidden // size.heads * size.kv_heads
    yield "model.embed_tokens.weight", (size.vocabulary_size, hidden)
    yield "lm_head.weight", (size.vocabulary_size, hidden)
    yield "model.norm.weight", (hidden,)
    for layer in range(size.layers):
        own = f"model.layers.{layer}."
        yield own + "input_layernorm.weight", (hidden,)
        yield own + "post_attention_layernorm.weight", (hidden,)
        for name, rows in {"q": hidden, "k": kv_size, "v": kv_size, "o": hidden}.items():
            yield f"{own}self_attn.{name}_proj.weight", (rows, hidden)
        yield own + "mlp.gate_proj.weight", (inner, hidden)
        yield own + "mlp.up_proj.weight", (inner, hidden)
        yield own + "mlp.down_proj.weight", (hidden, inner)
