"""bitsandbytes: four bits that index a table (NF4, FP4), or eight with a scale a row (LLM.int8).

Source: Dettmers et al. 2023, "QLoRA", section 3 (NF4, double quantisation); the names of the parts
are those of `bitsandbytes.functional.QuantState.as_dict(packed=True)`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInputError
from app.models.configuration import Configuration
from app.models.formats.model_folder import Float32Array, PackedRows
from app.models.formats.packed.interface import StoredTensors, own_blocks, require_shape

STATES: Final = (".quant_state.bitsandbytes__nf4", ".quant_state.bitsandbytes__fp4")
ROW_SCALES: Final = "SCB"
_LARGEST_STATE_BYTES: Final = 1 << 16
_TABLE: Final = 16
_ROW_STEPS: Final = np.float32(127)


@dataclass(frozen=True)
class TableMatrix:
    """A matrix named `name` in four bits; blocks follow its numbers, row after row."""

    stored: StoredTensors
    name: str
    state_name: str

    def require(self, shape: tuple[int, ...]) -> None:
        """Raise `BadInputError` where parts are of other shapes or the state says other ones."""
        rows, columns = shape
        count = rows * columns
        blocks = -(-count // self._block)
        if self._state.values.get("shape") != list(shape):
            found = str(self._state.values.get("shape"))[:40]
            raise BadInputError(
                "tensor.of_other_shape", tensor=self.name, found=found, expected=str(shape)
            )
        require_shape(self.stored, self.name, (-(-count // 2), 1))
        require_shape(self.stored, self.name + ".absmax", (blocks,))
        require_shape(self.stored, self.name + ".quant_map", (_TABLE,))
        if self._nested:
            require_shape(self.stored, self.name + ".nested_quant_map", (256,))
            own_blocks_count = -(-blocks // self._nested)
            require_shape(self.stored, self.name + ".nested_absmax", (own_blocks_count,))

    def rows(self, first: int, after: int) -> Float32Array:
        """Return rows as float32."""
        columns = self._columns
        begin, end = first * columns, after * columns
        stored = self.stored.read(self.name, slice(begin // 2, -(-end // 2)))
        pairs = stored.reshape(-1).astype(np.uint8)
        codes = np.stack((pairs >> 4, pairs & 15), axis=-1).reshape(-1)
        values = self._table[codes[begin % 2 : begin % 2 + end - begin]]
        places = np.arange(begin, end) // self._block
        scaled: Float32Array = values * self._scales[places]
        return scaled.reshape(after - first, columns)

    def blocks(self, first: int, after: int, bits: int) -> PackedRows | None:  # noqa: ARG002
        """Return nothing: the table's steps are uneven."""
        return None

    @cached_property
    def _state(self) -> Configuration:
        raw = self.stored.read(self.name + self.state_name).astype(np.uint8)
        try:
            values = json.loads(raw.tobytes()[:_LARGEST_STATE_BYTES])
        except (ValueError, RecursionError) as error:
            raise BadInputError("tensor.state_unreadable", tensor=self.name) from error
        if not isinstance(values, dict):
            raise BadInputError("tensor.state_unreadable", tensor=self.name)
        return Configuration(values)

    @property
    def _block(self) -> int:
        return self._state.dimension("blocksize")

    @property
    def _nested(self) -> int:
        """Scales that share a scale themselves; 0 where they are plain numbers."""
        has = self._state.values.get("nested_blocksize") is not None
        return self._state.dimension("nested_blocksize") if has else 0

    @property
    def _columns(self) -> int:
        sizes = self._state.values.get("shape")
        return int(sizes[-1]) if isinstance(sizes, list) else 0

    @cached_property
    def _table(self) -> Float32Array:
        return self.stored.read(self.name + ".quant_map").astype(np.float32)

    @cached_property
    def _scales(self) -> Float32Array:
        stored = self.stored.read(self.name + ".absmax")
        if not self._nested:
            return stored.astype(np.float32)
        table = self.stored.read(self.name + ".nested_quant_map").astype(np.float32)
        outer = self.stored.read(self.name + ".nested_absmax").astype(np.float32)
        places = np.arange(len(stored)) // self._nested
        offset = self._state.values.get("nested_offset")
        if isinstance(offset, bool) or not isinstance(offset, int | float):
            raise BadInputError("tensor.state_unreadable", tensor=self.name)
        scales: Float32Array = table[stored.astype(np.uint8)] * outer[places]
        return scales + np.float32(offset)


@dataclass(frozen=True)
class RowScaledMatrix:
    """A matrix named `name` of signed bytes, each row with the largest number it stood for."""

    stored: StoredTensors
    name: str

    def require(self, shape: tuple[int, ...]) -> None:
        """Raise `BadInputError` where parts are of other shapes."""
        require_shape(self.stored, self.name, shape)
        require_shape(self.stored, self._scale_name, shape[:1])

    def rows(self, first: int, after: int) -> Float32Array:
        """Return rows as float32."""
        steps, scales = self._steps(first, after)
        values: Float32Array = steps * scales
        return values

    def blocks(self, first: int, after: int, bits: int) -> PackedRows | None:
        """Return rows in our blocks: in eight bits the same numbers."""
        return own_blocks(*self._steps(first, after), bits)

    def _steps(self, first: int, after: int) -> tuple[NDArray[np.int16], Float32Array]:
        place = slice(first, after)
        scales = self.stored.read(self._scale_name, place).astype(np.float32) / _ROW_STEPS
        return self.stored.read(self.name, place).astype(np.int16), scales[:, None]

    @property
    def _scale_name(self) -> str:
        return self.name.removesuffix("weight") + ROW_SCALES
