"""Commands for audits: a stage run again with its states in view, rows put through layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workers.engine.memory import available_bytes, require_memory
from workers.engine.processor import canary_products, numerical_class
from workers.engine.replay import Replay
from workers.engine.spans import LoadedSpan
from workers.errors import RequestRefusedError
from workers.identity.merkle import root_hash
from workers.identity.states import StatesBody, names_digest
from workers.protocol.commands import Done
from workers.protocol.replay_commands import (
    MAXIMUM_RECOMPUTED_ROWS,
    BeginReplay,
    CanaryShown,
    EndReplay,
    OpenStates,
    Recompute,
    ReplaySteps,
    RowsRecomputed,
    ShowCanary,
    SignStates,
    StatesOpened,
    StatesSigned,
)
from workers.ring.parts import Handlers, WorkerParts


@dataclass(frozen=True)
class _Running:
    span: LoadedSpan
    replay: Replay


class ReplayCommands:
    """Each method carries out a command, and raises a `ReportedError` where that cannot be."""

    def __init__(self, parts: WorkerParts) -> None:
        self._parts = parts
        self._running: _Running | None = None
        self.handlers: Handlers = {
            ShowCanary: self.canary,
            BeginReplay: self.begin,
            ReplaySteps: self.steps,
            SignStates: self.sign,
            OpenStates: self.open,
            EndReplay: self.end,
            Recompute: self.recompute,
        }

    def canary(self, command: ShowCanary) -> CanaryShown:
        """Show what the numerical class is a digest of."""
        return CanaryShown(canary_products(command.threads))

    def begin(self, command: BeginReplay) -> Done:
        """Load a span once more; what was replayed before is forgotten."""
        self._running = None
        span = self._parts.spans.find(command.span)
        engine = span.engine
        require_memory(
            engine.weight_bytes + engine.kv_bytes // engine.shape.slots, available_bytes()
        )
        replay = Replay(
            engine.graph_path, engine.shape, span.threads, command.boundary, command.states
        )
        self._running = _Running(span, replay)
        return Done()

    def steps(self, command: ReplaySteps) -> Done:
        """Run the next steps. What failed half-way is given up."""
        running = self._find()
        if len(command.positions) != len(command.tensors):
            raise RequestRefusedError("step.odd_tensor")
        self._running = None
        for position, inputs in zip(command.positions, command.tensors, strict=True):
            running.span.engine.check_rows(inputs)
            running.replay.step(position, inputs)
        self._running = running
        return Done()

    def sign(self, _command: SignStates) -> StatesSigned:
        """Sign for all states so far."""
        running = self._find()
        replay, sealed = running.replay, running.replay.transcript.seal()
        leaves = replay.leaf_hashes
        body = StatesBody(
            serial=self._parts.serial,
            graph=running.span.graph,
            input_root=sealed.input_root.hex(),
            output_root=sealed.output_root.hex(),
            states=names_digest(replay.states),
            states_root=root_hash(leaves).hex(),
            leaves=len(leaves),
            steps=sealed.steps,
            rows=sealed.tokens,
            numerical_class=numerical_class(running.span.threads),
        )
        return StatesSigned(*self._parts.identity.sign_states(body))

    def open(self, command: OpenStates) -> StatesOpened:
        """Show rows of states."""
        opened = self._find().replay.open(command.leaves)
        rows = tuple(np.ascontiguousarray(row) for row in opened.rows)
        return StatesOpened(tuple(opened.proof), rows)

    def end(self, _command: EndReplay) -> Done:
        """Let go of the replay."""
        self._running = None
        return Done()

    def recompute(self, command: Recompute) -> RowsRecomputed:
        """Put rows through layers for an audit of another phone; nothing of them is kept.

        What texts left in the span's slots is given up: a text that went on behind rows overwritten
        here would be signed for as if it had been read.
        """
        span = self._parts.spans.find(command.span)
        if len(command.tensors) != 1:
            raise RequestRefusedError("step.odd_tensor")
        if span.engine.shape.has_head:
            raise RequestRefusedError("span.at_work", span=command.span)
        (rows,) = command.tensors
        span.engine.check_rows(rows)
        if rows.shape[1] > MAXIMUM_RECOMPUTED_ROWS:
            raise RequestRefusedError("rows.too_many", limit=MAXIMUM_RECOMPUTED_ROWS)
        self._parts.transactions.give_up_span(command.span)
        return RowsRecomputed((span.engine.run(0, command.position, rows),))

    def _find(self) -> _Running:
        if self._running is None:
            raise RequestRefusedError("replay.not_begun")
        return self._running
