"""A small random Llama, imported and cut by the real importer, for tests of the worker."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from app.core.identifiers import BlobHash
from app.core.model import ModelManifest
from app.models.library import Library
from app.models.shards import Shard
from workers.engine import ShardEngine, SpanShape

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
        source = folder / "checkpoint"
        source.mkdir(parents=True)
        (source / "config.json").write_text(json.dumps(_configuration()))
        save_file(_weights(), source / "model.safetensors")
        self.library = Library(folder / "home")
        self.manifest: ModelManifest = self.library.import_folder(source, "toy")

    def shard(self, first_layer: int, last_layer: int) -> Shard:
        return self.library.shard(self.manifest, first_layer, last_layer)

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
        first_layer=shard.first_layer,
        last_layer=shard.last_layer,
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


def _configuration() -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HIDDEN // HEAD_SIZE,
        "num_key_value_heads": KV_HEADS,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
    }


def _weights() -> dict[str, np.ndarray]:
    kv_size = KV_HEADS * HEAD_SIZE
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (VOCABULARY, HIDDEN),
        "model.norm.weight": (HIDDEN,),
        "lm_head.weight": (VOCABULARY, HIDDEN),
    }
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        shapes |= {
            prefix + "input_layernorm.weight": (HIDDEN,),
            prefix + "post_attention_layernorm.weight": (HIDDEN,),
            prefix + "self_attn.q_proj.weight": (HIDDEN, HIDDEN),
            prefix + "self_attn.k_proj.weight": (kv_size, HIDDEN),
            prefix + "self_attn.v_proj.weight": (kv_size, HIDDEN),
            prefix + "self_attn.o_proj.weight": (HIDDEN, HIDDEN),
            prefix + "mlp.gate_proj.weight": (INNER, HIDDEN),
            prefix + "mlp.up_proj.weight": (INNER, HIDDEN),
            prefix + "mlp.down_proj.weight": (HIDDEN, INNER),
        }
    generator = np.random.default_rng(7)
    return {
        name: (generator.standard_normal(shape) * 0.2 + (len(shape) == 1)).astype(np.float32)
        for name, shape in shapes.items()
    }
