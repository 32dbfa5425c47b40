"""What the labels of the timeline say and where they go, so that none overlap. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence

from app.ui.looks.marks import ALARMING

_LABEL_CHARACTERS = 72


def place_labels(
    marks: Sequence[float],
    widths: Sequence[float],
    ranks: Sequence[int],
    right: float,
    gap: float,
) -> tuple[float | None, ...]:
    """Return where each label of a lane begins, None where it has no room; all in pixels.

    A label stands to the right of its mark, or to its left where it would reach beyond `right`.
    Labels of a higher rank choose first, the newest (last) first among equals; none covers a mark.
    """
    placed: list[float | None] = [None] * len(marks)
    taken = [(mark - gap, mark + gap) for mark in marks]
    order = sorted(range(len(marks)), key=lambda index: (ranks[index], index), reverse=True)
    for index in order:
        if widths[index] <= 0:
            continue
        mark, width = marks[index], widths[index]
        for start in (mark + gap, mark - gap - width):
            box = (start, start + width)
            if start >= 0 and box[1] <= right and not any(_overlaps(box, each) for each in taken):
                placed[index] = start
                taken.append((start - gap, box[1] + gap))
                break
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


def _overlaps(box: tuple[float, float], other: tuple[float, float]) -> bool:
    return box[0] < other[1] and other[0] < box[1]
