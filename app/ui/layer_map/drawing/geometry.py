"""Layout arithmetic of the map: cells, spans, seams. Qt-free; everything in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.assignment import Assignment, StageAssignment


@dataclass(frozen=True)
class MapGeometry:
    """Where the cells lie; `edges` has one more entry than there are layers."""

    edges: tuple[float, ...]
    end_width: float
    """Width of the embedding's cell on the left and of the head's on the right."""

    @property
    def left(self) -> float:
        """Left end of the embedding."""
        return self.edges[0] - self.end_width

    @property
    def right(self) -> float:
        """Right end of the head."""
        return self.edges[-1] + self.end_width

    def span(self, stage: StageAssignment) -> tuple[float, float]:
        """Return a stage's left and right, embedding and head included at the ends."""
        last = len(self.edges) - 2
        left = self.left if stage.first_layer == 0 else self.edges[stage.first_layer]
        right = self.right if stage.last_layer == last else self.edges[stage.last_layer + 1]
        return left, right

    def layer_at(self, x: float) -> int:
        """Return the layer under a point, the nearest end outside."""
        last = len(self.edges) - 2
        return next((layer for layer in range(last) if x < self.edges[layer + 1]), last)

    def nearest_edge(self, x: float) -> int:
        """Return the index of the cell edge nearest to a point."""
        return min(range(len(self.edges)), key=lambda index: abs(self.edges[index] - x))


def shares(weights: Sequence[float], total: float, minimum: float) -> tuple[float, ...]:
    """Divide `total` in proportion, giving every part at least `minimum`.

    Where even the minima do not fit, every part gets `minimum` and the sum exceeds `total`.
    """
    if len(weights) * minimum >= total:
        return (minimum,) * len(weights)
    largest = max(weights)
    parts = [weight / largest if largest > 0 else 1.0 for weight in weights]
    widths = [0.0] * len(weights)
    open_parts = set(range(len(weights)))
    left = total
    while True:
        scale = left / (sum(parts[part] for part in open_parts))
        small = {part for part in open_parts if parts[part] * scale < minimum}
        if not small:
            break
        for part in small:
            widths[part] = minimum
        left -= minimum * len(small)
        open_parts -= small
    for part in open_parts:
        widths[part] = parts[part] * scale
    return tuple(widths)


def lay_out(
    assignment: Assignment,
    weights: Sequence[float],
    width: float,
    *,
    end_width: float,
    minimum_bar: float,
) -> MapGeometry:
    """Return the cells of an assignment whose bars are as wide as their weights say."""
    inner = width - 2 * end_width
    bars = shares(weights, inner, minimum_bar)
    edges = [end_width]
    for stage, bar in zip(assignment.stages, bars, strict=True):
        start = edges[-1]
        edges.extend(
            start + bar * (cell + 1) / stage.layer_count for cell in range(stage.layer_count)
        )
    return MapGeometry(tuple(edges), end_width)


def filled_part(
    stage: StageAssignment, applied: Assignment | None, arrived: float
) -> tuple[float, float]:
    """Return which part (0 to 1) of a requested bar is filled.

    Layers the phone already runs are; of the others, as much as has `arrived` (0 to 1).
    """
    held = applied.stage_of(stage.serial) if applied else None
    first = max(stage.first_layer, held.first_layer) if held else 0
    last = min(stage.last_layer, held.last_layer) if held else -1
    if last < first:
        return 0.0, arrived
    start = (first - stage.first_layer) / stage.layer_count
    end = (last + 1 - stage.first_layer) / stage.layer_count
    return start * (1 - arrived), end + (1 - end) * arrived


def dot_position(
    progress: float, spans: Sequence[tuple[float, float]], durations: Sequence[float]
) -> float:
    """Return where the travelling dot is after `progress` (0 to 1) of one token's time."""
    left = progress * sum(durations)
    for (start, end), duration in zip(spans, durations, strict=True):
        if left <= duration and duration > 0:
            return start + (end - start) * left / duration
        left -= duration
    return spans[-1][1]
