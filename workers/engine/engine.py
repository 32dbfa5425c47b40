"""Runs one span of layers for several sequences, each in a slot of its own.

The same class runs on phones and, for audits, on the host. Attention appends to preallocated
buffers in place; lowering `position` is all it takes to roll a slot back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workers.engine.bound_rows import (
    BoundRows,
    RowArrays,
    bind_cache,
    bind_rows,
    final_array,
    input_shape,
    output_shape,
)
from workers.engine.hidden import computed_form
from workers.engine.kv_cache import KeyValueCache, SourceRows
from workers.engine.session import (
    one_line,
    open_session,
    past_names,
    shows_final_row,
    takes_batches,
)
from workers.engine.store import referenced_files
from workers.errors import EngineError, UnusableRowsError
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor

__all__ = ["ShardEngine", "SpanShape"]


class ShardEngine:
    """A loaded span. Used from one thread."""

    final_rows: Tensor | None = None
    """Of the newest run, what went into the head for each sequence, `f4 [sequences, hidden]`.

    None where the graph puts it out nowhere. It lasts until the next run."""

    def __init__(self, graph_path: Path, shape: SpanShape, threads: int) -> None:
        """Load the graph with the weight files beside it and allocate every slot.

        Raises `EngineError` where the graph cannot be loaded or memory does not suffice.
        """
        self.shape = shape
        self.graph_path = graph_path
        self._session = open_session(graph_path, threads)
        self._cache = KeyValueCache(past_names(self._session, shape), shape)
        self._takes_batches = takes_batches(self._session)
        self._source = SourceRows(self._session, graph_path.parent, shape, threads)
        self._filled = [0] * shape.slots
        self._shows_final_row = shows_final_row(self._session)
        self._row_arrays = RowArrays(shape, shows_final_row=self._shows_final_row)
        self._bound_rows: dict[tuple[int, int], BoundRows] = {}
        self.last_run_us = 0
        """Microseconds the newest run spent inside onnxruntime."""

    @property
    def weight_bytes(self) -> int:
        """Size of the graph and of the distinct weight files it refers to."""
        folder = self.graph_path.parent
        paths = [self.graph_path, *(folder / name for name in referenced_files(self.graph_path))]
        return sum(path.stat().st_size for path in paths)

    @property
    def kv_bytes(self) -> int:
        """Size of the attention cache of all slots."""
        return self._cache.size_bytes + self._source.size_bytes

    def run(self, slot: int, position: int, inputs: Tensor) -> Tensor:
        """Run the rows `inputs` after the `position` rows already in the slot's cache.

        `inputs` is `i8 [1, tokens]` where the span has the embedding, else `f4` or `f2 [1, tokens,
        hidden]`. Returns `f4 [1, tokens, hidden]` or, with the head, the last row's logits
        `f4 [1, vocabulary]` or the model's vector `f4 [1, numbers]`. Raises `EngineError` for
        anything that does not fit.
        """
        return self.run_in_place(slot, position, inputs).copy()

    def check_rows(self, inputs: Tensor) -> None:
        """Raise `UnusableRowsError` for rows of one sequence that the span cannot compute with."""
        self._checked(1, inputs, 0)

    def run_in_place(self, slot: int, position: int, inputs: Tensor) -> Tensor:
        """Do the same; what is returned lasts until the next run."""
        rows = self._checked(1, inputs, position)
        tokens = rows.shape[1]
        self._check_place(slot, position, tokens)
        if self._only_passes_on(position, rows):
            return self._passed_on(slot, position, rows, inputs)
        self._filled[slot] = position
        if self.shape.reads_source:
            outputs = self._run_reading(slot, position, rows)
        elif tokens == 1 and not self.shape.paired and not self._is_picture(rows):
            outputs = self._run_bound(slot, (position,), rows)
        else:
            outputs = self._run_chunk(slot, position + tokens, rows)
        self._filled[slot] = position + tokens
        return outputs

    def run_rows(self, slots: Sequence[int], positions: Sequence[int], inputs: Tensor) -> Tensor:
        """Run one row for each of several slots, whatever their lengths, reading weights once.

        `inputs` is `i8 [slots, 1]` or hidden states `[slots, 1, hidden]`; returns `f4 [slots, 1,
        hidden]` or logits `f4 [slots, vocabulary]`. Slots between them are run along on a row
        that counts for nothing. A graph made for one sequence runs them one by one. Raises
        `EngineError` for anything that does not fit.
        """
        rows = self._checked(len(slots), inputs, min(positions))
        if rows.shape[1] != 1:
            raise EngineError("rows.not_single")
        if len(set(slots)) != len(slots):
            raise EngineError("rows.of_one_slot")
        for slot, position in zip(slots, positions, strict=True):
            self._check_place(slot, position, 1)
        if not self._takes_batches or self.shape.paired or self._is_picture(rows):
            return self._one_by_one(slots, positions, rows)
        return self._together(slots, positions, rows)

    def _one_by_one(self, slots: Sequence[int], positions: Sequence[int], rows: Tensor) -> Tensor:
        outputs, final_rows = [], []
        for index, (slot, position) in enumerate(zip(slots, positions, strict=True)):
            outputs.append(self.run(slot, position, rows[index : index + 1]))
            final_rows += [] if self.final_rows is None else [self.final_rows.copy()]
        self.final_rows = np.concatenate(final_rows) if final_rows else None
        return np.concatenate(outputs)

    def _together(self, slots: Sequence[int], positions: Sequence[int], rows: Tensor) -> Tensor:
        first = min(slots)
        count = max(slots) + 1 - first
        places = np.array(slots) - first
        for slot, position in zip(slots, positions, strict=True):
            self._filled[slot] = position
        all_rows = np.zeros(input_shape(self.shape, count, 1), rows.dtype)
        all_rows[places] = rows
        outputs = self._run_bound(first, self._spare_positions(first, count), all_rows)
        for slot in slots:
            self._filled[slot] += 1
        if self.final_rows is not None:
            self.final_rows = self.final_rows[places]
        chosen: Tensor = outputs[places]
        return chosen

    def _spare_positions(self, first: int, count: int) -> list[int]:
        """Return where a row does no harm: after the rows of a slot, or last in a full one."""
        last = self.shape.context_tokens - 1
        return [min(filled, last) for filled in self._filled[first : first + count]]

    def _only_passes_on(self, position: int, rows: Tensor) -> bool:
        """Tell whether rows are for other spans: later steps for an encoder, tokens for eyes."""
        if self.shape.looks:
            return rows.dtype == np.int64
        return self.shape.paired and (position == 0) is self.shape.reads_source

    def _is_picture(self, rows: Tensor) -> bool:
        """Tell whether rows come in place of tokens."""
        return self.shape.takes_pictures and rows.dtype != np.int64

    def _passed_on(self, slot: int, position: int, rows: Tensor, inputs: Tensor) -> Tensor:
        """Return what is only passed on: by an encoder later steps, by a decoder the source."""
        if self.shape.reads_source:
            self._source.keep(slot, rows)
        self._filled[slot] = position + rows.shape[1]
        return inputs.astype(np.float32) if inputs.dtype == np.float16 else inputs

    def _run_reading(self, slot: int, position: int, rows: Tensor) -> Tensor:
        """Run rows of an answer to the text that a slot keeps."""
        own = self._source.own_position(slot, position)
        return self._run_chunk(slot, own + rows.shape[1], rows)

    def _bound(self, first: int, count: int) -> BoundRows:
        bound = self._bound_rows.get((first, count))
        if bound is None:
            bound = BoundRows(
                self._session, self._cache, self.shape, self._row_arrays, first, count
            )
            self._bound_rows[first, count] = bound
        return bound

    def _run_chunk(self, slot: int, total: int, rows: Tensor) -> Tensor:
        rows = np.require(rows, requirements=("C", "A"))
        last_index, total_tokens = np.array([total - 1], np.int32), np.array(total, np.int32)
        outputs = np.empty(output_shape(self.shape, 1, rows.shape[1]), np.float32)
        binding = bind_cache(self._session, self._cache, slot, last_index, total_tokens)
        self.final_rows = final_array(self.shape, 1) if self._shows_final_row else None
        if self.shape.reads_source:
            self._source.bind(binding, slot)
        bind_rows(binding, self.shape, rows, outputs, self.final_rows)
        self._run_session(binding)
        return outputs

    def _run_bound(self, first: int, positions: Sequence[int], rows: Tensor) -> Tensor:
        bound = self._bound(first, len(positions))
        bound.fill(positions, rows)
        self.final_rows = bound.final_rows
        self._run_session(bound.binding)
        return bound.outputs

    def _run_session(self, binding: Any) -> None:  # noqa: ANN401 - onnxruntime is untyped
        started_ns = time.perf_counter_ns()
        try:
            self._session.run_with_iobinding(binding)
        except Exception as error:
            raise EngineError("shard.failed", reason=one_line(error)) from error
        finally:
            self.last_run_us = (time.perf_counter_ns() - started_ns) // 1000

    def _checked(self, count: int, inputs: Tensor, position: int) -> Tensor:
        """Return so many rows in a form the span can compute with."""
        tokens = inputs.shape[1] if inputs.ndim > 1 else 0
        rows = computed_form(inputs)
        has_tokens = self.shape.takes_tokens(position, pictured=rows.ndim > 2)
        if not fits(self.shape, rows, has_tokens=has_tokens) or len(rows) != count:
            given = f"{inputs.dtype} {inputs.shape}"
            raise UnusableRowsError("rows.of_another_form", given=given)
        if tokens < 1:
            raise UnusableRowsError("rows.none")
        if has_tokens and not _within(rows, self.shape.vocabulary_size):
            raise UnusableRowsError("rows.token_too_large", limit=self.shape.vocabulary_size)
        return rows

    def _check_place(self, slot: int, position: int, tokens: int) -> None:
        if not 0 <= slot < self.shape.slots:
            raise EngineError("slot.unknown", slot=slot, slots=self.shape.slots)
        if position and not (self.shape.cached or self.shape.paired or self.shape.sees):
            raise UnusableRowsError("rows.in_parts_without_cache")
        if not 0 <= position <= self._filled[slot]:
            filled = self._filled[slot]
            raise UnusableRowsError("rows.leave_gap", position=position, filled=filled)
        if position + tokens > self.shape.context_tokens:
            limit = self.shape.context_tokens
            raise UnusableRowsError("rows.exceed_context", tokens=position + tokens, limit=limit)

    def forget(self, slot: int) -> None:
        """Empty a slot for its next sequence."""
        self._filled[slot] = 0
        if self.shape.reads_source:
            self._source.forget(slot)

    def begin_with(self, slot: int, rows: int, source: int) -> None:
        """Let a slot hold the first rows of another, or its own, and no more.

        Rows of other sequences may have been run along in the last place of a full slot, which
        is never handed on. Raises `EngineError` where there are not so many rows.
        """
        if self.shape.paired or not 0 < rows <= min(
            self._filled[source], self.shape.context_tokens - 1
        ):
            raise EngineError("slot.without_rows", slot=source, rows=rows)
        if source != slot:
            self._copy_rows(source, slot, rows)
        self._filled[slot] = rows

    def kept_rows(self, slot: int, count: int) -> list[Tensor]:
        """Return copies of a slot's first rows in the cache, `[kv_heads, rows, head_size]` each.

        Keys and values of each layer, in graph order and in the form in which they are kept.
        """
        return self._cache.rows(slot, count)

    def _copy_rows(self, source: int, target: int, rows: int) -> None:
        self._cache.copy_rows(source, target, rows)


def fits(shape: SpanShape, rows: Tensor, *, has_tokens: bool) -> bool:
    """Tell whether rows `[sequences, tokens, ...]` have the type and the sizes of a span's."""
    if has_tokens:
        return rows.dtype == np.int64 and rows.ndim == 2
    pixels = rows.ndim > 2 and shape.takes_pixels(pictured=True)
    width = shape.picture_width if pixels else shape.hidden_size
    if rows.dtype != (np.uint8 if pixels else np.float32) or rows.shape[2:] != (width,):
        return False
    return not shape.looks or rows.shape[:2] == (1, shape.picture_rows)


def _within(tokens: Tensor, vocabulary_size: int) -> bool:
    return all(0 <= token < vocabulary_size for token in tokens.ravel().tolist())
