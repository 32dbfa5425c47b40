"""How well a model predicts a text, before and after quantisation."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.core.model import ModelManifest, ModelTask
from app.models.library import Library
from app.models.sample_text import SampleText
from app.models.stored_model import Quality
from app.models.whole import WholeModel

QUICK_FLOPS = 5e9
"""About a second on one core."""
SAMPLE_FLOPS = 1.5e11
"""About a minute on one core, the original's import aside."""
LEAST_SAMPLE = 64
"""Tokens; fewer say nothing of a model."""
MEMORY_SHARE = 0.25
"""Of what is free, that a float32 original may take to be measured without being asked for."""
HIGHEST_SURPRISE = 700.0
"""Its exponential is still a number."""


def sample_tokens(library: Library, manifest: ModelManifest, text: SampleText) -> list[int]:
    """Return the text's tokens, cut to the context.

    Raises `BadInputError` for a model that writes no texts or has no tokenizer, or a text without
    two tokens.
    """
    if manifest.task is not ModelTask.GENERATION or manifest.two_chains:
        raise BadInputError("model.predicts_nothing", model=manifest.name)
    tokenizer = library.tokenizer(manifest)
    if tokenizer is None:
        raise BadInputError("model.reads_no_text", model=manifest.name)
    tokens = tokenizer.encode(text.content)[: manifest.context_tokens]
    if len(tokens) < 2:
        raise BadInputError("sample_text.too_short", text=text.name)
    return tokens


def is_quick(manifest: ModelManifest, token_count: int) -> bool:
    """Return whether a text of that length is read within about a second."""
    return _work(manifest) * token_count <= QUICK_FLOPS


def sample_size(manifest: ModelManifest, token_count: int) -> int:
    """Return how many of a text's tokens a fresh model is measured on: 0 where it is too large.

    That is what about a minute is enough for, if its original fits into memory.
    """
    if is_quick(manifest, token_count):
        return token_count
    affordable = min(token_count, int(SAMPLE_FLOPS / _work(manifest)))
    free = psutil.virtual_memory().available * MEMORY_SHARE
    return affordable if affordable >= LEAST_SAMPLE and _float32_bytes(manifest) <= free else 0


def _work(manifest: ModelManifest) -> int:
    return sum(max(each.flops_per_token, each.weight_bytes) for each in manifest.blocks)


def _float32_bytes(manifest: ModelManifest) -> int:
    """Return about how large the original is: two operations a weight, and the embedding."""
    layers = sum(each.flops_per_token for each in manifest.blocks)
    return 2 * layers + 4 * manifest.vocabulary_size * manifest.hidden_size


def perplexity(library: Library, manifest: ModelManifest, tokens: Sequence[int]) -> float:
    """Return the perplexity of tokens: the exponential of the mean surprise (Jelinek 1977).

    The first token is given. Higher is worse; a blind guess gives the vocabulary's size. Raises
    `BadInputError` for a model that computes no usable numbers.
    """
    whole = WholeModel(manifest, library)
    surprises = [
        _surprise(whole.step([token], position), following)
        for position, (token, following) in enumerate(pairwise(tokens))
    ]
    mean = float(np.mean(surprises))
    if not mean < HIGHEST_SURPRISE:
        raise BadInputError("model.numbers_unusable", model=manifest.name)
    return math.exp(mean)


def _surprise(logits: NDArray[np.float32], token: int) -> float:
    """Return a token's negative logarithmic probability; not a number where there is none."""
    if not np.isfinite(logits).all():
        return math.nan
    exact = logits.astype(np.float64)
    highest = exact.max()
    return float(highest + np.log(np.exp(exact - highest).sum()) - exact[token])


def measure(
    library: Library,
    manifest: ModelManifest,
    text: SampleText,
    source: Path | None = None,
    *,
    adapter: Path | None = None,
    most_tokens: int | None = None,
) -> Quality:
    """Measure a model and, where its checkpoint is at hand, its float32 original; keep the result.

    The original is the checkpoint with the adapter that was merged. Raises `BadInputError` as
    `sample_tokens` does.
    """
    tokens = sample_tokens(library, manifest, text)[:most_tokens]
    found = perplexity(library, manifest, tokens)
    original = None if manifest.rounded else found
    if original is None and source is not None:
        original = _original_perplexity(source, tokens, adapter)
    quality = Quality(text.name, len(tokens) - 1, found, original)
    library.keep_quality(manifest, quality)
    return quality


def _original_perplexity(source: Path, tokens: Sequence[int], adapter: Path | None) -> float:
    with tempfile.TemporaryDirectory() as folder:
        library = Library(Path(folder))
        original = library.import_folder(source, "original", adapter=adapter)
        return perplexity(library, original, tokens)
