"""What attention reads for every slot: keys and values, and those of a text an encoder read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from workers.engine.session import one_line, open_session
from workers.errors import EngineError, UnusableRowsError
from workers.protocol.bounds import is_digest
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor

_PAST = "past."
_PRESENT = "present."
SOURCE: Final = "source."
"""Of the graph's notes, which name a graph for each layer, and of its inputs."""
_PARTS: Final = ("key", "value")


class KeyValueCache:
    """One buffer `[slots, kv_heads, context, head_size]` per key and value of a layer.

    Its elements are of the shape's `cache_rows`.
    """

    def __init__(self, past_names: Sequence[str], shape: SpanShape) -> None:
        """Allocate all buffers. Raises `EngineError` where memory does not suffice."""
        size = (shape.slots, shape.kv_heads, shape.context_tokens, shape.head_size)
        self._row_shape = size[1:]
        self._element = np.dtype(shape.cache_rows.value).type
        try:
            self._buffers = {name: np.zeros(size, self._element) for name in past_names}
        except (MemoryError, ValueError):
            raise EngineError("memory.none_for_cache", wanted=f"{shape.kv_bytes:,}") from None

    @property
    def size_bytes(self) -> int:
        """Size of all buffers."""
        return sum(buffer.nbytes for buffer in self._buffers.values())

    def rows(self, slot: int, count: int) -> list[Tensor]:
        """Return copies of a slot's first rows, `[kv_heads, rows, head_size]`, as they are kept.

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
            binding.bind_input(name, "cpu", 0, self._element, shape, address)
            binding.bind_output(present, "cpu", 0, self._element, shape, address)


class SourceRows:
    """By slot, each layer's keys and values `[1, source, heads * head_size]`."""

    def __init__(self, session: Any, folder: Path, shape: SpanShape, threads: int) -> None:  # noqa: ANN401 - untyped library
        """Open the graphs that the span's own names. Raises `EngineError` where one is missing."""
        notes: dict[str, str] = session.get_modelmeta().custom_metadata_map
        graphs = {
            name: digest
            for name, digest in notes.items()
            if name.startswith(SOURCE) and is_digest(digest)
        }
        if len(graphs) != shape.layer_count * shape.reads_source:
            raise EngineError("graph.of_other_layers", found=len(graphs), wanted=shape.layer_count)
        self._sessions = {
            name: open_session(folder / digest, threads) for name, digest in graphs.items()
        }
        self._kept: dict[int, dict[str, Tensor]] = {}
        self._lengths: dict[int, int] = {}

    def length(self, slot: int) -> int:
        """Return how many rows a slot keeps; 0 where there is no text."""
        return self._lengths.get(slot, 0)

    def keep(self, slot: int, source: Tensor) -> None:
        """Compute and keep what the layers need of `f4 [1, source, hidden]`.

        Raises `EngineError` where that fails.
        """
        self.forget(slot)
        kept: dict[str, Tensor] = {}
        rows = np.require(source, np.float32, requirements=("C", "A"))
        try:
            for name, session in self._sessions.items():
                found = session.run(list(_PARTS), {"source_in": rows})
                kept |= {f"{name}.{part}": each for part, each in zip(_PARTS, found, strict=True)}
        except Exception as error:
            raise EngineError("shard.failed", reason=one_line(error)) from error
        self._kept[slot], self._lengths[slot] = kept, source.shape[1]

    def forget(self, slot: int) -> None:
        """Keep nothing of a slot's text any more."""
        self._kept.pop(slot, None)
        self._lengths.pop(slot, None)

    def own_position(self, slot: int, position: int) -> int:
        """Return how many rows of the answer there are at a position of text and answer.

        Raises `UnusableRowsError` where no text was kept, or the position is within it.
        """
        own = position - self.length(slot)
        if own < 0 or slot not in self._kept:
            filled = self.length(slot)
            raise UnusableRowsError("rows.leave_gap", position=position, filled=filled)
        return own

    def bind(self, binding: Any, slot: int) -> None:  # noqa: ANN401 - untyped library
        """Bind what a slot keeps."""
        for name, rows in self._kept[slot].items():
            binding.bind_input(name, "cpu", 0, rows.dtype.type, list(rows.shape), rows.ctypes.data)

    @property
    def size_bytes(self) -> int:
        """Memory that the rows take."""
        return sum(rows.nbytes for kept in self._kept.values() for rows in kept.values())
