"""What phones keep beside their own layers: the nearest, as far as their memory goes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.identifiers import Serial
from app.placement.rebalancing.overlap import overlapping_layers
from tests.assignments import held, placed

A, B, C, D = (Serial(name) for name in "abcd")
RING = placed("m", 9, (held(A, 0, 2), held(B, 3, 5), held(C, 6, 8)))
PLENTY = dict.fromkeys((A, B, C, D), 1000)


def test_neighbours_hold_each_others_layers_the_nearest_first() -> None:
    kept = overlapping_layers(RING, (10,) * 9, PLENTY)
    assert kept == {A: (3, 4, 5), B: (6, 2, 7, 1, 8, 0), C: (5, 4, 3), D: tuple(range(9))}


def test_a_phone_that_is_not_asked_about_keeps_nothing() -> None:
    assert overlapping_layers(RING, (10,) * 9, {B: 20}) == {B: (6, 2)}


@given(
    st.lists(st.integers(1, 50), min_size=9, max_size=9),
    st.dictionaries(st.sampled_from((A, B, C, D)), st.integers(0, 300)),
)
def test_what_is_kept_fits_and_is_none_of_the_phones_own(
    sizes: list[int], spare: dict[Serial, int]
) -> None:
    for serial, layers in overlapping_layers(RING, sizes, spare).items():
        stage = RING.stage_of(serial)
        own = set(range(stage.span.first, stage.span.end)) if stage else set()
        assert not own & set(layers)
        assert len(set(layers)) == len(layers)
        assert sum(sizes[layer] for layer in layers) <= spare[serial]
