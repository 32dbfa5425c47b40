"""Where the labels of the timeline go, so that none overlap. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence


def place_labels(
    starts: Sequence[float], widths: Sequence[float], lanes: int, gap: float
) -> tuple[int | None, ...]:
    """Return each label's lane, None where no lane has room; newest (last) labels go first.

    `starts` are left ends in ascending order, in pixels.
    """
    placed: list[int | None] = [None] * len(starts)
    limits = [float("inf")] * lanes
    for index in reversed(range(len(starts))):
        end = starts[index] + widths[index] + gap
        lane = next((lane for lane in range(lanes) if end <= limits[lane]), None)
        if lane is not None:
            placed[index] = lane
            limits[lane] = starts[index]
    return tuple(placed)
