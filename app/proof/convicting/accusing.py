"""How far what is accused lies off: the same for who accuses and for who checks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from app.proof.convicting.conviction import ALL_OF_IT, Accused
from app.proof.sharp.draws import Draw, Leaf, leaves_of
from app.proof.sharp.graph import NotCoveredError, Operator
from app.proof.sharp.judging import SharpCase, choice_of, compare, end_of
from app.proof.sharp.operators import is_product
from app.proof.sharp.recomputed import excess
from workers.protocol.wire import Tensor

MOST_NUMBERS: Final = 512
"""Of a product, so many numbers tell how far all lie off together; of more these are drawn."""


def needed_leaves(sharp: SharpCase, accused: Accused) -> dict[int, Leaf]:
    """Return the leaves that it takes, by number. Raises `IndexError` for what is not there."""
    if accused.operator == ALL_OF_IT:
        leaves = [_end(sharp, accused)]
    else:
        leaves = list(leaves_of(sharp.graph, sharp.extent, draw_of(sharp, accused)))
    return {sharp.number(leaf): leaf for leaf in leaves}


def draw_of(sharp: SharpCase, accused: Accused) -> Draw:
    """Return the operator in its row. Raises `IndexError` where the stage has none such.

    What computes the last row of a step alone is in no other row: there its inputs would be taken
    from that row, and what it gave from the last.
    """
    graph, extent, row = sharp.graph, sharp.extent, accused.row
    found = next((each for each in graph.operators if each.number == accused.operator), None)
    if found is None or not 0 <= row < extent.rows:
        raise IndexError(row)
    if not graph.by_step.isdisjoint(found.outputs) and row + 1 not in extent.ends:
        raise IndexError(row)
    return Draw(found, row, accused.reads_cache)


def _end(sharp: SharpCase, accused: Accused) -> Leaf:
    output, extent, place = sharp.graph.output, sharp.extent, accused.row
    if accused.final_row:
        state = sharp.graph.final_state
        if state is None or place + 1 not in extent.ends:
            raise IndexError(place)
        return Leaf(state, place)
    if place >= (extent.steps if output in sharp.graph.by_step else extent.rows):
        raise IndexError(place)
    return Leaf(output, place)


def deviation(
    sharp: SharpCase, accused: Accused, opened: Mapping[Leaf, Tensor], statement: bytes
) -> float:
    """Return how far it lies off, in what is allowed: above 1 no honest phone gave it.

    Raises `NotCoveredError` where the phone's rounding is not known, `KeyError` and `IndexError`
    where something that it takes was not shown.
    """
    if accused.operator == ALL_OF_IT:
        return _token_deviation(sharp, opened) if accused.token else end_of(sharp, opened)
    drawn = draw_of(sharp, accused)
    sample = _sample(sharp, drawn, statement)
    compared = compare(sharp, drawn, opened, sample)
    if compared is None:
        raise NotCoveredError(drawn.operator.name)
    furthest = max(excess(*each) for each in compared)
    if accused.number == ALL_OF_IT or sample is None:
        return furthest
    one = compare(sharp, drawn, opened, (accused.number,)) or []
    return max(furthest, *(excess(claimed, replace(each, spread=None)) for claimed, each in one))


def _token_deviation(sharp: SharpCase, opened: Mapping[Leaf, Tensor]) -> float:
    """Return how far a token is off; of one that nobody signed how to choose nothing is known."""
    return 0.0 if sharp.case.receipt.choices is None else choice_of(sharp, opened)


def _sample(sharp: SharpCase, drawn: Draw, statement: bytes) -> tuple[int, ...] | None:
    """Return which numbers of a product are looked at together, None for all.

    They follow from what the phone signed, so that nobody chooses them.
    """
    if not is_product(sharp.graph, drawn.operator):
        return None
    count = _numbers_in(sharp, drawn.operator)
    if count <= MOST_NUMBERS:
        return None
    seed = statement + drawn.operator.number.to_bytes(8, "big") + drawn.row.to_bytes(8, "big")
    found: dict[int, None] = {}
    for number in _counted(seed):
        found[number % count] = None
        if len(found) == MOST_NUMBERS:
            break
    return tuple(sorted(found))


def _numbers_in(sharp: SharpCase, operator: Operator) -> int:
    coded = sharp.graph.product_in(operator)
    return sharp.graph.weight_shape((coded or operator).inputs[1])[0]


def _counted(seed: bytes) -> Iterator[int]:
    number = 0
    while True:
        digest = hashlib.sha256(seed + number.to_bytes(8, "big")).digest()
        yield int.from_bytes(digest, "big")
        number += 1
