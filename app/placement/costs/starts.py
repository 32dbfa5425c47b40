"""A first ring order of all phones for the annealed searches, in keeping with the pins."""

from __future__ import annotations

from app.placement.costs.pins import PinnedSpans


def start_order(pins: PinnedSpans, rooms: list[int], layer_count: int) -> tuple[int, ...]:
    """Return every phone once, pinned ones by their layers, the others shared out between them.

    `rooms` is how many layers each phone can hold. The roomiest free phone goes where most layers
    still lack room, but never more phones between two pins than there are layers.
    """
    pinned = sorted(pins, key=lambda device: pins[device].first)
    gaps = _gaps(pins, pinned, layer_count)
    lacking = [
        gap - _spare(pins, rooms, pinned[max(at - 1, 0) : at + 1]) for at, gap in enumerate(gaps)
    ]
    between: list[list[int]] = [[] for _ in gaps]
    free = [device for device in range(len(rooms)) if device not in pins]
    for device in sorted(free, key=lambda device: -rooms[device]):
        open_gaps = [at for at, gap in enumerate(gaps) if len(between[at]) < gap]
        chosen = max(open_gaps or range(len(gaps)), key=lambda at: lacking[at])
        between[chosen].append(device)
        lacking[chosen] -= rooms[device]
    order = between[0]
    for device, following in zip(pinned, between[1:], strict=True):
        order = [*order, device, *following]
    return tuple(order)


def _gaps(pins: PinnedSpans, pinned: list[int], layer_count: int) -> list[int]:
    """Return how many layers lie before, between and after the pinned spans."""
    firsts = [*(pins[device].first for device in pinned), layer_count]
    ends = [0, *(pins[device].end for device in pinned)]
    return [first - end for first, end in zip(firsts, ends, strict=True)]


def _spare(pins: PinnedSpans, rooms: list[int], neighbours: list[int]) -> float:
    """Return what the pinned neighbours of a gap can take of it: half of their room each."""
    return sum(max(rooms[device] - pins[device].block_count, 0) / 2 for device in neighbours)
