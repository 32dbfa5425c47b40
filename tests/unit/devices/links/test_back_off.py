from __future__ import annotations

from app.devices.back_off import MAXIMUM_PAUSE_S, BackOff
from app.testing.clocks import ManualClock

TICKS = 8
"""A second; none is rounded."""


def tries_within(seconds: int, clock: ManualClock, back_off: BackOff) -> int:
    tries = 0
    for _ in range(seconds * TICKS):
        if back_off.is_due:
            tries += 1
            back_off.failed()
        clock.advance(1 / TICKS)
    return tries


def test_what_is_away_for_long_is_tried_seldom_but_never_given_up() -> None:
    clock = ManualClock()
    back_off = BackOff(clock=clock.monotonic_s)
    assert tries_within(4, clock, back_off) >= 8
    tries_within(200, clock, back_off)
    later = tries_within(600, clock, back_off)
    assert 600 / MAXIMUM_PAUSE_S * 0.9 <= later <= 600 / MAXIMUM_PAUSE_S * 1.1


def test_an_answer_makes_it_impatient_again() -> None:
    clock = ManualClock()
    back_off = BackOff(clock=clock.monotonic_s)
    tries_within(600, clock, back_off)
    back_off.succeeded()
    assert back_off.is_due
    back_off.failed()
    assert back_off.is_due


def test_no_pause_is_longer_than_was_said() -> None:
    clock = ManualClock()
    back_off = BackOff(2.0, clock.monotonic_s)
    tries_within(100, clock, back_off)
    assert 95 / 2 <= tries_within(100, clock, back_off) <= 105 / 2
