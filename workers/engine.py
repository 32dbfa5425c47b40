"""Runs one span of layers for several sequences, each in a slot of its own.

The same class runs on phones and, for audits, on the host. Attention appends to preallocated
buffers in place; lowering `position` is all it takes to roll a slot back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from workers.errors import EngineError
from workers.kv_cache import KeyValueCache
from workers.session import input_name, one_line, open_session, output_name, past_names
from workers.shape import SpanShape
from workers.store import referenced_files
from workers.wire import Tensor

__all__ = ["ShardEngine", "SpanShape"]


class ShardEngine:
    """A loaded span. Used from one thread."""

    def __init__(self, graph_path: Path, shape: SpanShape, threads: int) -> None:
        """Load the graph with the weight files beside it and allocate every slot.

        Raises `EngineError` where the graph cannot be loaded or memory does not suffice.
        """
        self.shape = shape
        self._graph_path = graph_path
        self._session = open_session(graph_path, threads)
        self._cache = KeyValueCache(past_names(self._session, shape), shape)
        self._filled = [0] * shape.slots
        self._last_index = np.zeros(1, np.int32)
        self._total_tokens = np.zeros((), np.int32)
        self._row_input = np.zeros(self._input_shape(1), self._input_type)
        self._row_output = np.zeros(self._output_shape(1), np.float32)
        self._row_bindings = [self._bind_row(slot) for slot in range(shape.slots)]
        self._chunk_bindings = [self._bind_cache(slot) for slot in range(shape.slots)]

    @property
    def weight_bytes(self) -> int:
        """Size of the graph and of the distinct weight files it refers to."""
        folder = self._graph_path.parent
        paths = [self._graph_path, *(folder / name for name in referenced_files(self._graph_path))]
        return sum(path.stat().st_size for path in paths)

    @property
    def kv_bytes(self) -> int:
        """Size of the attention cache of all slots."""
        return self._cache.size_bytes

    def run(self, slot: int, position: int, inputs: Tensor) -> Tensor:
        """Run the rows `inputs` after the `position` rows already in the slot's cache.

        `inputs` is `i8 [1, tokens]` where the span has the embedding, else `f4 [1, tokens,
        hidden]`. Returns `f4 [1, tokens, hidden]` or, with the head, the last row's logits
        `f4 [1, vocabulary]`. Raises `EngineError` for anything that does not fit.
        """
        self._check(slot, position, inputs)
        total = position + inputs.shape[1]
        self._last_index[0] = total - 1
        self._total_tokens[...] = total
        self._filled[slot] = position
        try:
            run = self._run_row if inputs.shape[1] == 1 else self._run_chunk
            outputs = run(slot, inputs)
        except Exception as error:
            raise EngineError(f"the shard failed: {one_line(error)}") from error
        self._filled[slot] = total
        return outputs

    def _run_row(self, slot: int, inputs: Tensor) -> Tensor:
        self._row_input[...] = inputs
        self._session.run_with_iobinding(self._row_bindings[slot])
        return self._row_output.copy()

    def _run_chunk(self, slot: int, inputs: Tensor) -> Tensor:
        aligned = np.require(inputs, requirements=("C", "A"))
        outputs = np.empty(self._output_shape(inputs.shape[1]), np.float32)
        self._bind_rows(self._chunk_bindings[slot], aligned, outputs)
        self._session.run_with_iobinding(self._chunk_bindings[slot])
        return outputs

    def _bind_cache(self, slot: int) -> Any:  # noqa: ANN401 - onnxruntime is untyped
        binding = self._session.io_binding()
        self._cache.bind(binding, slot)
        _bind(binding.bind_input, "seqlens_k", self._last_index)
        _bind(binding.bind_input, "total_len", self._total_tokens)
        return binding

    def _bind_row(self, slot: int) -> Any:  # noqa: ANN401 - onnxruntime is untyped
        binding = self._bind_cache(slot)
        self._bind_rows(binding, self._row_input, self._row_output)
        return binding

    def _bind_rows(self, binding: Any, inputs: Tensor, outputs: Tensor) -> None:  # noqa: ANN401
        _bind(binding.bind_input, input_name(self.shape), inputs)
        _bind(binding.bind_output, output_name(self.shape), outputs)

    @property
    def _input_type(self) -> np.dtype[Any]:
        return np.dtype(np.int64 if self.shape.has_embedding else np.float32)

    def _input_shape(self, tokens: int) -> tuple[int, ...]:
        return (1, tokens) if self.shape.has_embedding else (1, tokens, self.shape.hidden_size)

    def _output_shape(self, tokens: int) -> tuple[int, ...]:
        if self.shape.has_head:
            return (1, self.shape.vocabulary_size)
        return (1, tokens, self.shape.hidden_size)

    def _check(self, slot: int, position: int, inputs: Tensor) -> None:
        if not 0 <= slot < self.shape.slots:
            raise EngineError(f"slot {slot} does not exist: there are {self.shape.slots}")
        tokens = inputs.shape[1] if inputs.ndim > 1 else 0
        if inputs.dtype != self._input_type or inputs.shape != self._input_shape(tokens):
            raise EngineError(f"rows are {inputs.dtype} {inputs.shape}, not what the span takes")
        if tokens < 1:
            raise EngineError("a step needs at least one row")
        self._check_position(slot, position, tokens)
        if self.shape.has_embedding and not _within(inputs, self.shape.vocabulary_size):
            raise EngineError(f"a token is not below {self.shape.vocabulary_size}")

    def _check_position(self, slot: int, position: int, tokens: int) -> None:
        if not 0 <= position <= self._filled[slot]:
            filled = self._filled[slot]
            raise EngineError(f"position {position} leaves a gap: {filled} rows are in the cache")
        if position + tokens > self.shape.context_tokens:
            limit = self.shape.context_tokens
            raise EngineError(f"{position + tokens} tokens exceed the context of {limit}")

    def forget(self, slot: int) -> None:
        """Empty a slot for its next sequence."""
        self._filled[slot] = 0


def _within(tokens: Tensor, vocabulary_size: int) -> bool:
    return bool(tokens.min() >= 0) and bool(tokens.max() < vocabulary_size)


def _bind(bind: Any, name: str, array: Tensor) -> None:  # noqa: ANN401 - onnxruntime is untyped
    bind(name, "cpu", 0, array.dtype.type, list(array.shape), array.ctypes.data)
