"""The figures of balancing: what is left of a rate, round by round."""

from __future__ import annotations

import pytest

from app.benchmarks.paper.slowdown import Slowdown, SlowdownFigures, SlowdownRates, are_one_text
from app.placement.rebalancing.setting import Balancing


def test_the_share_that_is_left_is_the_median_of_its_rounds() -> None:
    figures = SlowdownFigures("five-phones", Balancing.ON)
    for before, after, moves in ((100.0, 80.0, 1), (50.0, 20.0, 0), (200.0, 100.0, 2)):
        figures.add(SlowdownRates(before, after, moves, frozenset()))
    assert figures.shares == pytest.approx([0.8, 0.4, 0.5])
    assert figures.row == ("five-phones", "on", "100 tok/s", "80.0 tok/s", "0.50", "1")


def test_texts_cut_short_are_one_text_and_others_are_not() -> None:
    assert are_one_text({(1, 2, 3), (1, 2), ()})
    assert not are_one_text({(1, 2, 3), (1, 3)})
    assert not are_one_text(set())
    assert not are_one_text({()})


def test_balancing_is_told_by_what_it_leaves_of_the_rate_within_rounds() -> None:
    off, on = (SlowdownFigures("five-phones", mode) for mode in (Balancing.OFF, Balancing.ON))
    for left, kept in ((50.0, 100.0), (40.0, 60.0), (25.0, 75.0)):
        off.add(SlowdownRates(100.0, left, 0, frozenset()))
        on.add(SlowdownRates(100.0, kept, 1, frozenset()))
    found = Slowdown("five-phones", off, on, one_text=True)
    assert found.ratio == pytest.approx(2.0)
    assert found.rows[-1][1] == "on over off; all texts alike"
