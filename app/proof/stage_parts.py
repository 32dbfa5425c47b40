"""Running stages of a quantised model as embedding, layers and head, each by itself.

Shows what a stage adds to the rows it is given, which is what the rounding of another processor is
measured by, and how far an answer moves where its rows are that far off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from workers.engine.engine import ShardEngine, SpanShape
from workers.engine.hidden import computed_form, sent_form
from workers.protocol.boundary import Boundary
from workers.protocol.wire import Tensor

OpenEngine = Callable[[Path, SpanShape, int], ShardEngine]
"""Loads a shard: (graph path, shape, threads)."""
open_shard: Final[OpenEngine] = ShardEngine
"""As phones do it."""
NEARBY_ANSWERS: Final = 16
_NOISE_KEY: Final = 6079


@dataclass(frozen=True)
class StagePart:
    """An embedding, some layers or a head: a graph and what must be known to run it."""

    graph_path: Path
    shape: SpanShape


@dataclass(frozen=True)
class _EndShape(SpanShape):
    """Of an embedding or a head by itself: it goes with its stage's blocks and holds none."""

    @property
    def layer_count(self) -> int:
        """None."""
        return 0


def part_shape(shape: SpanShape, *, has_embedding: bool, has_head: bool) -> SpanShape:
    """Return what must be known to run an embedding, a head or, where it is neither, the layers."""
    values = vars(shape) | {"has_embedding": has_embedding, "has_head": has_head}
    return _EndShape(**values) if has_embedding or has_head else SpanShape(**values)


@dataclass(frozen=True)
class StageRows:
    """One step: `entered` and `left` are `f4 [1, tokens, hidden]`, before and after the layers."""

    position: int
    entered: Tensor
    left: Tensor
    answer: Tensor | None
    """Logits `f4 [1, vocabulary]` or the vector that answers; None without a head."""

    @property
    def rows_cached(self) -> int:
        """Rows in the cache after the step."""
        return self.position + int(self.left.shape[1])


class StageParts:
    """The parts of one stage, or of several in ring order; hidden states cross in `boundary`."""

    def __init__(
        self,
        parts: Sequence[StagePart],
        threads: int,
        boundary: Boundary,
        open_engine: OpenEngine = ShardEngine,
    ) -> None:
        """Load the parts. Raises `workers.errors.ReportedError` where one cannot be run here."""
        engines = [
            open_engine(part.graph_path, replace(part.shape, slots=1), threads) for part in parts
        ]
        self._embedding = next((each for each in engines if each.shape.has_embedding), None)
        self._head = next((each for each in engines if each.shape.has_head), None)
        self._layers = [each for each in engines if each not in (self._embedding, self._head)]
        self._boundary = boundary

    def run(self, position: int, inputs: Tensor) -> StageRows:
        """Run one step; `inputs` as `workers.engine.engine.ShardEngine.run` takes them."""
        entered = computed_form(inputs)
        if self._embedding is not None:
            entered = self._embedding.run(0, position, inputs)
        rows = entered
        for number, layers in enumerate(self._layers):
            rows = layers.run(0, position, sent_form(rows, self._boundary) if number else rows)
        answer = self._head.run(0, position, rows) if self._head is not None else None
        return StageRows(position, entered, rows, answer)

    def head_of(self, step: StageRows, row: Tensor) -> Tensor:
        """Return the logits `[vocabulary]` that the head makes of a row `f4 [hidden]`.

        It stands in the place of the newest step's last row.

        Raises `EngineError`; `ValueError` for a stage without a head.
        """
        if self._head is None:
            raise ValueError("no-head")
        logits: Tensor = self._head.run(0, step.rows_cached - 1, row.reshape(1, 1, -1))[0]
        return logits

    @property
    def answers_with_vector(self) -> bool:
        """Whether the head answers with a vector and not with a token."""
        return self._head is not None and self._head.shape.answer_size > 0

    def answers_nearby(
        self, step: StageRows, share: float, samples: int = NEARBY_ANSWERS
    ) -> Tensor:
        """Return answers `[samples, numbers]` to rows that lie off by a share of what was added.

        Each sample moves every row of the newest step in one direction, the same each time it is
        asked for. Rows that lean the same way move a pooled answer most.
        """
        if self._head is None:
            raise ValueError("no-head")
        moved = nearby_rows(step.entered, step.left, share, step.position, samples)
        return np.concatenate([self._head.run(0, step.position, rows) for rows in moved])


def nearby_rows(
    entered: Tensor, left: Tensor, share: float, position: int, samples: int = NEARBY_ANSWERS
) -> list[Tensor]:
    """Return rows that lie off those that `left` by a share of what was added to `entered`.

    Both are `[1, tokens, hidden]`; a step's position tells which directions are tried.
    """
    generator = np.random.default_rng([_NOISE_KEY, position])
    directions = generator.standard_normal((samples, left.shape[-1]))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    added = np.linalg.norm(left - entered, axis=-1, keepdims=True)
    return [(left + share * added * each).astype(np.float32) for each in directions]
