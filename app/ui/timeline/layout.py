"""What the labels of the timeline say and where they go, so that none overlap. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence

from app.ui.looks.marks import ALARMING

_LABEL_CHARACTERS = 72


def place_labels(
    starts: Sequence[float],
    widths: Sequence[float],
    ranks: Sequence[int],
    lanes: int,
    gap: float,
) -> tuple[int | None, ...]:
    """Return each label's lane, None where no lane has room; starts and widths in pixels.

    Labels of a higher rank choose first, the newest (last) first among equals.
    """
    placed: list[int | None] = [None] * len(starts)
    taken: list[list[tuple[float, float]]] = [[] for _ in range(lanes)]
    for index in sorted(range(len(starts)), key=lambda index: (ranks[index], index), reverse=True):
        box = (starts[index], starts[index] + widths[index] + gap)
        free = (lane for lane in range(lanes) if not _overlaps(box, taken[lane]))
        placed[index] = lane = next(free, None)
        if lane is not None:
            taken[lane].append(box)
    return tuple(placed)


def labels_of(events: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """Return the words beside each mark, for texts with their ranks, oldest first.

    What happens again and again and went well is told once, at its newest mark.
    """
    told: set[str] = set()
    labels = []
    for text, rank in reversed(events):
        labels.append("" if rank < ALARMING and text in told else _short(text))
        told.add(text)
    return tuple(reversed(labels))


def _short(text: str) -> str:
    return text if len(text) <= _LABEL_CHARACTERS else text[: _LABEL_CHARACTERS - 1] + "…"


def _overlaps(box: tuple[float, float], others: Sequence[tuple[float, float]]) -> bool:
    return any(box[0] < other[1] and other[0] < box[1] for other in others)
