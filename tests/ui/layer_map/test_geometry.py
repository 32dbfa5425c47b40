from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.assignment import Assignment
from app.core.identifiers import Serial
from app.ui.layer_map.drawing.drag import BarDrag, FreePhoneDrag, Lane, SeamDrag
from app.ui.layer_map.drawing.geometry import dot_position, filled_part, lay_out, shares
from tests.assignments import held, placed

A, B, C, D = (Serial(name) for name in "ABCD")


def split(*spans: tuple[Serial, int, int]) -> Assignment:
    stages = tuple(held(*span) for span in spans)
    return placed("demo", stages[-1].last_layer + 1, stages)


THREE = split((A, 0, 3), (B, 4, 7), (C, 8, 11))
GEOMETRY = lay_out(THREE, (1.0, 1.0, 2.0), 1000, end_width=40, minimum_bars=(50,) * 3)
LANE = Lane(20, 60, {D: (0, 100, 80, 120)})


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.floats(10, 5000))
def test_shares_fill_the_width_and_keep_every_bar_grabbable(
    weights: list[float], total: float
) -> None:
    widths = shares(weights, total, [20] * len(weights))
    assert min(widths) >= 20 - 1e-6
    assert sum(widths) == pytest.approx(max(total, 20 * len(weights)), rel=1e-6)


def test_shares_are_in_proportion_where_there_is_room() -> None:
    assert shares((1, 3), 400, (10, 10)) == pytest.approx((100, 300))


def test_cells_tile_the_width_and_ends_hold_embedding_and_head() -> None:
    spans = [GEOMETRY.span(stage) for stage in THREE.stages]
    assert spans[0][0] == 0
    assert spans[-1][1] == pytest.approx(1000)
    assert all(left[1] == right[0] for left, right in pairwise(spans))
    assert spans[2][1] - spans[2][0] > spans[1][1] - spans[1][0]


def test_ways_lie_between_the_bars_on_their_scale_and_the_last_leads_back() -> None:
    layout = lay_out(
        THREE,
        (1.0, 1.0, 2.0),
        1080,
        end_width=40,
        minimum_bars=(50,) * 3,
        hops=(2.0, 3.0, 1.0),
        minimum_hop=16,
    )
    widths = [end - start for start, end in map(layout.hop, THREE.stages)]
    assert widths == pytest.approx([200, 300, 100])
    assert layout.right + layout.back == pytest.approx(1080)
    for stage, after in pairwise(THREE.stages):
        assert layout.hop(stage) == (layout.span(stage)[1], layout.span(after)[0])
    seam = sum(layout.hop(THREE.stages[0])) / 2
    assert (layout.layer_at(seam - 1), layout.layer_at(seam + 1)) == (3, 4)
    assert layout.nearest_edge(seam) == 4


@given(st.integers(0, 1), st.floats(-200, 1400))
def test_a_dragged_seam_always_leaves_a_valid_assignment_at_the_nearest_cell(
    seam: int, x: float
) -> None:
    moved = SeamDrag(THREE, GEOMETRY, seam).assignment_at(x, 0)
    assert moved.serials == THREE.serials
    other = 1 - seam
    assert moved.stages[other + 1 if other else 0] == THREE.stages[other + 1 if other else 0]
    edge = moved.stages[seam].last_layer + 1
    span = THREE.stages[seam].first_layer, THREE.stages[seam + 1].last_layer
    assert span[0] < edge <= span[1]


def test_dropping_a_bar_on_another_swaps_them() -> None:
    x = GEOMETRY.edges[9] + 1
    assert BarDrag(THREE, GEOMETRY, LANE, A).assignment_at(x, 40).serials == (C, B, A)


def test_dropping_a_bar_outside_frees_its_phone_and_on_a_free_phone_replaces_it() -> None:
    drag = BarDrag(THREE, GEOMETRY, LANE, B)
    assert drag.assignment_at(500, 300).serials == (A, C)
    assert drag.assignment_at(40, 110).serials == (A, D, C)


def test_the_last_phone_cannot_be_dropped_outside() -> None:
    alone = split((A, 0, 3))
    layout = lay_out(alone, (1.0,), 500, end_width=40, minimum_bars=(50,))
    assert BarDrag(alone, layout, LANE, A).assignment_at(250, 400) == alone


def test_a_free_phone_takes_half_a_span_or_a_whole_single_layer() -> None:
    drag = FreePhoneDrag(THREE, GEOMETRY, LANE, D)
    assert drag.assignment_at(GEOMETRY.edges[1], 40).serials == (A, D, B, C)
    assert drag.assignment_at(GEOMETRY.edges[1], 400) == THREE
    thin = split((A, 0, 0), (B, 1, 3))
    layout = lay_out(thin, (1.0, 1.0), 500, end_width=40, minimum_bars=(50, 50))
    assert FreePhoneDrag(thin, layout, LANE, D).assignment_at(45, 40).serials == (D, B)


def test_filling_grows_from_what_is_held_with_the_bytes_that_arrived() -> None:
    stage = held(A, 0, 3)
    assert filled_part(stage, None, 0.25) == (0.0, 0.25)
    assert filled_part(stage, split((A, 0, 3), (B, 4, 5)), 0.0) == (0.0, 1.0)
    half = split((A, 0, 1), (B, 2, 5))
    assert filled_part(stage, half, 0.0) == (0.0, 0.5)
    assert filled_part(stage, half, 0.5) == (0.0, 0.75)


def test_the_dot_lingers_where_the_stage_is_slow() -> None:
    spans, durations = [(0.0, 100.0), (100.0, 200.0)], [1.0, 3.0]
    assert dot_position(0.25, spans, durations) == pytest.approx(100)
    assert dot_position(0.5, spans, durations) == pytest.approx(100 + 100 / 3)
    assert dot_position(1.0, spans, durations) == pytest.approx(200)
