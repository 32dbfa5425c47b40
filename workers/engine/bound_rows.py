"""One row for each of several neighbouring slots, bound once and run many times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from workers.engine.kv_cache import KeyValueCache
from workers.engine.session import PICTURE_ROWS, input_name, output_name
from workers.protocol.span_shape import FINAL_ROW, SpanShape
from workers.protocol.wire import Tensor


class RowArrays:
    """What one row of every slot is read from and written to, whichever slots run together."""

    def __init__(self, shape: SpanShape, *, shows_final_row: bool) -> None:
        self.final_rows = final_array(shape, shape.slots) if shows_final_row else None
        self.inputs = np.zeros(input_shape(shape, shape.slots, 1), input_type(shape))
        self.outputs = np.zeros(output_shape(shape, shape.slots, 1), np.float32)


class BoundRows:
    """A decoding step's arrays; their addresses are bound, so they are filled, never replaced."""

    def __init__(
        self,
        session: Any,  # noqa: ANN401 - onnxruntime is untyped
        cache: KeyValueCache,
        shape: SpanShape,
        arrays: RowArrays,
        first_slot: int,
        count: int,
    ) -> None:
        last_index = np.zeros(count, np.int32)
        total_tokens = np.zeros((), np.int32)
        self._last_index = last_index.data
        self._total_tokens = total_tokens.data
        self._inputs = arrays.inputs[:count]
        self.outputs = arrays.outputs[:count]
        """Overwritten by the next run of any slots."""
        self.final_rows = None if arrays.final_rows is None else arrays.final_rows[:count]
        """Likewise; None where the graph puts out none."""
        self.binding = bind_cache(session, cache, first_slot, last_index, total_tokens)
        bind_rows(self.binding, shape, self._inputs, self.outputs, self.final_rows)

    def fill(self, positions: Sequence[int], inputs: Tensor) -> None:
        """Set one row for each slot, after so many rows of it.

        `inputs` is `[slots, 1]` token ids where the span has the embedding, else hidden states
        `[slots, 1, hidden]`; they are copied.
        """
        for index, position in enumerate(positions):
            self._last_index[index] = position
        self._total_tokens[()] = max(positions) + 1
        self._inputs[...] = inputs


def bind_cache(
    session: Any,  # noqa: ANN401 - onnxruntime is untyped
    cache: KeyValueCache,
    first_slot: int,
    last_index: Tensor,
    total_tokens: Tensor,
) -> Any:  # noqa: ANN401 - onnxruntime is untyped
    """Return a binding of neighbouring slots from `first_slot` on.

    `last_index` is `i4 [slots]`, the length of each with its new rows less 1; `total_tokens` a
    scalar `i4`, the longest length. Both are read anew at each run.
    """
    binding = session.io_binding()
    cache.bind(binding, first_slot, len(last_index))
    _bind(binding.bind_input, "seqlens_k", last_index)
    _bind(binding.bind_input, "total_len", total_tokens)
    return binding


def bind_rows(
    binding: Any,  # noqa: ANN401 - onnxruntime is untyped
    shape: SpanShape,
    inputs: Tensor,
    outputs: Tensor,
    final_rows: Tensor | None = None,
) -> None:
    """Bind arrays of `input_shape` and `output_shape`, which are read and written in place.

    `final_rows` is a `final_array`, where these are wanted.
    """
    for name, array in _named_inputs(shape, inputs).items():
        _bind(binding.bind_input, name, array)
    _bind(binding.bind_output, output_name(shape), outputs)
    if final_rows is not None:
        _bind(binding.bind_output, FINAL_ROW, final_rows)


def input_type(shape: SpanShape) -> np.dtype[Any]:
    """Return the type of the rows a span computes with."""
    return np.dtype(np.int64 if shape.has_embedding else np.float32)


def input_shape(shape: SpanShape, rows: int, tokens: int) -> tuple[int, ...]:
    """Return `[rows, tokens]` where the span has the embedding, else with the hidden size."""
    return (rows, tokens) if shape.has_embedding else (rows, tokens, shape.hidden_size)


def output_shape(shape: SpanShape, rows: int, tokens: int) -> tuple[int, ...]:
    """Return `[rows, numbers]` where the span has the head, else `[rows, tokens, hidden]`."""
    if shape.has_head:
        return (rows, shape.output_size)
    return (rows, tokens, shape.output_width)


def _named_inputs(shape: SpanShape, inputs: Tensor) -> Mapping[str, Tensor]:
    """Return what is bound: where tokens and pictures may come, one of them empty."""
    if not shape.takes_pictures:
        return {input_name(shape): inputs}
    rows = len(inputs)
    if inputs.dtype.kind == "i":
        return {
            input_name(shape): inputs,
            PICTURE_ROWS: np.zeros((rows, 0, shape.hidden_size), np.float32),
        }
    return {input_name(shape): np.zeros((rows, 0), np.int64), PICTURE_ROWS: inputs}


def final_array(shape: SpanShape, rows: int) -> Tensor:
    """Return room for what goes into the head of so many sequences, `f4 [rows, hidden]`."""
    return np.zeros((rows, shape.hidden_size), np.float32)


def _bind(bind: Any, name: str, array: Tensor) -> None:  # noqa: ANN401 - onnxruntime is untyped
    bind(name, "cpu", 0, array.dtype.type, list(array.shape), array.ctypes.data)
