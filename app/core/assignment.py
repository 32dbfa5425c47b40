"""Which phone runs which layers. Requested and applied assignments are both of this type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from app.core.errors import BadInputError
from app.core.identifiers import Serial

RUN_TOKENS: Final = 8
"""How many tokens a closed ring decodes at least before it waits for the host."""
_MAXIMUM_RUN_TOKENS: Final = 32
_RUN_S: Final = 0.25
"""How long it may go on without the host where tokens are quick: so late are others let in."""


@dataclass(frozen=True)
class StageAssignment:
    """One phone's contiguous span, both ends included.

    The stage with layer 0 also holds the embedding, the one with the last layer the head.
    """

    serial: Serial
    first_layer: int
    last_layer: int

    @property
    def layer_count(self) -> int:
        """Number of layers in the span."""
        return self.last_layer - self.first_layer + 1

    @property
    def layers(self) -> str:
        """The span in words: `layer 2` or `layers 2-5`."""
        if self.first_layer == self.last_layer:
            return f"layer {self.first_layer}"
        return f"layers {self.first_layer}-{self.last_layer}"


@dataclass(frozen=True)
class Assignment:
    """Stages in ring order; together they hold every layer exactly once, each phone once."""

    model: str
    layer_count: int
    stages: tuple[StageAssignment, ...]

    def __post_init__(self) -> None:
        """Refuse gaps, overlaps and repeated phones."""
        expected = 0
        for stage in self.stages:
            if stage.first_layer != expected or stage.last_layer < stage.first_layer:
                raise BadInputError("assignment.layer_not_held_once", layer=expected)
            expected = stage.last_layer + 1
        if expected != self.layer_count:
            raise BadInputError("assignment.layer_not_held_once", layer=expected)
        if len({stage.serial for stage in self.stages}) != len(self.stages):
            raise BadInputError("assignment.phone_twice")

    @property
    def serials(self) -> tuple[Serial, ...]:
        """Phones in ring order."""
        return tuple(stage.serial for stage in self.stages)

    def stage_of(self, serial: Serial) -> StageAssignment | None:
        """Return a phone's stage, or None where it is free."""
        return next((stage for stage in self.stages if stage.serial == serial), None)

    def with_seam(self, seam: int, first_layer_after: int) -> Assignment:
        """Return this assignment with the seam after stage `seam` moved; spans stay >= 1 layer."""
        before, after = self.stages[seam], self.stages[seam + 1]
        layer = min(max(first_layer_after, before.first_layer + 1), after.last_layer)
        stages = list(self.stages)
        stages[seam] = replace(before, last_layer=layer - 1)
        stages[seam + 1] = replace(after, first_layer=layer)
        return replace(self, stages=tuple(stages))

    def with_phone(self, position: int, serial: Serial) -> Assignment:
        """Return this assignment with a phone given that span; a phone already used swaps."""
        displaced = self.stages[position].serial
        stages = [
            replace(stage, serial=displaced) if stage.serial == serial else stage
            for stage in self.stages
        ]
        stages[position] = replace(self.stages[position], serial=serial)
        return replace(self, stages=tuple(stages))

    def without(self, serial: Serial) -> Assignment:
        """Return this assignment with a phone freed, its layers split between its neighbours."""
        position = self.serials.index(serial)
        if len(self.stages) == 1:
            raise BadInputError("assignment.last_phone")
        stages = list(self.stages)
        freed = stages.pop(position)
        if position == 0:
            stages[0] = replace(stages[0], first_layer=freed.first_layer)
        elif position == len(stages):
            stages[-1] = replace(stages[-1], last_layer=freed.last_layer)
        else:
            middle = freed.first_layer + freed.layer_count // 2
            stages[position - 1] = replace(stages[position - 1], last_layer=middle - 1)
            stages[position] = replace(stages[position], first_layer=middle)
        return replace(self, stages=tuple(stages))

    def with_inserted(self, serial: Serial, layer: int) -> Assignment:
        """Return this assignment with a free phone given the second half of the span at `layer`."""
        position = next(
            index
            for index, stage in enumerate(self.stages)
            if stage.first_layer <= layer <= stage.last_layer
        )
        host = self.stages[position]
        if host.layer_count < 2:
            raise BadInputError("assignment.span_of_one_layer")
        middle = host.first_layer + (host.layer_count + 1) // 2
        stages = list(self.stages)
        stages[position] = replace(host, last_layer=middle - 1)
        stages.insert(position + 1, StageAssignment(serial, middle, host.last_layer))
        return replace(self, stages=tuple(stages))


def run_tokens(step_s: float) -> int:
    """Return how many tokens a closed ring decodes on end where one takes that long."""
    if step_s * _MAXIMUM_RUN_TOKENS <= _RUN_S:
        return _MAXIMUM_RUN_TOKENS
    return max(RUN_TOKENS, int(_RUN_S / step_s))
