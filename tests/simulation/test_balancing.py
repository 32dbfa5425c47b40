"""A phone that gets slow for good: layers move away from it, and not one token changes."""

from __future__ import annotations

from app.placement.rebalancing.readings import CauseKind
from app.placement.rebalancing.setting import Balancing
from app.simulation.network import LinkBehaviour
from app.simulation.throttling import run_course

SEED = 0
READ_AHEAD_SEED = 11
"""Texts are in the midst of being written as layers move."""
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


def test_a_text_is_read_where_its_layers_move_to_before_they_do() -> None:
    course = run_course(READ_AHEAD_SEED, FACTOR, Balancing.ON)
    assert course.wrong == 0
    assert course.surprises == ()
    assert course.reused > 0
    assert course.moves[0].stall_s is not None
    assert course.moves[0].stall_s < 0.45


def test_a_move_that_left_less_of_the_rate_is_undone_and_not_made_again() -> None:
    course = run_course(SEED, FACTOR, Balancing.ON, betrayal=LinkBehaviour(0.1, 0.2))
    assert course.wrong == 0
    assert course.surprises == ()
    made, undone, *later = course.moves
    assert undone.after == made.before
    assert undone.causes[0].kind is CauseKind.WORSENED
    assert all(move.after != made.after for move in later)
