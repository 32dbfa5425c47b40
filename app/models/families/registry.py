"""Which families can be imported, by the name a checkpoint gives its architecture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeGuard

from app.core.errors import BadInputError
from app.models.configuration import Configuration, shown
from app.models.families.bart import BART, M2M100, MARIAN, MBART, PEGASUS, like_bart
from app.models.families.bert import encoder_classifier, sentence_encoder
from app.models.families.bert_names import BERT, DEBERTA, DISTILBERT, MPNET, NOMIC, ROBERTA
from app.models.families.bloom import bloom
from app.models.families.classifier import classifier
from app.models.families.cohere import cohere, cohere2
from app.models.families.embedder import embedder, gemma3_embedder
from app.models.families.gemma import gemma
from app.models.families.gemma2 import gemma2
from app.models.families.gemma3 import gemma3
from app.models.families.glm import glm, glm4
from app.models.families.gpt2 import gpt2
from app.models.families.gpt_neox import gpt_neox
from app.models.families.gpt_oss import gpt_oss
from app.models.families.granite import granite, granite_moe
from app.models.families.idefics import idefics3
from app.models.families.interface import Family
from app.models.families.llama import llama
from app.models.families.llava import llava
from app.models.families.mistral import ministral3, mistral
from app.models.families.mixtral import mixtral
from app.models.families.modernbert import modernbert, modernbert_classifier
from app.models.families.olmo import olmo2, olmo3
from app.models.families.olmoe import olmoe
from app.models.families.opt import opt
from app.models.families.phi3 import phi3
from app.models.families.phimoe import phimoe
from app.models.families.qwen import qwen2, qwen3
from app.models.families.qwen3_moe import qwen3_moe
from app.models.families.refused import refuse_unread_form, refuse_what_no_phone_runs
from app.models.families.smollm3 import smollm3
from app.models.families.starcoder2 import starcoder2
from app.models.families.t5 import t5
from app.models.families.text_part import GEMMA3_DEFAULTS, text_part
from app.models.sentence_settings import SECTION

FAMILIES: Mapping[str, Callable[[Configuration], Family]] = {
    "LlamaForCausalLM": llama,
    "Qwen2ForCausalLM": qwen2,
    "Qwen3ForCausalLM": qwen3,
    "MistralForCausalLM": mistral,
    "Ministral3ForCausalLM": ministral3,
    "SmolLM3ForCausalLM": smollm3,
    "GraniteForCausalLM": granite,
    "GraniteMoeForCausalLM": granite_moe,
    "GraniteMoeSharedForCausalLM": granite_moe,
    "Qwen3MoeForCausalLM": qwen3_moe,
    "MixtralForCausalLM": mixtral,
    "PhimoeForCausalLM": phimoe,
    "PhiMoEForCausalLM": phimoe,
    "OlmoeForCausalLM": olmoe,
    "GptOssForCausalLM": gpt_oss,
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
    "Gemma3ForConditionalGeneration": text_part(gemma3, GEMMA3_DEFAULTS),
    "Mistral3ForConditionalGeneration": text_part(ministral3),
    "LlavaForConditionalGeneration": llava,
    "Idefics3ForConditionalGeneration": idefics3,
    "SmolVLMForConditionalGeneration": idefics3,
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
    "GemmaForSequenceClassification": classifier(gemma),
    "Gemma3TextForSequenceClassification": classifier(gemma3),
    "Ministral3ForSequenceClassification": classifier(ministral3),
    "SmolLM3ForSequenceClassification": classifier(smollm3),
    "Qwen3MoeForSequenceClassification": classifier(qwen3_moe),
    "MixtralForSequenceClassification": classifier(mixtral),
    "PhimoeForSequenceClassification": classifier(phimoe),
    "GptOssForSequenceClassification": classifier(gpt_oss),
    "Olmo2ForSequenceClassification": classifier(olmo2),
    "Olmo3ForSequenceClassification": classifier(olmo3),
    "GlmForSequenceClassification": classifier(glm),
    "Glm4ForSequenceClassification": classifier(glm4),
    "Starcoder2ForSequenceClassification": classifier(starcoder2),
    "T5ForConditionalGeneration": t5,
    "MT5ForConditionalGeneration": t5,
    "BartForConditionalGeneration": like_bart(BART),
    "MBartForConditionalGeneration": like_bart(MBART),
    "MarianMTModel": like_bart(MARIAN),
    "PegasusForConditionalGeneration": like_bart(PEGASUS),
    "M2M100ForConditionalGeneration": like_bart(M2M100),
    "BertModel": sentence_encoder(BERT),
    "RobertaModel": sentence_encoder(ROBERTA),
    "XLMRobertaModel": sentence_encoder(ROBERTA),
    "DistilBertModel": sentence_encoder(DISTILBERT),
    "MPNetModel": sentence_encoder(MPNET),
    "NomicBertModel": sentence_encoder(NOMIC),
    "DebertaV2Model": sentence_encoder(DEBERTA),
    "ModernBertModel": modernbert,
    "Gemma3TextModel": gemma3_embedder,
    "LlamaModel": embedder(llama),
    "MistralModel": embedder(mistral),
    "Qwen2Model": embedder(qwen2),
    "Qwen3Model": embedder(qwen3),
    "BertForSequenceClassification": encoder_classifier(BERT),
    "RobertaForSequenceClassification": encoder_classifier(ROBERTA),
    "XLMRobertaForSequenceClassification": encoder_classifier(ROBERTA),
    "DistilBertForSequenceClassification": encoder_classifier(DISTILBERT),
    "MPNetForSequenceClassification": encoder_classifier(MPNET),
    "NomicBertForSequenceClassification": encoder_classifier(NOMIC),
    "DebertaV2ForSequenceClassification": encoder_classifier(DEBERTA),
    "ModernBertForSequenceClassification": modernbert_classifier,
}
_EMBEDDERS: Mapping[str, str] = {
    "LlamaForCausalLM": "LlamaModel",
    "MistralForCausalLM": "MistralModel",
    "Qwen2ForCausalLM": "Qwen2Model",
    "Qwen3ForCausalLM": "Qwen3Model",
    "Gemma3ForCausalLM": "Gemma3TextModel",
}
"""What a decoder becomes beside files that say how its rows make a vector (`modules.json`)."""
_DECODERS = ("ForCausalLM", "LMHeadModel")


def family_of(configuration: Configuration) -> Family:
    """Return the checkpoint's family.

    Raises `BadInputError` where none fits, and `UnusualModelError` where one does but does not
    compute what the checkpoint asks for.
    """
    names = _architectures(configuration)
    for name in names:
        if name in FAMILIES:
            refuse_unread_form(configuration)
            embeds = configuration.section(SECTION) is not None
            made = _EMBEDDERS.get(name, name) if embeds else name
            return FAMILIES[made](configuration)
    refuse_unsupported(configuration)
    known = tuple(FAMILIES)
    if not names:
        raise BadInputError("checkpoint.no_architecture", known=known)
    raise BadInputError(
        "checkpoint.architecture_unknown", found=tuple(map(shown, names)), known=known
    )


def refuse_unsupported(configuration: Configuration) -> None:
    """Raise `BadInputError` for kinds of models and forms of weights that are not supported."""
    if is_known(configuration):
        return
    for name in _architectures(configuration):
        refuse_what_no_phone_runs(configuration, shown(name))
    refuse_unread_form(configuration)


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
