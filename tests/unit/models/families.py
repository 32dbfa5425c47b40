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
EXPERTS: dict[str, Any] = {"num_local_experts": 4, "num_experts_per_tok": 2}
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
    "qwen3_moe": {
        "architectures": ["Qwen3MoeForCausalLM"],
        **GATED,
        "num_experts": 9,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "mlp_only_layers": [1],
    },
    "mixtral": {"architectures": ["MixtralForCausalLM"], **GATED, **EXPERTS},
    "phimoe": {
        "architectures": ["PhiMoEForCausalLM"],
        **GATED,
        **EXPERTS,
        "router_jitter_noise": 0.2,
        "lm_head_bias": True,
    },
    "olmoe": {"architectures": ["OlmoeForCausalLM"], **GATED, **EXPERTS},
    "granitemoe": {
        "architectures": ["GraniteMoeSharedForCausalLM"],
        **GATED,
        **EXPERTS,
        "shared_intermediate_size": 32,
    },
    "gpt_oss": {
        "architectures": ["GptOssForCausalLM"],
        **GATED,
        **EXPERTS,
        "sliding_window": 9,
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
PAIRED: dict[str, dict[str, Any]] = {
    "t5": {
        "architectures": ["T5ForConditionalGeneration"],
        "model_type": "t5",
        "d_model": 64,
        "d_kv": 16,
        "d_ff": 96,
        "num_layers": 3,
        "num_decoder_layers": 2,
        "num_heads": 4,
        "relative_attention_num_buckets": 8,
        "relative_attention_max_distance": 20,
        "decoder_start_token_id": 0,
    },
    "bart": {
        "architectures": ["BartForConditionalGeneration"],
        "model_type": "bart",
        "d_model": 64,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 4,
        "decoder_attention_heads": 4,
        "encoder_ffn_dim": 96,
        "decoder_ffn_dim": 96,
        "max_position_embeddings": 64,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "decoder_start_token_id": 2,
    },
}
"""An encoder and a decoder."""
_ENCODER: dict[str, Any] = ANSWERING["bert"] | {"model_type": ""}
ENCODERS: dict[str, dict[str, Any]] = {
    "mpnet": _ENCODER | {"architectures": ["MPNetModel"], "model_type": "mpnet", "pad_token_id": 1},
    "nomic": _ENCODER
    | {
        "architectures": ["NomicBertModel"],
        "model_type": "nomic_bert",
        "rope_parameters": {"rope_type": "default", "rope_theta": 1000.0},
    },
    "modernbert": _ENCODER
    | {
        "architectures": ["ModernBertModel"],
        "model_type": "modernbert",
        "local_attention": 6,
        "global_attn_every_n_layers": 2,
        "rope_parameters": {
            "full_attention": {"rope_type": "default", "rope_theta": 5000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 300.0},
        },
        "pad_token_id": 0,
    },
}
"""Encoders with positions of other kinds than BERT's."""


def write_family(folder: Path, name: str, **changes: object) -> Path:
    """Write a checkpoint with every tensor that the family's blocks are made from."""
    configuration = {
        **(FAMILIES | ANSWERING | PAIRED | ENCODERS)[name],
        "vocab_size": 320,
        **changes,
    }
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
