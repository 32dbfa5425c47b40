"""Runs a stage's steps again with all states between operators in view, each row of each hashed.

States themselves are not kept: the cache stays as the last step left it, so that any step can be
run once more, to the same bits, when some of its states are to be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from workers.engine.bound_rows import bind_cache, bind_rows, output_shape
from workers.engine.exposing import exposed
from workers.engine.hidden import computed_form, sent_form
from workers.engine.kv_cache import KeyValueCache
from workers.engine.session import one_line, open_session, output_name, past_names
from workers.errors import EngineError, RequestRefusedError
from workers.identity.answer_leaf import no_answer
from workers.identity.openings import prove_leaves
from workers.identity.states import MAXIMUM_LEAVES, row_hash
from workers.identity.transcript import Transcript
from workers.protocol.boundary import Boundary
from workers.protocol.span_shape import SpanShape
from workers.protocol.wire import Tensor

PRESENT: Final = "present."
MAXIMUM_OPENED_BYTES: Final = 16 << 20


@dataclass(frozen=True)
class OpenedLeaves:
    """Rows of states, in the order asked for, and what leads from them to the root."""

    rows: list[Tensor]
    proof: list[bytes]


class Replay:
    """One stage, from its first step on. Used from one thread."""

    def __init__(
        self,
        graph_path: Path,
        shape: SpanShape,
        threads: int,
        boundary: Boundary,
        states: Sequence[str],
    ) -> None:
        """Load the graph once more. Raises `EngineError` where it has no such states."""
        self.states = tuple(states)
        self._shape = replace(shape, slots=1)
        known = output_name(shape)
        names = [name for name in states if name != known and not name.startswith(PRESENT)]
        graph = exposed(graph_path.read_bytes(), names)
        self._session = open_session(graph, threads, graph_path.parent)
        self._cache = KeyValueCache(past_names(self._session, self._shape), self._shape)
        self._boundary = boundary
        self._exposed = names
        self._hashes: list[list[bytes]] = [[] for _ in states]
        self._ends: list[list[int]] = [[] for _ in states]
        """How many leaves each state has after each step."""
        self.transcript = Transcript()

    @property
    def leaf_hashes(self) -> list[bytes]:
        """The leaves of all states, one state after the other."""
        return [leaf for leaves in self._hashes for leaf in leaves]

    def step(self, position: int, inputs: Tensor) -> None:
        """Run the next step, which begins where the one before ended.

        Raises `EngineError` or `RequestRefusedError` for one that cannot be run or hashed.
        """
        if position != self.transcript.rows_of(self.transcript.next_step):
            raise RequestRefusedError("replay.leaves_gap", position=position)
        self.transcript.check_room(inputs.nbytes)
        rows = self._rows(position, inputs)
        if sum(map(len, self._hashes)) + sum(map(len, rows)) > MAXIMUM_LEAVES:
            raise RequestRefusedError("replay.too_long", limit=MAXIMUM_LEAVES)
        for hashes, ends, state in zip(self._hashes, self._ends, rows, strict=True):
            hashes.extend(map(row_hash, state))
            ends.append(len(hashes))
        self.transcript.record(position, inputs, self._committed)

    def open(self, leaves: Sequence[int]) -> OpenedLeaves:
        """Return rows by their leaves, at most `MAXIMUM_OPENED_BYTES` of them.

        Raises `RequestRefusedError` for a leaf that is not there, and for too many.
        """
        hashes = self.leaf_hashes
        if not all(0 <= leaf < len(hashes) for leaf in leaves):
            raise RequestRefusedError("replay.without_leaf", leaves=len(hashes))
        rows = self._shown(leaves)
        if sum(row.nbytes for row in rows) > MAXIMUM_OPENED_BYTES:
            raise RequestRefusedError("replay.opens_too_much", limit=MAXIMUM_OPENED_BYTES)
        return OpenedLeaves(rows, prove_leaves(hashes, leaves))

    def _shown(self, leaves: Sequence[int]) -> list[Tensor]:
        """Return rows, each step that they are of run once more."""
        places = [self._place(leaf) for leaf in leaves]
        shown: dict[tuple[int, int, int], Tensor] = {}
        for number in sorted({step for _state, step, _row in places}):
            (step,) = self.transcript.excerpt(number, 1, 0)
            states = self._rows(step.position, step.inputs)
            for state, of_step, row in places:
                if of_step == number:
                    shown[state, of_step, row] = states[state][row].copy()
        return [shown[place] for place in places]

    def _place(self, leaf: int) -> tuple[int, int, int]:
        """Return the state that a leaf is of, the step, and the row among that step's."""
        state = 0
        while leaf >= len(self._hashes[state]):
            leaf -= len(self._hashes[state])
            state += 1
        ends = self._ends[state]
        step = next(number for number, end in enumerate(ends) if leaf < end)
        return state, step, leaf - (ends[step - 1] if step else 0)

    def _rows(self, position: int, inputs: Tensor) -> list[Tensor]:
        """Run a step; return each state as `[rows, numbers]`."""
        outputs = self._run(position, inputs)
        tokens = inputs.shape[1]
        cached = self._cache.named_rows(position, tokens)
        found = {**outputs, **cached}
        return [_by_row(found[name], tokens).astype(np.float32) for name in self.states]

    def _run(self, position: int, inputs: Tensor) -> dict[str, Tensor]:
        rows = np.require(computed_form(inputs), requirements=("C", "A"))
        tokens, total = rows.shape[1], position + rows.shape[1]
        if total > self._shape.context_tokens:
            limit = self._shape.context_tokens
            raise EngineError("rows.exceed_context", tokens=total, limit=limit)
        last_index, total_tokens = np.array([total - 1], np.int32), np.array(total, np.int32)
        outputs = np.empty(output_shape(self._shape, 1, tokens), np.float32)
        binding = bind_cache(self._session, self._cache, 0, last_index, total_tokens)
        bind_rows(binding, self._shape, rows, outputs)
        for name in self._exposed:
            binding.bind_output(name, "cpu")
        self._run_session(binding)
        self._committed = (
            no_answer() if self._shape.has_head else sent_form(outputs, self._boundary)
        )
        values = dict(zip(self._bound_names(), binding.get_outputs(), strict=True))
        shown = {name: values[name].numpy() for name in self._exposed}
        return {**shown, output_name(self._shape): outputs}

    def _bound_names(self) -> list[str]:
        """Return the outputs in the order in which they were bound."""
        return [*self._cache.present_names, output_name(self._shape), *self._exposed]

    def _run_session(self, binding: Any) -> None:  # noqa: ANN401 - onnxruntime is untyped
        try:
            self._session.run_with_iobinding(binding)
        except Exception as error:
            raise EngineError("shard.failed", reason=one_line(error)) from error


def _by_row(state: Tensor, tokens: int) -> Tensor:
    """Return `[1, tokens, ...]` as a row for each token, `[1, numbers]` as the one that it is."""
    if state.ndim > 2 and state.shape[1] == tokens:
        return state.reshape(tokens, -1)
    if state.ndim == 2 and state.shape[0] == 1:
        return state
    raise EngineError("graph.of_another_span")
