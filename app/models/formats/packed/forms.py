"""Which form a quantised checkpoint has, known from its configuration alone."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.formats.packed.bitsandbytes import (
    ROW_SCALES,
    STATES,
    RowScaledMatrix,
    TableMatrix,
)
from app.models.formats.packed.grouped import AwqMatrix, CompressedMatrix, GptqMatrix
from app.models.formats.packed.interface import PackedMatrix, StoredTensors

_LATER_GPTQ = "gptq_v2"


@dataclass(frozen=True)
class PackedForms:
    """Finds the reader of each quantised matrix; `section` is the `quantization_config`."""

    section: Configuration

    def of(self, name: str, stored: StoredTensors) -> PackedMatrix | None:
        """Return the reader of a matrix by the name it would have, None where it is not packed."""
        stem = name.removesuffix(".weight")
        if stem == name:
            return None
        if stem + ".qweight" in stored:
            return self._in_words(stem, stored)
        if stem + ".weight_packed" in stored:
            return CompressedMatrix(stored, stem, compressed_bits(self.section))
        for state in STATES:
            if name + state in stored:
                return TableMatrix(stored, name, state)
        if f"{stem}.{ROW_SCALES}" in stored:
            return RowScaledMatrix(stored, name)
        return None

    def _in_words(self, stem: str, stored: StoredTensors) -> PackedMatrix:
        size = self.section.values.get("group_size")
        group = size if isinstance(size, int) and size > 0 else 0
        if self.section.values.get("quant_method") == "awq":
            return AwqMatrix(stored, stem, group)
        later = self.section.values.get("checkpoint_format") == _LATER_GPTQ
        return GptqMatrix(stored, stem, self.section.dimension("bits"), group, int(not later))


def compressed_bits(section: Configuration) -> int:
    """Return the bits of the weights of compressed-tensors; all groups must have as many."""
    groups = section.section("config_groups")
    found = set[int]()
    for each in groups.values.values() if groups else ():
        weights = Configuration(each).section("weights") if isinstance(each, dict) else None
        if weights is not None:
            found.add(weights.dimension("num_bits"))
    if len(found) != 1:
        raise BadInputError("configuration.not_a_size", field="num_bits", value=str(sorted(found)))
    return found.pop()
