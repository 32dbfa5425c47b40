"""Kinds of models that neither a family nor the exporter brings onto phones, told at once.

They are known by what their configuration says, so that one whose name is new is told as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from app.core.errors import BadInputError
from app.models.configuration import Configuration

_RECURRENT: Final = frozenset(
    (
        *("bamba", "falcon_h1", "falcon_mamba", "granitemoehybrid", "jamba", "kimi_linear"),
        *("lfm2", "lfm2_moe", "mamba", "mamba2", "minimax", "nemotron_h", "olmo_hybrid"),
        *("qwen3_5", "qwen3_5_moe", "qwen3_5_text", "qwen3_next", "recurrent_gemma", "rwkv"),
        *("xlstm", "zamba", "zamba2"),
    )
)
_ATTENDING: Final = frozenset(
    ("full_attention", "sliding_attention", "chunked_attention", "attention")
)
READ_FORMS: Final = ("mxfp4", "fp8", "compressed-tensors", "gptq", "awq", "bitsandbytes")
"""How weights may be quantised in a checkpoint that is read."""
_COMPRESSED: Final = ("float-quantized", "pack-quantized")
_GPTQ_BITS: Final = (2, 4, 8)
_AWQ_BITS: Final = 4
_SCALED_FORMS: Final = ("fp8", "compressed-tensors")
USUAL_BLOCK: Final = 128


def refuse_what_no_phone_runs(configuration: Configuration, name: str) -> None:
    """Raise `BadInputError` where a model is of a kind that is not supported; `name` tells which.

    What a model sees with is beside its text part; it is the text part that is looked at.
    """
    text = configuration.section("text_config") or configuration
    for code, is_so in _KINDS.items():
        if is_so(configuration, text):
            raise BadInputError(code, name=name)


def refuse_unread_form(configuration: Configuration) -> None:
    """Raise `BadInputError` where the weights are quantised in a form that is not read."""
    section = configuration.section("quantization_config")
    if section is None:
        return
    variant = _unread_variant(section)
    if variant is not None:
        raise BadInputError("checkpoint.form_unread", form=variant[:60], read=READ_FORMS)


def _unread_variant(section: Configuration) -> str | None:
    """Return how a form is called that is not read, or a variant of one that is."""
    method, fields = section.values.get("quant_method"), section.values
    match method:
        case "compressed-tensors":
            form = fields.get("format")
            return None if form in _COMPRESSED else str(form)
        case "gptq":
            bits = fields.get("bits")
            return None if bits in _GPTQ_BITS else f"gptq, {str(bits)[:8]} bits"
        case "awq":
            version = str(fields.get("version", "gemm")).lower()
            is_read = version == "gemm" and fields.get("bits", _AWQ_BITS) == _AWQ_BITS
            return None if is_read else f"awq, {version}"
        case _:
            return None if method in READ_FORMS else str(method)


def scaled_block(configuration: Configuration) -> tuple[int, int] | None:
    """Return the rows and columns of a block with one scale; None without eight-bit floats."""
    section = configuration.section("quantization_config")
    if section is None or section.values.get("quant_method") not in _SCALED_FORMS:
        return None
    sizes = section.values.get("weight_block_size") or [USUAL_BLOCK, USUAL_BLOCK]
    if not isinstance(sizes, list) or len(sizes) != 2:
        raise BadInputError("configuration.not_a_list", field="weight_block_size")
    rows, columns = (Configuration({"size": size}).dimension("size") for size in sizes)
    return rows, columns


def _is_recurrent(_whole: Configuration, text: Configuration) -> bool:
    kinds = text.values.get("layer_types")
    others = isinstance(kinds, list) and any(
        isinstance(kind, str) and kind not in _ATTENDING for kind in kinds
    )
    return others or text.values.get("model_type") in _RECURRENT


def _is_latent(_whole: Configuration, text: Configuration) -> bool:
    return text.values.get("kv_lora_rank") is not None


def _embeds_in_layers(_whole: Configuration, text: Configuration) -> bool:
    return bool(text.values.get("hidden_size_per_layer_input"))


def _encodes_and_decodes(whole: Configuration, _text: Configuration) -> bool:
    return whole.values.get("is_encoder_decoder") is True


def _sees_or_hears(whole: Configuration, _text: Configuration) -> bool:
    return any(whole.values.get(part) for part in ("vision_config", "audio_config"))


_KINDS: Final[Mapping[str, Callable[[Configuration, Configuration], bool]]] = {
    "checkpoint.recurrent": _is_recurrent,
    "checkpoint.latent_attention": _is_latent,
    "checkpoint.layer_embeddings": _embeds_in_layers,
    "checkpoint.encoder_decoder": _encodes_and_decodes,
    "checkpoint.sees": _sees_or_hears,
}
