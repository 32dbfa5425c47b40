"""Mistral's own form: `consolidated.safetensors` with `params.json`, under Meta's names.

Queries and keys are stored so that neighbours turn together; here halves of a head do. The names of
fields and tensors, and their order, are those that transformers' `convert_mistral_weights_to_hf.py`
and `convert_ministral3_weights_to_hf.py` read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.formats.checkpoint import Checkpoint
from app.models.formats.model_folder import Float32Array

PARAMETERS_FILE: Final = "params.json"
WEIGHTS_PATTERN: Final = "consolidated*.safetensors"
_ENDS: Final = {
    "model.embed_tokens.weight": "tok_embeddings.weight",
    "model.norm.weight": "norm.weight",
    "lm_head.weight": "output.weight",
}
_OF_LAYER: Final = {
    "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attention.wq",
    "self_attn.k_proj": "attention.wk",
    "self_attn.v_proj": "attention.wv",
    "self_attn.o_proj": "attention.wo",
    "mlp.gate_proj": "feed_forward.w1",
    "mlp.down_proj": "feed_forward.w2",
    "mlp.up_proj": "feed_forward.w3",
    "block_sparse_moe.gate": "gate",
}
_LAYER: Final = re.compile(r"model\.(layers\.\d+\.)(.+)\.weight")
_EXPERT: Final = re.compile(r"block_sparse_moe\.experts\.(\d+)\.(w[123])")
_TURNED: Final = re.compile(r".*\.self_attn\.[qk]_proj\.weight")
_COPIED: Final = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "intermediate_size": "hidden_dim",
    "num_attention_heads": "n_heads",
    "num_key_value_heads": "n_kv_heads",
    "head_dim": "head_dim",
    "rms_norm_eps": "norm_eps",
    "vocab_size": "vocab_size",
    "rope_theta": "rope_theta",
    "sliding_window": "sliding_window",
    "tie_word_embeddings": "tied_embeddings",
    "kv_lora_rank": "kv_lora_rank",
}
_USUAL_CONTEXT: Final = 32768
_SEES: Final = ("vision_encoder", "multimodal", "audio_encoder")


def is_consolidated(folder: Path) -> bool:
    """Return whether a folder has weights in this form."""
    return (folder / PARAMETERS_FILE).is_file() and any(folder.glob(WEIGHTS_PATTERN))


def consolidated_configuration(path: Path) -> Configuration:
    """Return what `params.json` says as a `config.json` would. Raises `BadInputError`."""
    fields = Configuration.from_file(path)
    for part in _SEES:
        if fields.values.get(part):
            raise BadInputError("checkpoint.sees", name=path.name)
    if fields.values.get("quantization"):
        raise BadInputError("checkpoint.consolidated_quantised", file=path.name)
    values: dict[str, object] = {
        name: fields.values[stored]
        for name, stored in _COPIED.items()
        if fields.values.get(stored) is not None
    }
    context = fields.first_of("max_position_embeddings", "max_seq_len")
    values["max_position_embeddings"] = fields.dimension(context, _USUAL_CONTEXT)
    values |= {"hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2}
    values.setdefault("tie_word_embeddings", False)
    return Configuration({**values, **_kind(fields)})


def _kind(fields: Configuration) -> Mapping[str, object]:
    """Return the architecture's name and what it alone has."""
    experts, yarn = fields.section("moe"), fields.section("yarn")
    if experts is not None:
        sizes = {
            "num_local_experts": experts.dimension("num_experts"),
            "num_experts_per_tok": experts.dimension("num_experts_per_tok"),
        }
        return {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", **sizes}
    if yarn is None:
        return {"architectures": ["MistralForCausalLM"], "model_type": "mistral"}
    stretched: dict[str, object] = {
        "rope_type": "yarn",
        "rope_theta": fields.number("rope_theta", 10000.0),
        "factor": yarn.number("factor"),
        "original_max_position_embeddings": yarn.dimension("original_max_position_embeddings"),
        "beta_fast": yarn.number("beta", 32.0),
        "beta_slow": yarn.number("alpha", 1.0),
        "mscale": 1.0,
        "mscale_all_dim": 1.0,
    }
    scaling = fields.section("llama_4_scaling")
    if scaling is not None:
        stretched["llama_4_scaling_beta"] = scaling.number("beta")
    kind = {"architectures": ["Ministral3ForCausalLM"], "model_type": "ministral3"}
    return {**kind, "rope_parameters": stretched}


class ConsolidatedCheckpoint(Checkpoint):
    """Such a folder, under the names that transformers gives the tensors."""

    def __init__(self, folder: Path) -> None:
        configuration = consolidated_configuration(folder / PARAMETERS_FILE)
        super().__init__(folder, configuration, tuple(sorted(folder.glob(WEIGHTS_PATTERN))))

    def pieces(
        self, tensor: str, rows: Sequence[tuple[int, int]] = (), *, transposed: bool = False
    ) -> Iterator[Float32Array]:
        """Yield a tensor's rows; those of queries and keys a head at a time, in our order."""
        if not _TURNED.fullmatch(tensor):
            yield from super().pieces(tensor, rows, transposed=transposed)
            return
        all_rows, _ = self.shape_of(tensor)
        size = self._head_size()
        for first in range(0, all_rows, size):
            head = np.concatenate(list(super().pieces(tensor, [(first, first + size)])))
            yield head.reshape(size // 2, 2, -1).transpose(1, 0, 2).reshape(size, -1)

    def _head_size(self) -> int:
        sizes = self.configuration
        usual = sizes.dimension("hidden_size") // sizes.dimension("num_attention_heads")
        return sizes.dimension("head_dim", usual)

    def _name(self, tensor: str) -> str | None:
        name = _stored_name(tensor)
        return name if name in self._placed else super()._name(tensor)


def _stored_name(tensor: str) -> str:
    """Return what a tensor is called in this form."""
    found = _LAYER.fullmatch(tensor)
    if found is None:
        return _ENDS.get(tensor, tensor)
    layer, module = found[1], found[2]
    expert = _EXPERT.fullmatch(module)
    own = f"experts.{expert[1]}.{expert[2]}" if expert else _OF_LAYER.get(module, module)
    return f"{layer}{own}.weight"
