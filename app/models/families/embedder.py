"""Decoders that turn a text into a vector: Qwen3-Embedding, E5-Mistral, EmbeddingGemma.

Most read the last token, which has seen all others. EmbeddingGemma (Schechter Vera et al. 2025) is
Gemma 3 made to see both ways, half a window on either side in most layers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.core.errors import BadInputError
from app.core.model import ModelTask
from app.models.configuration import Configuration
from app.models.families.gated import GatedDecoder
from app.models.families.gemma3 import BOTH_WAYS, gemma3
from app.models.families.interface import Family, HeadOutput
from app.models.families.pooling import PoolingMode
from app.models.families.sentence import sentence_vector
from app.models.sentence_settings import SECTION


def embedder(
    decoder: Callable[[Configuration], GatedDecoder],
) -> Callable[[Configuration], Family]:
    """Return how to make an embedder from how to make the decoder."""

    def make(configuration: Configuration) -> Family:
        if not configuration.flag("is_causal", default=True):
            raise BadInputError("family.encoder_field", field="is_causal")
        return _with_vector(configuration, decoder(configuration), PoolingMode.LAST)

    return make


def gemma3_embedder(configuration: Configuration) -> Family:
    """Return EmbeddingGemma, or a Gemma 3 that reads as it writes."""
    if not configuration.flag(BOTH_WAYS, default=False):
        return embedder(gemma3)(configuration)
    seen = configuration.dimension("sliding_window") // 2 + 1
    body = gemma3(Configuration({**configuration.values, BOTH_WAYS: False, "sliding_window": seen}))
    style = replace(body.style, both_ways=True)
    whole = replace(body, style=style, dimensions=replace(body.dimensions, kv_heads=0))
    return _with_vector(configuration, whole, PoolingMode.MEAN)


def _with_vector(configuration: Configuration, body: GatedDecoder, default: PoolingMode) -> Family:
    sizes = body.dimensions
    vector = sentence_vector(configuration, sizes.hidden_size, default)
    if vector.mode is not PoolingMode.LAST and not body.style.both_ways:
        raise BadInputError("family.pooling_of_decoder", pooling=vector.mode.value)
    settings = configuration.section(SECTION) or Configuration({})
    longest = settings.dimension("max_tokens", sizes.context_tokens)
    sizes = replace(sizes, context_tokens=min(longest, sizes.context_tokens))
    answer = HeadOutput(ModelTask.EMBEDDING)
    return replace(body, dimensions=sizes).pooling(vector, answer)
