"""Small random checkpoints of every family, made from what the family itself asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from app.models.configuration import Configuration
from app.models.families.registry import family_of
from tests.unit.models.support import write_folder

GATED: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
NEOX: dict[str, Any] = {**GATED, "num_key_value_heads": 4, "tie_word_embeddings": False}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"architectures": ["LlamaForCausalLM"], **GATED, "tie_word_embeddings": True},
    "llama-odd-heads": {"architectures": ["LlamaForCausalLM"], **GATED, "head_dim": 24},
    "qwen2": {"architectures": ["Qwen2ForCausalLM"], **GATED},
    "qwen3": {"architectures": ["Qwen3ForCausalLM"], **GATED},
    "mistral": {"architectures": ["MistralForCausalLM"], **GATED, "sliding_window": 9},
    "phi3": {"architectures": ["Phi3ForCausalLM"], **GATED},
    "gemma": {"architectures": ["GemmaForCausalLM"], **GATED},
    "gemma3": {
        "architectures": ["Gemma3ForCausalLM"],
        **GATED,
        "sliding_window": 9,
        "sliding_window_pattern": 2,
        "query_pre_attn_scalar": 16,
        "rope_theta": 1000000.0,
    },
    "gemma2": {
        "architectures": ["Gemma2ForCausalLM"],
        **GATED,
        "sliding_window": 9,
        "attn_logit_softcapping": 5.0,
        "final_logit_softcapping": 3.0,
    },
    "ministral3": {
        "architectures": ["Ministral3ForCausalLM"],
        **GATED,
        "sliding_window": 9,
        "rope_parameters": {
            "rope_type": "yarn",
            "rope_theta": 1e6,
            "factor": 4.0,
            "original_max_position_embeddings": 64,
            "llama_4_scaling_beta": 0.1,
        },
    },
    "smollm3": {
        "architectures": ["SmolLM3ForCausalLM"],
        **GATED,
        "no_rope_layer_interval": 2,
    },
    "granite": {
        "architectures": ["GraniteForCausalLM"],
        **GATED,
        "residual_multiplier": 0.5,
        "logits_scaling": 4.0,
    },
    "olmo2": {"architectures": ["Olmo2ForCausalLM"], **GATED},
    "olmo3": {"architectures": ["Olmo3ForCausalLM"], **GATED, "sliding_window": 9},
    "glm": {"architectures": ["GlmForCausalLM"], **GATED, "head_dim": 32},
    "glm4": {"architectures": ["Glm4ForCausalLM"], **GATED},
    "cohere": {"architectures": ["CohereForCausalLM"], **GATED},
    "cohere2": {
        "architectures": ["Cohere2ForCausalLM"],
        **GATED,
        "sliding_window": 9,
        "sliding_window_pattern": 2,
    },
    "starcoder2": {"architectures": ["Starcoder2ForCausalLM"], **GATED, "sliding_window": 9},
    "gpt2": {
        "architectures": ["GPT2LMHeadModel"],
        "n_embd": 64,
        "n_layer": 3,
        "n_head": 4,
        "n_positions": 64,
    },
    "bloom": {
        "architectures": ["BloomForCausalLM"],
        "n_embed": 96,
        "n_layer": 3,
        "num_attention_heads": 6,
        "seq_length": 64,
    },
    "opt": {
        "architectures": ["OPTForCausalLM"],
        "hidden_size": 64,
        "ffn_dim": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
    },
    "gpt_neox": {"architectures": ["GPTNeoXForCausalLM"], **NEOX, "rotary_pct": 1.0},
    "gpt_neox-serial": {
        "architectures": ["GPTNeoXForCausalLM"],
        **NEOX,
        "rotary_pct": 0.5,
        "use_parallel_residual": False,
    },
}
ANSWERING: dict[str, dict[str, Any]] = {
    "qwen3-classifier": {
        "architectures": ["Qwen3ForSequenceClassification"],
        **GATED,
        "id2label": {"0": "bad", "1": "good"},
    },
    "bert": {
        "architectures": ["BertModel"],
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": 64,
        "type_vocab_size": 2,
    },
}
"""Models that answer with a vector."""


def write_family(folder: Path, name: str, **changes: object) -> Path:
    """Write a checkpoint with every tensor that the family's blocks are made from."""
    configuration = {**(FAMILIES | ANSWERING)[name], "vocab_size": 320, **changes}
    generator = np.random.default_rng(5)
    parts = {
        part.name: part.shape
        for plan in family_of(Configuration(configuration)).plans()
        for weight in plan.weights
        for part in weight.parts
    }
    tensors = {
        part: generator.normal(float("norm" in part.lower()), 0.2, shape).astype(np.float32)
        for part, shape in parts.items()
    }
    return write_folder(folder, configuration, tensors)
