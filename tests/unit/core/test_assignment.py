"""Assignments: every edit keeps each layer with exactly one phone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.assignment import Assignment
from app.core.errors import BadInputError
from app.core.identifiers import Serial
from tests.assignments import held, placed


@st.composite
def assignments(draw: st.DrawFn) -> Assignment:
    layer_count = draw(st.integers(2, 24))
    seams = draw(st.sets(st.integers(1, layer_count - 1), max_size=5))
    edges = [0, *sorted(seams), layer_count]
    stages = tuple(
        held(Serial(f"P{index}"), first, end - 1)
        for index, (first, end) in enumerate(pairwise(edges))
    )
    return placed("demo", layer_count, stages)


@given(assignments(), st.data())
def test_moving_a_seam_never_empties_a_span(assignment: Assignment, data: st.DataObject) -> None:
    if len(assignment.stages) < 2:
        return
    seam = data.draw(st.integers(0, len(assignment.stages) - 2))
    moved = assignment.with_seam(seam, data.draw(st.integers(-5, 40)))
    assert all(stage.layer_count >= 1 for stage in moved.stages)
    assert moved.serials == assignment.serials


@given(assignments(), st.data())
def test_giving_a_span_to_a_phone_in_use_swaps_the_two(
    assignment: Assignment, data: st.DataObject
) -> None:
    position = data.draw(st.integers(0, len(assignment.stages) - 1))
    serial = data.draw(st.sampled_from(assignment.serials))
    moved = assignment.with_phone(position, serial)
    assert sorted(moved.serials) == sorted(assignment.serials)
    assert moved.stages[position].serial == serial


@given(assignments(), st.data())
def test_freeing_a_phone_keeps_all_layers_held(assignment: Assignment, data: st.DataObject) -> None:
    serial = data.draw(st.sampled_from(assignment.serials))
    if len(assignment.stages) == 1:
        with pytest.raises(BadInputError):
            assignment.without(serial)
        return
    freed = assignment.without(serial)
    assert serial not in freed.serials
    assert sum(stage.layer_count for stage in freed.stages) == assignment.layer_count


@given(assignments(), st.data())
def test_a_free_phone_takes_half_of_a_span(assignment: Assignment, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(assignment.stages) - 1))
    span = assignment.stages[position]
    if span.layer_count < 2:
        with pytest.raises(BadInputError):
            assignment.with_inserted(Serial("new"), position)
        return
    grown = assignment.with_inserted(Serial("new"), position)
    assert grown.without(Serial("new")).layer_count == assignment.layer_count
    taken = grown.stage_of(Serial("new"))
    assert taken is not None
    assert taken.layer_count == span.layer_count // 2


@pytest.mark.parametrize(
    "spans",
    [[(0, 2), (2, 3)], [(0, 1), (3, 3)], [(1, 3)], [(0, 2)], [(0, 3), (4, 4)]],
)
def test_gaps_and_overlaps_are_refused(spans: list[tuple[int, int]]) -> None:
    stages = tuple(held(Serial(f"P{i}"), *span) for i, span in enumerate(spans))
    with pytest.raises(BadInputError):
        placed("demo", 4, stages)


def test_a_phone_holds_one_span_only() -> None:
    stages = (held(Serial("P"), 0, 1), held(Serial("P"), 2, 3))
    with pytest.raises(BadInputError):
        placed("demo", 4, stages)
