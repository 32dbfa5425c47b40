"""How well a model predicts a text, before and after quantisation."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInputError, reason_of
from app.core.model import ModelManifest, ModelTask
from app.models.library import Library
from app.models.quantization.block_wise import Quantization
from app.models.stored_model import Quality
from app.models.whole import WholeModel

QUICK_FLOPS = 5e9
"""About a second on one core."""
HIGHEST_SURPRISE = 700.0
"""Its exponential is still a number."""
MAXIMUM_TEXT_BYTES = 16 << 20


@dataclass(frozen=True)
class SampleText:
    """A text to predict, under the name that results carry."""

    name: str
    content: str

    @classmethod
    def read(cls, path: Path) -> SampleText:
        """Read a text file in UTF-8. Raises `BadInputError` where it is not one."""
        try:
            if path.stat().st_size > MAXIMUM_TEXT_BYTES:
                raise BadInputError("sample_text.too_large", path=str(path))
            return cls(path.name, path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise BadInputError(
                "text_file.unreadable", path=str(path), reason=reason_of(error)
            ) from error


def sample_tokens(library: Library, manifest: ModelManifest, text: SampleText) -> list[int]:
    """Return the text's tokens, cut to the context.

    Raises `BadInputError` for a model that writes no texts or has no tokenizer, or a text without
    two tokens.
    """
    if manifest.task is not ModelTask.GENERATION or manifest.paired:
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
    flops_per_token = sum(max(each.flops_per_token, each.weight_bytes) for each in manifest.blocks)
    return flops_per_token * token_count <= QUICK_FLOPS


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
    library: Library, manifest: ModelManifest, text: SampleText, source: Path | None = None
) -> Quality:
    """Measure a model and, where its checkpoint is at hand, its float32 original; keep the result.

    Raises `BadInputError` as `sample_tokens` does.
    """
    tokens = sample_tokens(library, manifest, text)
    found = perplexity(library, manifest, tokens)
    original = found if manifest.quantization == Quantization.F32 else None
    if original is None and source is not None:
        original = _original_perplexity(source, tokens)
    quality = Quality(text.name, len(tokens) - 1, found, original)
    library.keep_quality(manifest, quality)
    return quality


def _original_perplexity(source: Path, tokens: Sequence[int]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        library = Library(Path(folder))
        return perplexity(library, library.import_folder(source, "original"), tokens)
