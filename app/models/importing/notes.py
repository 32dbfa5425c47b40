"""What an import has to say of a model besides how far it is: nothing is left out silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from app.core.facts import Fact
from app.models.configuration import Configuration
from app.models.families.interface import BlockPlan, WeightRole
from app.models.quantization.block_wise import Quantization
from app.models.tensors import StoredTensor

WORTH_TELLING: Final = 0.02
"""Share of a model's bytes: norms, biases and routers stay below it."""
_CODES: Final = frozenset(
    (
        *("import.rounded_twice", "import.text_part", "import.uncalibrated"),
        *("import.unquantised", "tokenizer.added_beyond"),
    )
)


def is_note(told: Fact) -> bool:
    """Return whether what an import tells is to be kept for its end."""
    return told.code in _CODES


def notes_before(configuration: Configuration) -> Iterator[Fact]:
    """Yield what is left out of a checkpoint: what a model sees with."""
    if configuration.section("text_config") and configuration.section("vision_config"):
        yield Fact("import.text_part")


def notes_after(
    plans: tuple[BlockPlan, ...],
    tensors: Mapping[str, StoredTensor],
    quantization: Quantization,
) -> Iterator[Fact]:
    """Yield which share of a quantised model is of matrices that could not be quantised."""
    kept = (WeightRole.ROUTER, WeightRole.TABLE)
    weights = [weight for plan in plans for weight in plan.weights if len(weight.shape) > 1]
    matrices = {weight.name for weight in weights if weight.role not in kept}
    whole = sum(tensor.size_bytes for tensor in tensors.values())
    left = sum(tensor.size_bytes for name, tensor in tensors.items() if name in matrices)
    if quantization is not Quantization.F32 and left > WORTH_TELLING * whole:
        yield Fact("import.unquantised", percent=round(100 * left / whole))
