from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadInputError
from app.core.identifiers import Serial
from app.rack.snapshot import StageSample
from app.ui.charts.statistics import curve, figures, nice_top, with_gaps
from app.ui.layer_map.state import refit_pins
from app.ui.looks.tokens import CONTRAST, DARK, THEMES, Tokens, contrast, ink_on, phone_colour
from app.ui.playground.stream import rolled_back
from app.ui.presenter.scenes import scene_named
from app.ui.timeline.layout import labels_of, place_labels
from tests.assignments import pinned
from tests.ui.layer_map.test_geometry import THREE


@pytest.mark.parametrize("tokens", THEMES.values(), ids=list(THEMES))
def test_words_and_marks_have_the_contrast_people_need(tokens: Tokens) -> None:
    for background in (tokens.surface, tokens.raised):
        for word in ("text", "muted", "accent", "good", "warn", "bad", "slashed"):
            assert contrast(getattr(tokens, word), background) >= 4.5, word
        for position in range(1, 25):
            assert contrast(phone_colour(tokens, position), background) >= 3, position
    for position in range(1, 25):
        colour = phone_colour(tokens, position)
        assert contrast(ink_on(colour), colour) >= 4.5


def test_high_contrast_is_seven_to_one_and_phones_keep_their_colours() -> None:
    words = ("text", "muted", "accent", "good", "warn", "bad", "slashed", "line")
    for word in words:
        assert contrast(getattr(CONTRAST, word), CONTRAST.raised) >= 7, word
    assert CONTRAST.phones == DARK.phones


def test_figures_of_a_curve() -> None:
    values = [float(value) for value in range(1, 101)]
    found = figures(values)
    assert found is not None
    assert (found.now, found.mean, found.p95, found.maximum) == (100, 50.5, 95, 100)
    assert figures([]) is None


def test_a_curve_holds_the_window_only_and_skips_gaps() -> None:
    samples = [StageSample(at, float(at), None) for at in (10, 50, 99)]
    samples.insert(2, StageSample(60, None, 5))
    line = curve(samples, 100.0, lambda sample: sample.stage_ms)
    assert list(line.ages_s) == [-50, -1]
    assert list(line.values) == [50, 99]


def test_a_curve_is_not_joined_across_a_pause() -> None:
    samples = [StageSample(at, 1.0, None) for at in (10, 11, 20, 21)]
    ages, values = with_gaps(curve(samples, 30.0, lambda sample: sample.stage_ms))
    assert [math.isnan(value) for value in values] == [False, False, True, False, False]
    assert ages == sorted(ages)


@given(st.floats(1e-6, 1e12))
def test_the_axis_ends_a_little_above_the_largest_value(largest: float) -> None:
    assert largest * 1.1 < nice_top(largest) <= largest * 2.5


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_rollback_is_what_was_taken_back_and_nothing_else(a: str, b: str, c: str) -> None:
    before, after = a + b, a + c
    taken = rolled_back(before, after)
    if taken is None:
        assert after.startswith(before)
    else:
        assert before[: taken.position] == after[: taken.position]
        assert before[taken.position :] == taken.text != ""


@given(
    st.lists(
        st.tuples(st.floats(0, 1000), st.floats(5, 300), st.integers(0, 2)), min_size=1, max_size=30
    )
)
def test_timeline_labels_overlap_neither_each_other_nor_a_mark(
    labels: list[tuple[float, float, int]],
) -> None:
    labels.sort()
    marks, widths, ranks = (list(column) for column in zip(*labels, strict=True))
    placed = place_labels(marks, widths, ranks, 1000, 4)
    boxes = [
        (start, start + width)
        for start, width in zip(placed, widths, strict=True)
        if start is not None
    ]
    assert all(start >= 0 and end <= 1000 for start, end in boxes)
    assert all(left[1] <= right[0] for left, right in pairwise(sorted(boxes)))
    assert not any(start < mark < end for start, end in boxes for mark in marks)
    if len(labels) == 1 and max(marks[0], 1000 - marks[0]) >= widths[0] + 8:
        assert boxes


def test_pins_shrink_with_their_span_and_fall_away_with_their_phone() -> None:
    pins = (pinned(Serial("A"), 2, 5), pinned(Serial("Z"), 0, 1))
    assert refit_pins(pins, THREE) == (pinned(Serial("A"), 2, 3),)


def test_an_unknown_scene_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadInputError, match="liar"):
        scene_named("opera")
    assert scene_named("crash").fault == "crash:1@10"


def test_what_goes_well_again_and_again_is_told_once_and_every_alarm_is_told() -> None:
    passed, slashed = ("4 of 4 audits passed.", 1), ("Pixel 8 was slashed.", 2)
    labels = labels_of([passed, slashed, passed, slashed, passed, ("Layers moved.", 1)])
    assert labels == ("", slashed[0], "", slashed[0], passed[0], "Layers moved.")
