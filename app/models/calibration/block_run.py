"""Runs one block of a model over whole texts, each from its beginning."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.models.families.interface import Dimensions
from app.models.graphs.graph import (
    HIDDEN_INPUT,
    HIDDEN_OUTPUT,
    INPUT_IDS,
    LENGTHS,
    TOTAL_LENGTH,
)
from workers.engine.session import open_session

Rows = NDArray[np.generic]


class BlockRun:
    """A loaded block. `graph` is its serialised graph, `weights` the folder of its files."""

    def __init__(self, graph: bytes, weights: Path, sizes: Dimensions) -> None:
        """Load it. Raises `EngineError` where that fails."""
        threads = len(os.sched_getaffinity(0))
        self._session = open_session(graph, threads, weights)
        self._sizes = sizes
        self._inputs = [value.name for value in self._session.get_inputs()]
        self._past = [name for name in self._inputs if name.startswith("past.")]
        self._outputs = [value.name for value in self._session.get_outputs()]

    def run(self, rows: Rows, recorded: Sequence[str] = ()) -> list[NDArray[np.float32]]:
        """Return what the block makes of a text [1, tokens, ...], and what was recorded of it.

        The block's own result comes first.
        """
        names = [self._own_output(), *recorded]
        binding = self._session.io_binding()
        length, tokens = rows.shape[1], np.ascontiguousarray(rows)
        binding.bind_cpu_input(self._own_input(), tokens)
        binding.bind_cpu_input(LENGTHS, np.array([length - 1], np.int32))
        binding.bind_cpu_input(TOTAL_LENGTH, np.array(length, np.int32))
        kept = self._bind_cache(binding, length)
        for name in names:
            binding.bind_output(name, "cpu")
        self._session.run_with_iobinding(binding)
        bound = dict(
            zip(
                [*(name.replace("past", "present", 1) for name in kept), *names],
                binding.get_outputs(),
                strict=True,
            )
        )
        return [bound[name].numpy() for name in names]

    def _bind_cache(self, binding: Any, length: int) -> dict[str, Rows]:  # noqa: ANN401 - untyped
        shape = (1, self._sizes.kv_heads, length, self._sizes.head_size)
        caches: dict[str, Rows] = {name: np.zeros(shape, np.float32) for name in self._past}
        for name, buffer in caches.items():
            place = ("cpu", 0, np.float32, buffer.shape, buffer.ctypes.data)
            binding.bind_input(name, *place)
            binding.bind_output(name.replace("past", "present", 1), *place)
        return caches

    def _own_input(self) -> str:
        return INPUT_IDS if INPUT_IDS in self._inputs else HIDDEN_INPUT

    def _own_output(self) -> str:
        if HIDDEN_OUTPUT in self._outputs:
            return HIDDEN_OUTPUT
        names = [str(name) for name in self._outputs]
        return next(name for name in names if not name.startswith(("present.", "recorded.")))
