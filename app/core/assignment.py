"""Which phone runs which layers. Requested and applied assignments are both of this type.

Layers are the blocks of a chain, by the numbers that they have in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from app.core.chain import Chain, check_cover
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from workers.protocol.chain import Span

RUN_TOKENS: Final = 8
"""How many tokens a closed ring decodes at least before it waits for the host."""
_MAXIMUM_RUN_TOKENS: Final = 32
_RUN_S: Final = 0.25
"""How long it may go on without the host where tokens are quick: so late are others let in."""


@dataclass(frozen=True)
class StageAssignment:
    """One phone's contiguous span.

    The stage with a chain's layer 0 also holds the embedding, the one with the last the head.
    """

    serial: Serial
    span: Span

    @property
    def first_layer(self) -> int:
        """The first layer of the span, counted in its chain."""
        return self.span.first

    @property
    def last_layer(self) -> int:
        """The last layer of the span."""
        return self.span.last

    @property
    def layer_count(self) -> int:
        """Number of layers in the span."""
        return self.span.block_count


@dataclass(frozen=True)
class Assignment:
    """Stages in ring order; together they hold every layer exactly once, each phone once.

    `chains` are the model's, in the order in which they run; so are the stages.
    """

    model: str
    chains: tuple[Chain, ...]
    stages: tuple[StageAssignment, ...]

    def __post_init__(self) -> None:
        """Refuse gaps, overlaps, chains that the model does not have and repeated phones."""
        check_cover(self.chains, (stage.span for stage in self.stages))
        if len({stage.serial for stage in self.stages}) != len(self.stages):
            raise BadInputError("assignment.phone_twice")

    @property
    def layer_count(self) -> int:
        """Number of layers of all chains."""
        return sum(chain.block_count for chain in self.chains)

    def numbered(self, span: Span) -> range:
        """Return the numbers of a span's layers through all chains."""
        before = 0
        for chain in self.chains:
            if chain.name is span.chain:
                break
            before += chain.block_count
        return range(before + span.first, before + span.end)

    @property
    def serials(self) -> tuple[Serial, ...]:
        """Phones in ring order."""
        return tuple(stage.serial for stage in self.stages)

    def stage_of(self, serial: Serial) -> StageAssignment | None:
        """Return a phone's stage, or None where it is free."""
        return next((stage for stage in self.stages if stage.serial == serial), None)

    def with_seam(self, seam: int, first_layer_after: int) -> Assignment:
        """Return this assignment with the seam after stage `seam` moved; spans stay >= 1 layer.

        Where one chain ends and the next begins there is no seam to move: nothing changes then.
        """
        before, after = self.stages[seam], self.stages[seam + 1]
        if before.span.chain != after.span.chain:
            return self
        layer = min(max(first_layer_after, before.first_layer + 1), after.last_layer)
        stages = list(self.stages)
        stages[seam] = _resized(before, before.span.first, layer)
        stages[seam + 1] = _resized(after, layer, after.span.end)
        return replace(self, stages=tuple(stages))

    def with_phone(self, position: int, serial: Serial) -> Assignment:
        """Return this assignment with a phone given the span of the stage at `position`, from 0.

        A phone that has a span already swaps with the one that held this.
        """
        displaced = self.stages[position].serial
        stages = [
            replace(stage, serial=displaced) if stage.serial == serial else stage
            for stage in self.stages
        ]
        stages[position] = replace(self.stages[position], serial=serial)
        return replace(self, stages=tuple(stages))

    def without(self, serial: Serial) -> Assignment:
        """Return this assignment with a phone freed, its layers split between its neighbours.

        Neighbours are those that hold layers of the same chain. Raises `BadInputError` where no
        other phone holds any, `ValueError` for a phone without a stage.
        """
        freed = self.stages[self.serials.index(serial)]
        chain = [stage for stage in self.stages if stage.span.chain == freed.span.chain]
        if len(chain) == 1:
            raise BadInputError("assignment.last_phone")
        cut = freed.first_layer + freed.layer_count // 2
        if freed is chain[0]:
            cut = freed.span.first
        elif freed is chain[-1]:
            cut = freed.span.end
        stages = (_without_gap(stage, freed.span, cut) for stage in self.stages)
        return replace(self, stages=tuple(stage for stage in stages if stage.serial != serial))

    def with_inserted(self, serial: Serial, position: int) -> Assignment:
        """Return this assignment with a free phone given the second half of that stage's span.

        Raises `BadInputError` for a span of one layer and for a phone that has one already.
        """
        host = self.stages[position]
        if host.layer_count < 2:
            raise BadInputError("assignment.span_of_one_layer")
        middle = host.first_layer + (host.layer_count + 1) // 2
        stages = list(self.stages)
        stages[position] = _resized(host, host.span.first, middle)
        guest = replace(host, serial=serial)
        stages.insert(position + 1, _resized(guest, middle, host.span.end))
        return replace(self, stages=tuple(stages))


def run_tokens(step_s: float) -> int:
    """Return how many tokens (8 to 32) a closed ring decodes before it waits for the host.

    `step_s` is what one takes, in seconds: as many as take a quarter of a second.
    """
    if step_s * _MAXIMUM_RUN_TOKENS <= _RUN_S:
        return _MAXIMUM_RUN_TOKENS
    return max(RUN_TOKENS, int(_RUN_S / step_s))


def _without_gap(stage: StageAssignment, gap: Span, cut: int) -> StageAssignment:
    """Return a stage that reaches up to the cut through a neighbouring gap; others as they are."""
    if stage.span.chain == gap.chain and stage.span.end == gap.first < cut:
        return _resized(stage, stage.span.first, cut)
    if stage.span.chain == gap.chain and stage.span.first == gap.end > cut:
        return _resized(stage, cut, stage.span.end)
    return stage


def _resized(stage: StageAssignment, first: int, end: int) -> StageAssignment:
    return replace(stage, span=Span(stage.span.chain, first, end))
