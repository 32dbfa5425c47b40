"""A GGUF file's metadata, told as the `config.json` that the model's own checkpoint would have.

Names are those of ggml's docs/gguf.md and of llama.cpp's converter (convert_hf_to_gguf.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.formats.gguf.header import GgufHeader

TABLE, HEAD = "token_embd.weight", "output.weight"
LLAMA_FACTORS, PHI_FACTORS = "rope_freqs.weight", "rope_factors_short.weight"
"""Tensors with a divisor for each rotary frequency."""
_SIZES = {
    "embedding_length": "hidden_size",
    "block_count": "num_hidden_layers",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "context_length": "max_position_embeddings",
}
_BIG_GEMMAS = {"gemma2": 46, "gemma3": 62}
"""Layers of the sizes (27 B) whose queries are scaled by the hidden size instead of the head's."""

Fields = dict[str, Any]
Factors = Callable[[str], tuple[float, ...]]
"""Returns a tensor's numbers."""


@dataclass(frozen=True)
class GgufArchitecture:
    """How llama.cpp's form of an architecture differs from its checkpoints.

    `permuted` where rows of queries and keys were reordered for another rotary layout;
    `norms_shifted` where one was added to the norms; `windowed` where a window's size counts.
    """

    name: str
    activation: str = "silu"
    permuted: bool = False
    norms_shifted: bool = False
    windowed: bool = False


ARCHITECTURES: Mapping[str, GgufArchitecture] = {
    "llama": GgufArchitecture("LlamaForCausalLM", permuted=True),
    "qwen2": GgufArchitecture("Qwen2ForCausalLM"),
    "qwen3": GgufArchitecture("Qwen3ForCausalLM"),
    "phi3": GgufArchitecture("Phi3ForCausalLM", windowed=True),
    "gemma": GgufArchitecture("GemmaForCausalLM", "gelu_pytorch_tanh", norms_shifted=True),
    "gemma2": GgufArchitecture(
        "Gemma2ForCausalLM", "gelu_pytorch_tanh", norms_shifted=True, windowed=True
    ),
    "gemma3": GgufArchitecture(
        "Gemma3ForCausalLM", "gelu_pytorch_tanh", norms_shifted=True, windowed=True
    ),
}


def gguf_architecture(header: GgufHeader) -> tuple[str, GgufArchitecture]:
    """Return the architecture's name in the file and what it is here.

    Raises `BadInputError` for one that is not read, for a mixture of experts and for a part file.
    """
    name = str(header.values.get("general.architecture", "none named"))
    if name not in ARCHITECTURES:
        raise BadInputError("gguf.unknown_architecture", name=name[:40], known=tuple(ARCHITECTURES))
    if header.values.get(f"{name}.expert_count", 0):
        raise BadInputError("gguf.experts")
    if header.values.get("split.count", 0) not in (0, 1):
        raise BadInputError("gguf.part")
    return name, ARCHITECTURES[name]


def gguf_configuration(header: GgufHeader, factors: Factors | None = None) -> Configuration:
    """Return the configuration that the same model's checkpoint has.

    `factors` reads a tensor of rotary divisors; without it a configuration good for sizes only
    comes. Raises `BadInputError`.
    """
    key, architecture = gguf_architecture(header)
    own = Configuration(
        {
            name.removeprefix(key + "."): value
            for name, value in header.values.items()
            if name.startswith(key + ".")
        }
    )
    fields: Fields = {
        "architectures": [architecture.name],
        "model_type": key,
        "vocab_size": _rows(header, TABLE),
        "hidden_act": architecture.activation,
        "rms_norm_eps": own.number("attention.layer_norm_rms_epsilon"),
        "rope_theta": own.number("rope.freq_base", 10_000.0),
        "tie_word_embeddings": HEAD not in header.tensors,
        **{name: own.dimension(stored) for stored, name in _SIZES.items()},
    }
    heads = own.dimension("attention.head_count")
    fields["num_key_value_heads"] = own.dimension("attention.head_count_kv", heads)
    fields["head_dim"] = _head_size(own)
    fields["attention_bias"] = "blk.0.attn_q.bias" in header.tensors
    if architecture.windowed and "attention.sliding_window" in own.values:
        fields["sliding_window"] = own.dimension("attention.sliding_window")
    if key in _BIG_GEMMAS:
        fields |= _gemma(key, own)
    fields |= _rotary(header, own, fields["head_dim"], factors)
    return Configuration(fields | _tokens(header))


def _rows(header: GgufHeader, tensor: str) -> int:
    found = header.tensors.get(tensor)
    if found is None:
        raise BadInputError("gguf.lacks_tensor", tensor=tensor)
    return found.shape[0]


def _head_size(own: Configuration) -> int:
    heads, hidden = own.dimension("attention.head_count"), own.dimension("embedding_length")
    size = own.dimension("attention.key_length", max(1, hidden // heads))
    if own.dimension("attention.value_length", size) != size:
        raise BadInputError("gguf.two_head_sizes")
    return size


def _gemma(key: str, own: Configuration) -> Fields:
    heads, hidden = own.dimension("attention.head_count"), own.dimension("embedding_length")
    is_big = own.dimension("block_count") == _BIG_GEMMAS[key]
    fields: Fields = {
        "hidden_activation": "gelu_pytorch_tanh",
        "query_pre_attn_scalar": hidden // heads if is_big else _head_size(own),
    }
    if "rope.freq_base_swa" in own.values:
        fields["rope_local_base_freq"] = own.number("rope.freq_base_swa")
    pattern = own.values.get("attention.sliding_window_pattern")
    if isinstance(pattern, int) and not isinstance(pattern, bool):
        fields["sliding_window_pattern"] = own.dimension("attention.sliding_window_pattern")
    for name in ("attn_logit_softcapping", "final_logit_softcapping"):
        if name in own.values:
            fields[name] = own.number(name)
    return fields


def _rotary(
    header: GgufHeader, own: Configuration, head_size: int, factors: Factors | None
) -> Fields:
    """Return how positions turn: the part of a head, the stretching, its divisors."""
    fields: Fields = {}
    turned = own.dimension("rope.dimension_count", head_size)
    if turned != head_size:
        fields["partial_rotary_factor"] = turned / head_size
    tensor = next((t for t in (LLAMA_FACTORS, PHI_FACTORS) if t in header.tensors), None)
    kind = own.text("rope.scaling.type", "none")
    if tensor is not None:
        if "rope.scaling.original_context_length" in own.values and tensor == PHI_FACTORS:
            original = own.dimension("rope.scaling.original_context_length")
            fields["original_max_position_embeddings"] = original
        if factors is not None:
            fields["rope_scaling"] = {
                "rope_type": "longrope",
                "short_factor": list(factors(tensor)),
                "attention_factor": own.number("rope.scaling.attn_factor", 1.0),
            }
    elif kind not in ("none", ""):
        fields["rope_scaling"] = {"rope_type": kind, "factor": own.number("rope.scaling.factor")}
    return fields


def _tokens(header: GgufHeader) -> Fields:
    """Return the special tokens; a turn's end ends a text as well."""
    own = Configuration(
        {
            name.removeprefix("tokenizer.ggml."): value
            for name, value in header.values.items()
            if name.endswith("_token_id")
        }
    )
    ends = own.tokens("eos_token_id") + own.tokens("eot_token_id") + own.tokens("eom_token_id")
    fields: Fields = {"eos_token_id": list(dict.fromkeys(ends))}
    for name, stored in (("bos_token_id", "bos_token_id"), ("pad_token_id", "padding_token_id")):
        token = own.tokens(stored)
        if token:
            fields[name] = token[0]
    return fields
