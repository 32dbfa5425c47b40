"""Which families can be imported, by the name a checkpoint gives its architecture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeGuard

from app.core.errors import BadInputError
from app.models.configuration import Configuration, shown
from app.models.families.bert import encoder_classifier, sentence_encoder
from app.models.families.bert_names import BERT, DISTILBERT, ROBERTA
from app.models.families.bloom import bloom
from app.models.families.classifier import classifier
from app.models.families.cohere import cohere, cohere2
from app.models.families.gemma import gemma
from app.models.families.gemma2 import gemma2
from app.models.families.gemma3 import gemma3
from app.models.families.glm import glm, glm4
from app.models.families.gpt2 import gpt2
from app.models.families.gpt_neox import gpt_neox
from app.models.families.granite import granite
from app.models.families.interface import Family
from app.models.families.llama import llama
from app.models.families.mistral import ministral3, mistral
from app.models.families.olmo import olmo2, olmo3
from app.models.families.opt import opt
from app.models.families.phi3 import phi3
from app.models.families.qwen import qwen2, qwen3
from app.models.families.smollm3 import smollm3
from app.models.families.starcoder2 import starcoder2

FAMILIES: Mapping[str, Callable[[Configuration], Family]] = {
    "LlamaForCausalLM": llama,
    "Qwen2ForCausalLM": qwen2,
    "Qwen3ForCausalLM": qwen3,
    "MistralForCausalLM": mistral,
    "Ministral3ForCausalLM": ministral3,
    "SmolLM3ForCausalLM": smollm3,
    "GraniteForCausalLM": granite,
    "Olmo2ForCausalLM": olmo2,
    "Olmo3ForCausalLM": olmo3,
    "GlmForCausalLM": glm,
    "Glm4ForCausalLM": glm4,
    "CohereForCausalLM": cohere,
    "Cohere2ForCausalLM": cohere2,
    "Starcoder2ForCausalLM": starcoder2,
    "Phi3ForCausalLM": phi3,
    "GemmaForCausalLM": gemma,
    "Gemma2ForCausalLM": gemma2,
    "Gemma3ForCausalLM": gemma3,
    "GPT2LMHeadModel": gpt2,
    "BloomForCausalLM": bloom,
    "OPTForCausalLM": opt,
    "GPTNeoXForCausalLM": gpt_neox,
    "LlamaForSequenceClassification": classifier(llama),
    "Qwen2ForSequenceClassification": classifier(qwen2),
    "Qwen3ForSequenceClassification": classifier(qwen3),
    "MistralForSequenceClassification": classifier(mistral),
    "Phi3ForSequenceClassification": classifier(phi3),
    "Gemma2ForSequenceClassification": classifier(gemma2),
    "GPT2ForSequenceClassification": classifier(gpt2),
    "BloomForSequenceClassification": classifier(bloom),
    "OPTForSequenceClassification": classifier(opt),
    "GPTNeoXForSequenceClassification": classifier(gpt_neox),
    "BertModel": sentence_encoder(BERT),
    "RobertaModel": sentence_encoder(ROBERTA),
    "XLMRobertaModel": sentence_encoder(ROBERTA),
    "DistilBertModel": sentence_encoder(DISTILBERT),
    "BertForSequenceClassification": encoder_classifier(BERT),
    "RobertaForSequenceClassification": encoder_classifier(ROBERTA),
    "XLMRobertaForSequenceClassification": encoder_classifier(ROBERTA),
    "DistilBertForSequenceClassification": encoder_classifier(DISTILBERT),
}
_DECODERS = ("ForCausalLM", "LMHeadModel")


def family_of(configuration: Configuration) -> Family:
    """Return the checkpoint's family.

    Raises `BadInputError` where none fits, and `UnusualModelError` where one does but does not
    compute what the checkpoint asks for.
    """
    names = _architectures(configuration)
    for name in names:
        if name in FAMILIES:
            return FAMILIES[name](configuration)
    known = tuple(FAMILIES)
    if not names:
        raise BadInputError("checkpoint.no_architecture", known=known)
    raise BadInputError(
        "checkpoint.architecture_unknown", found=tuple(map(shown, names)), known=known
    )


def is_known(configuration: Configuration) -> bool:
    """Return whether there is a family for the checkpoint."""
    return any(name in FAMILIES for name in _architectures(configuration))


def decoder_name(configuration: Configuration) -> str | None:
    """Return the architecture's name where it is that of a decoder, which writes texts."""
    decoders = (name for name in _architectures(configuration) if name.endswith(_DECODERS))
    return next(decoders, None)


def _architectures(configuration: Configuration) -> tuple[str, ...]:
    names = configuration.values.get("architectures")
    return tuple(filter(_is_text, names)) if isinstance(names, list) else ()


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)
