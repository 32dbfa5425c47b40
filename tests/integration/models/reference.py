"""Small random models of the reference implementation, and shards that stand for them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.core.model import ModelManifest
from app.models.library import Library
from tests.assignments import blocks
from workers.engine.engine import ShardEngine, SpanShape
from workers.protocol.chain import Span

torch = pytest.importorskip("torch", reason="torch is not installed: reference not compared")
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed: reference not compared"
)

COMMON = {"vocab_size": 160, "bos_token_id": 0, "eos_token_id": None, "pad_token_id": None}
ROTARY = {"rope_type": "default", "rope_theta": 10000.0}
GATED = COMMON | {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "rope_parameters": ROTARY,
}
NEOX = {name: value for name, value in GATED.items() if name != "num_key_value_heads"}
LLAMA3_ROTARY = {
    "rope_type": "llama3",
    "rope_theta": 50000.0,
    "factor": 4.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
LONG_ROTARY = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0, 1.1, 1.3, 1.7, 2.0, 2.5, 3.1, 4.0],
    "long_factor": [2.0] * 8,
}


@dataclass(frozen=True)
class Kind:
    """A family's class in the reference implementation, and a small model of it."""

    name: str
    fields: dict[str, Any]


YARN_ROTARY = {
    "rope_type": "yarn",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "original_max_position_embeddings": 32,
}
EXPERTS = GATED | {
    "num_experts": 9,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 32,
    "norm_topk_prob": False,
}
"""More than four times as many as are chosen, so that they are passed by in groups."""
CONFIGURATIONS = {"Gemma3": "Gemma3TextConfig"}
"""Names of configurations that are not those of their models."""
KINDS = {
    "llama": Kind("Llama", GATED),
    "llama3": Kind(
        "Llama",
        GATED
        | {"rope_parameters": LLAMA3_ROTARY, "tie_word_embeddings": True}
        | {"attention_bias": True, "mlp_bias": True},
    ),
    "qwen2": Kind("Qwen2", GATED),
    "qwen2-windows": Kind(
        "Qwen2",
        GATED | {"use_sliding_window": True, "sliding_window": 9, "max_window_layers": 1},
    ),
    "qwen3": Kind("Qwen3", GATED | {"head_dim": 32, "tie_word_embeddings": True}),
    "mistral": Kind("Mistral", GATED | {"sliding_window": 10, "head_dim": 16}),
    "phi3": Kind("Phi3", GATED | {"sliding_window": 12}),
    "phi3-partly-turning": Kind(
        "Phi3",
        GATED | {"head_dim": 32, "rope_parameters": ROTARY | {"partial_rotary_factor": 0.75}},
    ),
    "phi3-long": Kind(
        "Phi3",
        GATED
        | {
            "max_position_embeddings": 512,
            "original_max_position_embeddings": 128,
            "rope_parameters": LONG_ROTARY,
        },
    ),
    "gemma": Kind("Gemma", GATED | {"head_dim": 32, "hidden_act": "gelu_pytorch_tanh"}),
    "gemma3": Kind(
        "Gemma3",
        GATED
        | {
            "head_dim": 32,
            "query_pre_attn_scalar": 20,
            "sliding_window": 11,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            "rope_parameters": {
                "sliding_attention": {"rope_type": "default", "rope_theta": 100.0},
                "full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 5000.0},
            },
        },
    ),
    "gemma2": Kind(
        "Gemma2",
        GATED
        | {
            "head_dim": 32,
            "query_pre_attn_scalar": 20,
            "sliding_window": 11,
            "attn_logit_softcapping": 3.0,
            "final_logit_softcapping": 5.0,
        },
    ),
    "llama-yarn": Kind("Llama", GATED | {"rope_parameters": YARN_ROTARY}),
    "ministral3": Kind(
        "Ministral3",
        GATED
        | {
            "head_dim": 16,
            "sliding_window": 10,
            "rope_parameters": YARN_ROTARY
            | {"original_max_position_embeddings": 128, "truncate": False}
            | {"mscale": 1.0, "mscale_all_dim": 0.5, "llama_4_scaling_beta": 0.1},
        },
    ),
    "smollm3": Kind(
        "SmolLM3", GATED | {"no_rope_layers": [1, 0, 1], "attention_bias": True, "mlp_bias": True}
    ),
    "granite": Kind(
        "Granite",
        GATED
        | {"embedding_multiplier": 3.0, "logits_scaling": 2.0, "attention_bias": True}
        | {"residual_multiplier": 0.22, "attention_multiplier": 0.1},
    ),
    "olmo2": Kind("Olmo2", GATED),
    "olmo3": Kind(
        "Olmo3",
        GATED
        | {
            "sliding_window": 9,
            "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
            "rope_parameters": {
                "sliding_attention": {"rope_type": "default", "rope_theta": 5000.0},
                "full_attention": YARN_ROTARY | {"rope_theta": 5000.0},
            },
        },
    ),
    "glm": Kind("Glm", GATED | {"head_dim": 32, "attention_bias": False}),
    "glm4": Kind("Glm4", GATED | {"head_dim": 16, "attention_bias": False}),
    "cohere": Kind("Cohere", GATED | {"attention_bias": True, "logit_scale": 0.5}),
    "cohere2": Kind(
        "Cohere2",
        GATED
        | {"sliding_window": 9, "layer_types": ["sliding_attention"] * 2 + ["full_attention"]},
    ),
    "qwen3_moe": Kind("Qwen3Moe", EXPERTS | {"head_dim": 16, "mlp_only_layers": [1]}),
    "mixtral": Kind(
        "Mixtral",
        GATED | {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 9},
    ),
    "olmoe": Kind("Olmoe", EXPERTS | {"norm_topk_prob": True}),
    "phimoe": Kind(
        "Phimoe",
        GATED
        | {"num_local_experts": 6, "num_experts_per_tok": 2, "router_jitter_noise": 0.2}
        | {"attention_bias": True, "lm_head_bias": True, "sliding_window": 11},
    ),
    "granitemoe": Kind(
        "GraniteMoe",
        GATED
        | {"num_local_experts": 5, "num_experts_per_tok": 2, "logits_scaling": 2.0}
        | {"residual_multiplier": 0.5, "attention_multiplier": 0.1},
    ),
    "granitemoe-shared": Kind(
        "GraniteMoeShared",
        GATED
        | {"num_local_experts": 4, "num_experts_per_tok": 1, "shared_intermediate_size": 32}
        | {"attention_multiplier": 0.1, "embedding_multiplier": 2.0},
    ),
    "gpt_oss": Kind(
        "GptOss",
        GATED
        | {"num_local_experts": 8, "num_experts_per_tok": 2, "sliding_window": 9, "head_dim": 16}
        | {"swiglu_limit": 2.0, "rope_parameters": YARN_ROTARY | {"truncate": False}},
    ),
    "starcoder2": Kind("Starcoder2", GATED | {"sliding_window": 9}),
    "gpt2": Kind("GPT2", COMMON | {"n_embd": 64, "n_layer": 3, "n_head": 4, "n_positions": 128}),
    "bloom": Kind("Bloom", COMMON | {"hidden_size": 96, "n_layer": 3, "n_head": 6}),
    "opt": Kind(
        "OPT",
        COMMON
        | {
            "hidden_size": 64,
            "word_embed_proj_dim": 64,
            "ffn_dim": 96,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "max_position_embeddings": 128,
        },
    ),
    "gpt_neox": Kind("GPTNeoX", NEOX | {"hidden_size": 128, "rope_parameters": ROTARY}),
    "gpt_neox-one-after-the-other": Kind(
        "GPTNeoX",
        NEOX
        | {"use_parallel_residual": False}
        | {"rope_parameters": ROTARY | {"partial_rotary_factor": 0.75}},
    ),
}


def random_model(kind: Kind, head: str = "ForCausalLM") -> Any:  # noqa: ANN401 - torch's types
    """Return a model of random weights; its class is the kind's name with a head's behind it."""
    torch.manual_seed(11)
    settings = CONFIGURATIONS.get(kind.name, kind.name + "Config")
    configuration = getattr(transformers, settings)(**deepcopy(kind.fields))
    suffix = "LMHeadModel" if (kind.name, head) == ("GPT2", "ForCausalLM") else head
    model = getattr(transformers, kind.name + suffix)(configuration).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            near_table = "embed" in name and "LayerNorm" not in name
            centre = float(parameter.dim() == 1 and "bias" not in name and not near_table)
            parameter.normal_(mean=centre, std=0.05 if near_table else 0.3)
    return model


def chain_of(
    library: Library, manifest: ModelManifest, edges: Sequence[int] = ()
) -> list[ShardEngine]:
    """Return shards from edge to edge, or one for each layer, as phones run them."""
    engines = []
    (chain,) = manifest.chains
    for first, after in pairwise(edges or range(manifest.layer_count + 1)):
        shard = library.shard(manifest, blocks(manifest, first, after - 1))
        shape = SpanShape(
            blocks=Span(chain.name, first, after),
            has_embedding=shard.has_embedding,
            has_head=shard.has_head,
            hidden_size=manifest.hidden_size,
            vocabulary_size=manifest.vocabulary_size,
            kv_heads=manifest.kv_heads,
            head_size=manifest.head_size,
            context_tokens=manifest.context_tokens,
            slots=2,
            answer_size=manifest.answer_size,
        )
        engines.append(ShardEngine(library.store.path(shard.graph.sha256), shape, 1))
    return engines


def run_chain(chain: list[ShardEngine], tokens: list[int], position: int) -> NDArray[np.float32]:
    """Return what the last shard answers for the last of the tokens."""
    value: NDArray[Any] = np.array([tokens], np.int64)
    for engine in chain:
        value = engine.run(1, position, value)
    answer: NDArray[np.float32] = value[0]
    return answer


def reference_tokens(model: Any, prompt: Sequence[int], tokens: int) -> list[int]:  # noqa: ANN401 - torch's types
    """Return how the reference goes on after a prompt."""
    with torch.no_grad():
        generated = model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            max_new_tokens=tokens,
            do_sample=False,
            pad_token_id=0,
        )
    return [int(token) for token in generated[0, len(prompt) :]]


def chain_tokens(chain: list[ShardEngine], prompt: list[int], tokens: int) -> list[int]:
    """Return how a chain of shards goes on after a prompt."""
    generated: list[int] = []
    pending, position = prompt, 0
    while len(generated) < tokens:
        generated.append(int(run_chain(chain, pending, position).argmax()))
        position += len(pending)
        pending = generated[-1:]
    return generated
