from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.identifiers import Serial
from app.ui.charts.selection import CURVE_LIMIT, Selection

RACK = [Serial(f"VP{number:04d}") for number in range(1, 65)]


def test_a_large_rack_begins_with_its_first_phones() -> None:
    assert Selection().drawn(RACK) == set(RACK[:CURVE_LIMIT])


def test_a_chosen_phone_is_drawn_instead_of_the_last_one() -> None:
    chosen = Selection().toggled(RACK[40], RACK)
    assert chosen.drawn(RACK) == {*RACK[: CURVE_LIMIT - 1], RACK[40]}


def test_a_double_click_shows_a_phone_alone_and_another_one_all_again() -> None:
    alone = Selection().toggled(RACK[3], RACK).alone(RACK[3], RACK)
    assert alone.drawn(RACK) == {RACK[3]}
    again = alone.toggled(RACK[3], RACK).alone(RACK[3], RACK)
    assert again == Selection()


@given(clicks=st.lists(st.integers(0, len(RACK) - 1), max_size=60))
def test_a_click_always_turns_its_own_curve_over_and_the_limit_holds(clicks: list[int]) -> None:
    selection = Selection()
    for click in clicks:
        before = RACK[click] in selection.drawn(RACK)
        selection = selection.toggled(RACK[click], RACK)
        drawn = selection.drawn(RACK)
        assert (RACK[click] in drawn) is not before
        assert len(drawn) <= CURVE_LIMIT
