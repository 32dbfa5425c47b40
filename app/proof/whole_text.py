"""Checking every token of a text: the whole model reads it once, as a prompt is read.

The answers are known, so that all rows go through each shard together ("teacher forcing"), which
takes a third to a tenth of what writing them took. One shard is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from app.core.errors import WorkerError, reason_of
from app.proof.answers.figures import (
    FIGURES_TOLERANCE,
    QUANTIZED_FIGURES_TOLERANCE,
    figures_deviation,
)
from app.proof.chain import ChainShard
from app.proof.rounding import PASSES_UP_TO, token_share
from app.proof.stage_parts import NEARBY_ANSWERS, OpenEngine, StagePart, nearby_rows
from app.proof.tokens import token_stands
from workers.engine.engine import ShardEngine
from workers.engine.hidden import sent_form
from workers.errors import ReportedError as EngineFailure
from workers.identity.answer_leaf import chosen_token
from workers.protocol.boundary import Boundary
from workers.protocol.sampling_rule import UNSTEERED, SamplingRule, Steering, steered
from workers.protocol.wire import Tensor

CHUNK_ROWS: Final = 128
"""Rows that go through a shard at a time; between two of these a check can be ended."""
HEAD_ROWS: Final = 16
"""Rows of which logits are held at a time: a vocabulary may have 150,000 tokens."""


@dataclass(frozen=True)
class TextAnswer:
    """A token and what was told of it (`workers.identity.answer_leaf`), after some row."""

    row: int
    """From 0: its logits choose the token."""
    leaf: Tensor
    steering: Steering = UNSTEERED
    """What it was to be chosen by besides the rule."""


@dataclass(frozen=True)
class WholeText:
    """All that was read to write a text, and what came of it."""

    tokens: tuple[int, ...]
    answers: tuple[TextAnswer, ...]
    sampling: SamplingRule
    alternatives: int
    boundary: Boundary


@dataclass(frozen=True)
class TextCheck:
    """Runs a model's shards, in ring order, over texts. Blocking.

    `go_on` is called before each run, with the share of all runs that are done, and raises to end
    the check.
    """

    shards: Sequence[ChainShard]
    """The last of them with its parts; all of them where the model is quantised."""
    quantized: bool
    threads: int
    open_engine: OpenEngine
    go_on: Callable[[float], None]

    def good_answers(self, text: WholeText) -> int:
        """Return how many answers stand, counted up to the first that may not.

        In float32 a token has to be the one to choose, and its log-probabilities right, within the
        tolerances of audits. With quantised weights rows of one run and of many are rounded
        otherwise, even here: a token has to be one that such a difference explains.
        Raises `WorkerError` where the shards cannot be run on this machine.
        """
        try:
            entered, rows = self._rows(text)
            return self._count(text, entered, rows)
        except EngineFailure as error:
            raise WorkerError("audit.text_unchecked", reason=reason_of(error)) from error

    def _rows(self, text: WholeText) -> tuple[Tensor, Tensor]:
        """Return what the layers were given and what left them, `f4 [rows, hidden]`."""
        rows: Tensor = np.array([text.tokens], np.int64)
        entered, parts = rows, [*self._layer_parts()]
        for number, part in enumerate(parts):
            done = number / (len(parts) + 1)
            engine = self._open(part, rows.shape[1])
            rows = self._through(engine, rows, done, 1 / (len(parts) + 1))
            if number == 0 and part.shape.has_embedding and part.shape.layer_count == 0:
                entered = rows
            elif number + 1 < len(parts):
                rows = sent_form(rows, text.boundary)
        return entered[0], rows[0]

    def _layer_parts(self) -> Iterator[StagePart]:
        """Yield what has to run before the head."""
        for shard in self.shards:
            if self.quantized or shard.shape.has_head:
                yield from (part for part in shard.parts if not part.shape.has_head)
            else:
                yield StagePart(shard.graph_path, shard.shape)

    def _open(self, part: StagePart, rows: int, slots: int = 1) -> ShardEngine:
        shape = replace(part.shape, slots=slots, context_tokens=rows)
        return self.open_engine(part.graph_path, shape, self.threads)

    def _through(self, engine: ShardEngine, rows: Tensor, done: float, share: float) -> Tensor:
        outputs = []
        for start in range(0, rows.shape[1], CHUNK_ROWS):
            self.go_on(done + share * start / rows.shape[1])
            outputs.append(engine.run(0, start, rows[:, start : start + CHUNK_ROWS]))
        return np.concatenate(outputs, axis=1)

    def _count(self, text: WholeText, entered: Tensor, rows: Tensor) -> int:
        head = next(part for part in self.shards[-1].parts if part.shape.has_head)
        engine = self._open(head, 1, max(HEAD_ROWS, NEARBY_ANSWERS))
        for first in range(0, len(text.answers), HEAD_ROWS):
            self.go_on(1 - (1 - first / len(text.answers)) / (len(self.shards) + 1))
            answers = text.answers[first : first + HEAD_ROWS]
            logits = _logits(engine, rows[[answer.row for answer in answers]])
            for number, answer in enumerate(answers):
                if not self._stands(engine, text, answer, logits[number], entered, rows):
                    return first + number
        return len(text.answers)

    def _stands(
        self,
        engine: ShardEngine,
        text: WholeText,
        answer: TextAnswer,
        logits: Tensor,
        entered: Tensor,
        rows: Tensor,
    ) -> bool:
        position, token = answer.row + 1, chosen_token(answer.leaf)
        rule = steered(text.sampling, answer.steering)
        if token_stands(logits, token, rule, position):
            return self.quantized or _figures_stand(text, answer, logits)
        if not self.quantized:
            return False
        one = slice(answer.row, answer.row + 1)
        moved = nearby_rows(entered[None, one], rows[None, one], PASSES_UP_TO, answer.row)
        nearby = _logits(engine, np.concatenate([each[0] for each in moved]))
        return token_share(logits, nearby, token, rule, position) <= PASSES_UP_TO


def _figures_stand(text: WholeText, answer: TextAnswer, logits: Tensor) -> bool:
    """Tell whether log-probabilities are right; rows sent as float16 may be rounded otherwise."""
    exact = text.boundary is Boundary.F32
    tolerance = FIGURES_TOLERANCE if exact else QUANTIZED_FIGURES_TOLERANCE
    return figures_deviation(logits, answer.leaf, text.alternatives, tolerance) <= 1


def _logits(engine: ShardEngine, rows: Tensor) -> Tensor:
    """Return the head's logits `[rows, vocabulary]` of hidden rows `[rows, hidden]`."""
    count = len(rows)
    return engine.run_rows(range(count), [0] * count, rows[:, None])
