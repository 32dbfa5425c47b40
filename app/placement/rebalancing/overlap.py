"""Which layers a phone keeps beside its own, so that a boundary moves without a push.

LinguaLinked's second optimisation (arXiv 2312.00388): neighbours hold each other's layers, nearest
the boundary first, as far as their spare memory goes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest

from app.core.assignment import Assignment
from app.core.identifiers import Serial


def overlapping_layers(
    assignment: Assignment, layer_bytes: Sequence[int], spare_bytes: Mapping[Serial, int]
) -> dict[Serial, tuple[int, ...]]:
    """Return the layers that each phone is to have besides its own, the nearest first.

    `spare_bytes` is what each phone has left beside its own span. One that holds no layers takes
    the model from its beginning: it may have to stand in for any other.
    """
    return {
        serial: tuple(_fitting(_wanted(assignment, serial, len(layer_bytes)), layer_bytes, spare))
        for serial, spare in spare_bytes.items()
    }


def _wanted(assignment: Assignment, serial: Serial, layer_count: int) -> Iterable[int]:
    """Yield layers of the phones before and behind, by turns away from the own span."""
    stages = assignment.stages
    at = next((at for at, each in enumerate(stages) if each.serial == serial), None)
    if at is None:
        return range(layer_count)
    before, own, behind = stages[at - 1 : at], stages[at].span, stages[at + 1 : at + 2]
    downwards = [layer for each in before for layer in reversed(range(each.span.first, own.first))]
    upwards = [layer for each in behind for layer in range(own.end, each.span.end)]
    pairs = chain.from_iterable(zip_longest(upwards, downwards))
    return (layer for layer in pairs if layer is not None)


def _fitting(layers: Iterable[int], layer_bytes: Sequence[int], spare: int) -> Iterable[int]:
    for layer in layers:
        spare -= layer_bytes[layer]
        if spare < 0:
            return
        yield layer
