"""A phone that gets slow for good: layers move away from it, and not one token changes."""

from __future__ import annotations

from app.placement.rebalancing.setting import Balancing
from app.simulation.throttling import run_course

SEED = 0
FACTOR = 8.0


def test_layers_leave_a_phone_that_got_slow_and_the_rate_recovers() -> None:
    left, moved = (run_course(SEED, FACTOR, mode) for mode in (Balancing.ASK, Balancing.ON))
    assert left.wrong == moved.wrong == 0
    assert left.surprises == moved.surprises == ()
    assert left.moves == ()
    assert left.proposal is not None, "a person is asked"
    assert left.proposal.after == moved.moves[0].after
    assert left.rate_slow < left.rate_calm / 2
    assert moved.rate_slow > 1.5 * left.rate_slow
    assert 1 <= len(moved.moves) <= 2
    (cause,) = moved.moves[0].causes
    assert cause.figure > FACTOR / 2
    slowed = moved.moves[0].before.stage_of(cause.serial)
    after = moved.moves[-1].after.stage_of(cause.serial)
    assert slowed is not None
    assert after is None or after.layer_count < slowed.layer_count
