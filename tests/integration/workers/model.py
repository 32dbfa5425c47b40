"""A small random Llama, imported and cut by the real importer, for tests of the worker."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from app.core.identifiers import BlobHash
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.shards import Shard
from tests.assignments import blocks
from workers.engine.engine import ShardEngine, SpanShape

HIDDEN = 64
LAYERS = 4
VOCABULARY = 97
CONTEXT = 64
KV_HEADS = 2
HEAD_SIZE = 16
INNER = 96
SLOTS = 3


class ToyModel:
    """The model, and shards of it."""

    def __init__(self, folder: Path) -> None:
        source = write_llama(folder / "checkpoint", Sizes())
        self.library = Library(folder / "home")
        self.manifest: ModelManifest = self.library.import_folder(source, "toy")

    def shard(self, first_layer: int, last_layer: int) -> Shard:
        return self.library.shard(self.manifest, blocks(self.manifest, first_layer, last_layer))

    def path(self, digest: str) -> Path:
        return self.library.store.path(BlobHash(digest))

    def engine(self, first_layer: int, last_layer: int) -> ShardEngine:
        shard = self.shard(first_layer, last_layer)
        return ShardEngine(self.path(shard.graph.sha256), shape_of(shard), 1)

    def greedy(self, prompt: list[int], tokens: int) -> list[int]:
        """Generate with the whole model in one engine."""
        engine = self.engine(0, LAYERS - 1)
        generated = [int(engine.run(0, 0, rows(prompt)).argmax())]
        for position in range(len(prompt), len(prompt) + tokens - 1):
            generated.append(int(engine.run(0, position, rows(generated[-1:])).argmax()))
        return generated


def shape_of(shard: Shard) -> SpanShape:
    return SpanShape(
        blocks=shard.blocks,
        has_embedding=shard.has_embedding,
        has_head=shard.has_head,
        hidden_size=HIDDEN,
        vocabulary_size=VOCABULARY,
        kv_heads=KV_HEADS,
        head_size=HEAD_SIZE,
        context_tokens=CONTEXT,
        slots=SLOTS,
    )


def rows(tokens: list[int]) -> np.ndarray:
    return np.array([tokens], np.int64)


@dataclass(frozen=True)
class Sizes:
    """What a random Llama may be wider in; `spread` is that of its weights."""

    hidden: int = HIDDEN
    inner: int = INNER
    layers: int = LAYERS
    vocabulary: int = VOCABULARY
    context: int = CONTEXT
    spread: float = 0.2


def write_llama(folder: Path, sizes: Sizes) -> Path:
    """Write a checkpoint of that many random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(_configuration(sizes)))
    save_file(_weights(sizes), folder / "model.safetensors")
    return folder


def _configuration(sizes: Sizes) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": sizes.hidden,
        "intermediate_size": sizes.inner,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.hidden // HEAD_SIZE,
        "num_key_value_heads": KV_HEADS,
        "vocab_size": sizes.vocabulary,
        "max_position_embeddings": sizes.context,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def _weights(sizes: Sizes) -> dict[str, np.ndarray]:
    hidden, inner, vocabulary = sizes.hidden, sizes.inner, sizes.vocabulary
    kv_size = KV_HEADS * HEAD_SIZE
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocabulary, hidden),
        "model.norm.weight": (hidden,),
        "lm_head.weight": (vocabulary, hidden),
    }
    for layer in range(sizes.layers):
        prefix = f"model.layers.{layer}."
        shapes |= {
            prefix + "input_layernorm.weight": (hidden,),
            prefix + "post_attention_layernorm.weight": (hidden,),
            prefix + "self_attn.q_proj.weight": (hidden, hidden),
            prefix + "self_attn.k_proj.weight": (kv_size, hidden),
            prefix + "self_attn.v_proj.weight": (kv_size, hidden),
            prefix + "self_attn.o_proj.weight": (hidden, hidden),
            prefix + "mlp.gate_proj.weight": (inner, hidden),
            prefix + "mlp.up_proj.weight": (inner, hidden),
            prefix + "mlp.down_proj.weight": (hidden, inner),
        }
    generator = np.random.default_rng(7)
    return {
        name: (sizes.spread * generator.standard_normal(shape) + (len(shape) == 1)).astype("f4")
        for name, shape in shapes.items()
    }
