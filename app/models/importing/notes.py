"""What an import has to say of a model besides how far it is: nothing is left out silently."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from app.core.facts import Fact
from app.core.model import BlockKind
from app.models.configuration import Configuration
from app.models.families.interface import BlockPlan, Family, WeightRole
from app.models.families.paired import PairedModel
from app.models.families.seeing import SeeingModel
from app.models.quantization.block_wise import Quantization
from app.models.tensors import StoredTensor

WORTH_TELLING: Final = 0.02
"""Share of a model's bytes: norms, biases and routers stay below it."""
CALIBRATED_BYTES: Final = 3 << 29
"""Of a layer in float32, with all experts: what a dense layer of 14B parameters takes."""
_CODES: Final = frozenset(
    (
        *("import.rounded_twice", "import.text_part", "import.uncalibrated"),
        *("import.uncalibrated_pair", "import.uncalibrated_large", "import.uncalibrated_eyes"),
        *("import.unquantised", "tokenizer.added_beyond"),
    )
)


def is_note(told: Fact) -> bool:
    """Return whether what an import tells is to be kept for its end."""
    return told.code in _CODES


def uncalibrated(family: Family) -> Fact | None:
    """Return why four bits of a family are not calibrated; None where they are.

    A layer is run whole in float32 to calibrate it: too large a one is not, nor a decoder that
    would need an encoder's result beside the text.
    """
    if isinstance(family, PairedModel):
        return Fact("import.uncalibrated_pair")
    if isinstance(family, SeeingModel):
        return Fact("import.uncalibrated_eyes")
    largest = max((_float32_bytes(plan) for plan in family.plans()), default=0)
    if largest > CALIBRATED_BYTES:
        return Fact("import.uncalibrated_large", layer=largest, most=CALIBRATED_BYTES)
    return None


def _float32_bytes(plan: BlockPlan) -> int:
    if plan.kind is not BlockKind.LAYER:
        return 0
    return sum(4 * math.prod(weight.shape) for weight in plan.weights)


def notes_before(configuration: Configuration, family: Family) -> Iterator[Fact]:
    """Yield what is left out of a checkpoint: what a model sees with."""
    sections = configuration.section("text_config"), configuration.section("vision_config")
    if all(sections) and not isinstance(family, SeeingModel):
        yield Fact("import.text_part")


def notes_after(
    plans: tuple[BlockPlan, ...],
    tensors: Mapping[str, StoredTensor],
    quantization: Quantization,
) -> Iterator[Fact]:
    """Yield which share of a quantised model is of matrices that could not be quantised."""
    kept = (WeightRole.ROUTER, WeightRole.TABLE, WeightRole.EYE)
    weights = [weight for plan in plans for weight in plan.weights if len(weight.shape) > 1]
    matrices = {weight.name for weight in weights if weight.role not in kept}
    whole = sum(tensor.size_bytes for tensor in tensors.values())
    left = sum(tensor.size_bytes for name, tensor in tensors.items() if name in matrices)
    if quantization is not Quantization.F32 and left > WORTH_TELLING * whole:
        yield Fact("import.unquantised", percent=round(100 * left / whole))
