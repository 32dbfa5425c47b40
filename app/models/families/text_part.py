"""The text part of models that see: the decoder alone, as their `text_config` describes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.models.configuration import Configuration
from app.models.families.interface import Family

GEMMA3_DEFAULTS: Mapping[str, object] = {
    "vocab_size": 262_208,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "max_position_embeddings": 131_072,
    "sliding_window": 4096,
}
"""What the published Gemma 3 of 4 and 12 billion leave out."""


def text_part(
    family: Callable[[Configuration], Family], defaults: Mapping[str, object] | None = None
) -> Callable[[Configuration], Family]:
    """Return how to make the text part's family; `defaults` hold where its section is silent."""

    def make(configuration: Configuration) -> Family:
        section = configuration.section("text_config")
        if section is None:
            return family(configuration)
        tied = configuration.values.get("tie_word_embeddings")
        whole = {**(defaults or {}), "tie_word_embeddings": tied}
        stated = {name: value for name, value in section.values.items() if value is not None}
        return family(Configuration(whole | stated))

    return make
