"""Whether quantisation has clearly harmed a model, judged by what was measured of it."""

from __future__ import annotations

from typing import Final

from app.core.model import ModelManifest
from app.core.units import significant
from app.models.quantization.block_wise import Quantization
from app.models.stored_model import Quality

HARMFUL_RATIO: Final = 1.15
"""Times its original's perplexity from which on a model counts as harmed.

Models that bear four bits lose a few percent by them (the demo 1.4), those that do not lose far
more (SmolLM2-135M 90). In between lies more than the chance of one short text.
"""


def harm_of(manifest: ModelManifest, quality: Quality | None) -> str:
    """Return one plain line where quantisation has clearly harmed a model, else nothing."""
    original = quality.float32_perplexity if quality else None
    if quality is None or original is None or quality.perplexity <= original * HARMFUL_RATIO:
        return ""
    better = "q8 or f32" if manifest.quantization == Quantization.Q4 else "f32"
    return (
        f"{manifest.quantization} has clearly harmed {manifest.name}: its perplexity is"
        f" {significant(quality.perplexity)}, before quantisation {significant(original)}"
        f" (lower is better). Import it as {better}."
    )
