"""Whether quantisation has clearly harmed a model, judged by what was measured of it."""

from __future__ import annotations

from typing import Final

from app.core.facts import Fact
from app.core.model import ModelManifest
from app.models.quantization.block_wise import Quantization
from app.models.stored_model import Quality

HARMFUL_RATIO: Final = 1.15
"""Times its original's perplexity from which on a model counts as harmed.

Models that bear four bits lose a few percent by them (the demo 1.4), those that do not lose far
more (SmolLM2-135M 90). In between lies more than the chance of one short text.
"""


def harm_of(manifest: ModelManifest, quality: Quality | None) -> Fact | None:
    """Return that quantisation has clearly harmed a model, None where it has not."""
    original = quality.float32_perplexity if quality else None
    if quality is None or original is None or quality.perplexity <= original * HARMFUL_RATIO:
        return None
    is_small = manifest.quantization in (Quantization.Q4, Quantization.Q4_PLAIN)
    return Fact(
        "quantization.harmed_by_q4" if is_small else "quantization.harmed",
        quantization=manifest.quantization,
        model=manifest.name,
        perplexity=quality.perplexity,
        original=original,
    )
