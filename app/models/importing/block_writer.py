"""Writes a model's blocks, each weight in its precision and rounded as the quantisation says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.core.model import BlockKind
from app.models.calibration.calibrator import Calibrator
from app.models.families.interface import BlockPlan, Family, Weight
from app.models.formats.model_folder import Float32Array, ModelFolder, PackedRows
from app.models.importing.encoding import Rounding, encode, encode_blocks, is_carried, pieces
from app.models.importing.import_record import ImportRecord, WrittenBlock
from app.models.importing.precision import Precision
from app.models.quantization.block_wise import Quantization, quantize_rows
from app.models.quantization.scales import sought_rows
from app.models.store import BlobStore
from app.models.tensors import PendingTensor, StoredTensor, write_blob

_CALIBRATED_BITS: Final = 4

Texts = Sequence[NDArray[np.int64]]


class BlockWriter:
    """Turns the plans of one checkpoint into blobs, in order; what was written before is taken.

    With `texts`, token ids [1, tokens], four bits are calibrated by them.
    """

    def __init__(
        self,
        checkpoint: ModelFolder,
        family: Family,
        quantization: Quantization,
        store: BlobStore,
        record: ImportRecord,
        texts: Texts = (),
    ) -> None:
        self._checkpoint = checkpoint
        self._plans = family.plans()
        self._precision = Precision(self._plans, quantization)
        self._rounding: Rounding = _sought if quantization is Quantization.Q4 else quantize_rows
        self._store = store
        self._record = record
        self.rounded_twice = False
        """Whether matrices that come in blocks of their own were rounded to other ones."""
        self._tables = family.tables()
        self._calibrator = self._calibration(family, texts) if texts else None

    def tables(self) -> WrittenBlock | None:
        """Write what layers share of the family's tables, if it has any."""
        tables = [
            PendingTensor(table, str(values.dtype), values.shape, (values,))
            for table, values in self._tables.items()
        ]
        return write_blob(self._store, tables) if tables else None

    def written(self, index: int, tensors: Mapping[str, StoredTensor]) -> WrittenBlock:
        """Return a block that an earlier import left in the store, else write it.

        `tensors` are those of the tables and of all blocks before.
        """
        plan = self._plans[index]
        block = self._record.written(plan)
        if block is None:
            block = self._write(index, plan, tensors)
            self._record.add(plan, block)
        return block

    def _write(
        self, index: int, plan: BlockPlan, tensors: Mapping[str, StoredTensor]
    ) -> WrittenBlock:
        if self._calibrator is not None and plan.kind is BlockKind.LAYER:
            self._calibrator.advance(index - 1, tensors)
            self._calibrator.watch(index - 1, plan)
        pending = [tensor for weight in plan.weights for tensor in self._encoded(weight)]
        return write_blob(self._store, pending)

    def _encoded(self, weight: Weight) -> tuple[PendingTensor, ...]:
        bits, calibrator = self._precision.bits(weight), self._calibrator
        if bits == _CALIBRATED_BITS and not is_carried(weight, self._checkpoint, bits):
            self.rounded_twice |= self._checkpoint.is_quantized(weight.parts[0].name)
            if calibrator and calibrator.knows(weight):
                return encode_blocks(weight, bits, calibrator.rounded(weight))
        return encode(weight, self._checkpoint, bits, self._rounding)

    def _calibration(self, family: Family, texts: Texts) -> Calibrator:
        read = partial(pieces, checkpoint=self._checkpoint)
        return Calibrator(family, self._store, self._tables, read, texts)


def _sought(rows: Float32Array, bits: int) -> PackedRows:
    return sought_rows(rows) if bits == _CALIBRATED_BITS else quantize_rows(rows, bits)
