"""What of a replay is looked at: drawn once the phone has signed for all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.proof.case import AuditStep
from app.proof.sharp.graph import Operator, StageGraph
from app.proof.sharp.operators import (
    ATTENTION,
    BOTH_WAYS,
    cache_states,
    read_states,
    seen_states,
)

DRAWN_ROWS: Final = 3
DRAWN_OPERATORS: Final = 24
"""For each of these rows."""
CHAINED_ROWS: Final = 2
"""Of the cache rows that an attention reads, so many are followed to what they were made of."""


@dataclass(frozen=True)
class Extent:
    """The steps of a replay: which rows they have."""

    ends: tuple[int, ...]

    @classmethod
    def of(cls, steps: Sequence[AuditStep]) -> Extent | None:
        """Return the extent of steps that follow each other; None where some overwrote rows."""
        ends: list[int] = []
        for step in steps:
            if step.position != (ends[-1] if ends else 0):
                return None
            ends.append(step.position + int(step.inputs.shape[1]))
        return cls(tuple(ends)) if ends else None

    @property
    def rows(self) -> int:
        """Of all steps."""
        return self.ends[-1]

    @property
    def steps(self) -> int:
        """How many there are."""
        return len(self.ends)

    def step_of(self, row: int) -> int:
        """Return the step that a row is of."""
        return next(step for step, end in enumerate(self.ends) if row < end)

    def rows_of(self, step: int) -> int:
        """Return how many rows a step has."""
        return self.ends[step] - (self.ends[step - 1] if step else 0)

    def beside(self, row: int) -> range:
        """Return the rows of the step that a row is of."""
        step = self.step_of(row)
        return range(self.ends[step] - self.rows_of(step), self.ends[step])


@dataclass(frozen=True)
class Draw:
    """One operator in one row; of an attention perhaps only what it writes into the cache.

    `reads_cache` where it reads other rows too, kept in a cache or not.
    """

    operator: Operator
    row: int
    reads_cache: bool = False


@dataclass(frozen=True)
class Leaf:
    """A row of a state; `place` is the step where a state has a row for each step only."""

    state: str
    place: int


def draw(
    graph: StageGraph,
    extent: Extent,
    seed: bytes,
    rows: int = DRAWN_ROWS,
    operators: int = DRAWN_OPERATORS,
) -> tuple[Draw, ...]:
    """Return what is looked at; the same for the same seed, on every machine."""
    numbers = _numbers(seed)
    found: dict[Draw, None] = {}
    for _ in range(rows):
        row = next(numbers) % extent.rows
        last = extent.ends[extent.step_of(row)] - 1
        for operator in _some(graph.operators, operators, numbers):
            of_step = not graph.by_step.isdisjoint(operator.outputs)
            place = last if of_step else row
            reads = operator.kind in (ATTENTION, BOTH_WAYS)
            found[Draw(operator, place, reads)] = None
            if operator.kind == ATTENTION:
                found |= dict.fromkeys(_chained(graph, operator, row, numbers))
    return tuple(found)


def leaves_of(graph: StageGraph, extent: Extent, drawn: Draw) -> Iterator[Leaf]:
    """Yield what must be opened to recompute one operator and to compare."""
    operator = drawn.operator
    names = {*read_states(graph, operator), *operator.outputs}
    if operator.kind == BOTH_WAYS and drawn.reads_cache:
        for state in sorted(seen_states(graph, operator)):
            yield from (Leaf(state, row) for row in extent.beside(drawn.row) if row != drawn.row)
    if operator.kind == ATTENTION:
        if drawn.reads_cache:
            for state in cache_states(operator):
                yield from (Leaf(state, row) for row in range(drawn.row))
        else:
            names.remove(operator.outputs[0])
    for name in sorted(names):
        yield leaf_at(graph, extent, name, drawn.row)


def leaf_at(graph: StageGraph, extent: Extent, state: str, row: int) -> Leaf:
    """Return the leaf of a state in a row."""
    return Leaf(state, extent.step_of(row) if state in graph.by_step else row)


def _chained(
    graph: StageGraph, attention: Operator, row: int, numbers: Iterator[int]
) -> Iterator[Draw]:
    """Yield how some earlier rows came into the cache: what wrote them, and what that read."""
    makers = [graph.maker(state) for state in sorted(read_states(graph, attention))]
    for _ in range(min(CHAINED_ROWS, row)):
        earlier = next(numbers) % row
        yield Draw(attention, earlier)
        yield from (Draw(maker, earlier) for maker in makers if maker is not None)


def _some(operators: Sequence[Operator], count: int, numbers: Iterator[int]) -> Iterator[Operator]:
    """Yield so many of the operators, none twice, in any order."""
    left = list(operators)
    for _ in range(min(count, len(left))):
        yield left.pop(next(numbers) % len(left))


def _numbers(seed: bytes) -> Iterator[int]:
    number = 0
    while True:
        yield int.from_bytes(hashlib.sha256(seed + number.to_bytes(8, "big")).digest(), "big")
        number += 1
