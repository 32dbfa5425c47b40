"""Layout arithmetic of the map: cells, spans, seams. Qt-free; everything in pixels."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.assignment import Assignment, StageAssignment
from workers.protocol.chain import ChainName


@dataclass(frozen=True)
class MapGeometry:
    """Where the layers' cells lie, from `lefts` to `rights`; between two bars is the hop's way."""

    lefts: tuple[float, ...]
    rights: tuple[float, ...]
    end_width: float
    """Width of the embedding's cell on the left and of the head's on the right."""
    back: float = 0.0
    """Width of the way back to the first bar, beyond the head."""
    encoder_layers: int = 0
    """Cells of an encoder before those of a decoder; 0 of one chain."""

    @property
    def left(self) -> float:
        """Left end of the embedding."""
        return self.lefts[0] - self.end_width

    @property
    def right(self) -> float:
        """Right end of the head."""
        return self.rights[-1] + self.end_width

    @property
    def edges(self) -> tuple[float, ...]:
        """Where each layer begins and the last one ends; the middle of a gap is both."""
        inner = ((end + start) / 2 for end, start in zip(self.rights, self.lefts[1:], strict=False))
        return (self.lefts[0], *inner, self.rights[-1])

    def span(self, stage: StageAssignment) -> tuple[float, float]:
        """Return a stage's left and right, embedding and head included at the ends."""
        cells, last = self._cells(stage), len(self.lefts) - 1
        left = self.left if cells[0] == 0 else self.lefts[cells[0]]
        right = self.right if cells[-1] == last else self.rights[cells[-1]]
        return left, right

    def _cells(self, stage: StageAssignment) -> range:
        """Return which cells a stage's layers are, counted through all chains."""
        span = stage.span
        before = self.encoder_layers if span.chain is ChainName.DECODER else 0
        return range(before + span.first, before + span.end)

    def hop(self, stage: StageAssignment) -> tuple[float, float]:
        """Return from where to where the way out of a stage leads, back to the first at the end."""
        _, right = self.span(stage)
        after = self._cells(stage).stop
        if after == len(self.lefts):
            return right, right + self.back
        return right, self.lefts[after]

    def layer_at(self, x: float) -> int:
        """Return the layer under a point, the nearest end outside."""
        return bisect_right(self.edges[1:-1], x)

    def nearest_edge(self, x: float) -> int:
        """Return the index of the cell edge nearest to a point."""
        edges = self.edges
        return min(range(len(edges)), key=lambda index: abs(edges[index] - x))


def shares(weights: Sequence[float], total: float, minima: Sequence[float]) -> tuple[float, ...]:
    """Divide `total` in proportion, giving every part at least its minimum.

    Where even the minima do not fit, every part gets its own and the sum exceeds `total`.
    """
    if sum(minima) >= total:
        return tuple(minima)
    largest = max(weights)
    parts = [weight / largest if largest > 0 else 1.0 for weight in weights]
    widths = [0.0] * len(weights)
    open_parts = set(range(len(weights)))
    left = total
    while True:
        whole = sum(parts[part] for part in open_parts)
        scale = left / whole if whole > 0 else 0.0
        small = {part for part in open_parts if parts[part] * scale < minima[part]}
        if not small:
            break
        for part in small:
            widths[part] = minima[part]
        left -= sum(minima[part] for part in small)
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
    minimum_bars: Sequence[float],
    hops: Sequence[float] = (),
    minimum_hop: float = 0.0,
) -> MapGeometry:
    """Return the cells of an assignment whose bars are as wide as their weights say.

    `hops` are the ways out of the stages on the same scale, the one back to the first among them;
    without them the bars touch.
    """
    stages = len(weights)
    minima = [*minimum_bars, *([minimum_hop] * len(hops))]
    parts = shares((*weights, *hops), width - 2 * end_width, minima)
    bars, gaps = parts[:stages], parts[stages:] or (0.0,) * stages
    lefts: list[float] = []
    rights: list[float] = []
    start = end_width
    for stage, bar, gap in zip(assignment.stages, bars, gaps, strict=True):
        cells = [start + bar * cell / stage.layer_count for cell in range(stage.layer_count + 1)]
        lefts.extend(cells[:-1])
        rights.extend(cells[1:])
        start += bar + gap
    before = sum(chain.block_count for chain in assignment.chains[:-1])
    return MapGeometry(tuple(lefts), tuple(rights), end_width, gaps[-1], before)


def filled_part(
    stage: StageAssignment, applied: Assignment | None, arrived: float
) -> tuple[float, float]:
    """Return which part (0 to 1) of a requested bar is filled.

    Layers the phone already runs are; of the others, as much as has `arrived` (0 to 1).
    """
    held = applied.stage_of(stage.serial) if applied else None
    both = stage.span.shared_with(held.span) if held else None
    if both is None:
        return 0.0, arrived
    start = (both.first - stage.first_layer) / stage.layer_count
    end = (both.end - stage.first_layer) / stage.layer_count
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
