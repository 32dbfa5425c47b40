"""How a worker asks another for round trips: with rests, and no longer than it may."""

from __future__ import annotations

import pytest

from workers.network.probing import LONGEST_REST_S, round_trips


@pytest.mark.parametrize(
    ("answers_s", "rests_s"),
    [
        ((0.001, 0.002, 0.0005), [0.001, 0.002]),
        ((0.004, 0.1, 0.003), [0.004, LONGEST_REST_S]),
        ((0.3, 0.3, 0.3), [LONGEST_REST_S]),
    ],
)
def test_a_worker_rests_between_pings_for_as_long_as_the_last_took(
    answers_s: tuple[float, ...], rests_s: list[float]
) -> None:
    rested: list[float] = []
    answers = iter(answers_s)
    found = round_trips(lambda: next(answers), count=3, limit_s=0.5, rest=rested.append)
    assert found == list(answers_s[: len(rests_s) + 1])
    assert rested == rests_s
