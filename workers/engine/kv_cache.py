"""Attention keys and values of every slot, in buffers that are allocated once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from workers.errors import EngineError
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor

_PAST = "past."
_PRESENT = "present."


class KeyValueCache:
    """One float32 buffer `[slots, kv_heads, context, head_size]` per key and value of a layer."""

    def __init__(self, past_names: Sequence[str], shape: SpanShape) -> None:
        """Allocate all buffers. Raises `EngineError` where memory does not suffice."""
        size = (shape.slots, shape.kv_heads, shape.context_tokens, shape.head_size)
        self._row_shape = size[1:]
        try:
            self._buffers = {name: np.zeros(size, np.float32) for name in past_names}
        except (MemoryError, ValueError):
            raise EngineError("memory.none_for_cache", wanted=f"{shape.kv_bytes:,}") from None

    @property
    def size_bytes(self) -> int:
        """Size of all buffers."""
        return sum(buffer.nbytes for buffer in self._buffers.values())

    def rows(self, slot: int, count: int) -> list[Tensor]:
        """Return copies of a slot's first rows, `f4 [kv_heads, rows, head_size]`.

        Keys and values of each layer, in the order of the names given at the beginning.
        """
        return [buffer[slot, :, :count].copy() for buffer in self._buffers.values()]

    @property
    def present_names(self) -> list[str]:
        """What the buffers are called as outputs, in the order in which they are bound."""
        return [_PRESENT + name.removeprefix(_PAST) for name in self._buffers]

    def named_rows(self, position: int, count: int) -> dict[str, Tensor]:
        """Return rows of the first slot, `[1, rows, kv_heads * head_size]`, by their outputs."""
        rows = slice(position, position + count)
        return {
            name: buffer[:1, :, rows].transpose(0, 2, 1, 3).reshape(1, count, -1)
            for name, buffer in zip(self.present_names, self._buffers.values(), strict=True)
        }

    def copy_rows(self, source: int, target: int, rows: int) -> None:
        """Copy the first rows of a slot into another."""
        for buffer in self._buffers.values():
            buffer[target, :, :rows] = buffer[source, :, :rows]

    def bind(self, binding: Any, first_slot: int, count: int) -> None:  # noqa: ANN401 - untyped
        """Bind neighbouring slots as past and present at once: attention appends in place."""
        shape = [count, *self._row_shape]
        for name, buffer in self._buffers.items():
            address = buffer[first_slot].ctypes.data
            present = _PRESENT + name.removeprefix(_PAST)
            binding.bind_input(name, "cpu", 0, np.float32, shape, address)
            binding.bind_output(present, "cpu", 0, np.float32, shape, address)
